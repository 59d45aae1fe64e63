# What the machine knows of its network: interfaces, routes, resolver, and
# whether the Mac's files are mounted. No arguments.

capped() { # capped LINES COMMAND...: the first lines only
	most=$1; shift
	"$@" 2>&1 | head -n "$most"
}
sysfs() { # one line an interface: name mtu mac state
	for dir in /sys/class/net/*; do
		mtu='' mac='' state=''
		{
			read -r mtu <"$dir/mtu"
			read -r mac <"$dir/address"
			read -r state <"$dir/operstate"
		} 2>/dev/null
		printf '%s %s %s %s\n' "${dir##*/}" "${mtu:--}" "${mac:--}" "${state:--}"
	done
}

show hostname /proc/sys/kernel/hostname

# iproute2 and busybox ip print alike. ip is there and yet useless where netlink
# is not allowed: each rung is tried before it is asked.
if have ip && ip addr show >/dev/null 2>&1; then
	section addr capped 2000 ip addr show
	section route4 capped 500 ip -4 route show
	section route6 capped 500 ip -6 route show
else
	if have ifconfig && ifconfig -a >/dev/null 2>&1; then
		section ifconfig capped 2000 ifconfig -a
	else
		section sysfs sysfs
		show dev /proc/net/dev
		show fib_trie /proc/net/fib_trie
		show if_inet6 /proc/net/if_inet6
	fi
	show proc_route4 /proc/net/route
	show proc_route6 /proc/net/ipv6_route
fi

show resolv /etc/resolv.conf
[ -L /etc/resolv.conf ] && section resolv_link readlink -f /etc/resolv.conf
# systemd-resolved puts its stub into resolv.conf; the servers behind it are here.
uplink=/run/systemd/resolve/resolv.conf
if [ -r "$uplink" ]; then
	show uplink "$uplink"
elif have resolvectl; then
	section resolvectl limited 3 resolvectl --no-pager status
fi

begin mac
[ -e /mnt/mac ] && echo present
while read -r _ dir _; do
	case $dir in /mnt/mac) echo mounted ;; esac
done </proc/mounts
end 0

finish
