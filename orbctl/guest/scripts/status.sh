# How the machine is. $1: a user's name to look up by itself, or empty. Needs
# accounts.sh before it.
# What is cheap and cannot hang comes first: a cut transcript still has it.

[ -r /etc/os-release ] && release=/etc/os-release || release=/usr/lib/os-release
show os "$release"
section uname uname -srm

# Uptime of the machine is that of its PID 1; /proc/uptime is the shared VM's.
section now date +%s
show uptime /proc/uptime
section btime grep '^btime ' /proc/stat
show pid1 /proc/1/stat
show loadavg /proc/loadavg
section meminfo grep -E '^Mem(Total|Available):' /proc/meminfo
cpus() { nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null || grep -c ^processor /proc/cpuinfo; }
section cpus cpus

# The machine's own cgroup. Seen from inside it is the root of the mount, unless
# the guest has no cgroup namespace: then PID 1 says where it is.
root=/sys/fs/cgroup
own=$(sed -n 's/^0:://p' /proc/1/cgroup 2>/dev/null)
own=${own%/init.scope}
group=$root
[ -e "$root/cgroup.type" ] || [ "${own:-/}" = / ] || group=$root$own
sample() { # sample NAME: CPU time used so far, and when that was
	begin "$1"
	read -r clock _ </proc/uptime
	echo "clock $clock"
	if [ -n "$version2" ]; then
		grep '^usage_usec ' "$group/cpu.stat"
	else
		read -r nanoseconds <"$root/cpuacct/cpuacct.usage" && echo "usage_nsec $nanoseconds"
	fi 2>/dev/null
	end 0
}
version2=''
if [ -e "$root/cgroup.controllers" ]; then
	version2=yes
	if [ -e "$group/cgroup.type" ]; then begin cgroup v2 own; else begin cgroup v2 root; fi
	for file in memory.current memory.max cpu.max; do
		{ read -r value <"$group/$file" && echo "$file $value"; } 2>/dev/null
	done
	grep '^inactive_file ' "$group/memory.stat" 2>/dev/null
	end 0
elif [ -d "$root/memory" ] || [ -d "$root/cpuacct" ]; then
	# release_agent is only in the root of a hierarchy.
	if [ -e "$root/memory/release_agent" ]; then begin cgroup v1 root; else begin cgroup v1 own; fi
	for file in memory/memory.usage_in_bytes memory/memory.limit_in_bytes cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us; do
		{ read -r value <"$root/$file" && echo "${file#*/} $value"; } 2>/dev/null
	done
	grep '^total_inactive_file ' "$root/memory/memory.stat" 2>/dev/null
	end 0
else
	begin cgroup none; end 0
fi
sample cpu1
sleep 0.25 2>/dev/null || sleep 1
sample cpu2

section df df -Pk /

# Fields of /proc/PID/status, where the kernel escapes a name's newlines.
# Counted by this shell itself: a $(…) would count the one that it forks.
processes() { begin procs "$#" "$$"; }
processes /proc/[0-9]*
grep -hE '^(Name|Pid|PPid|Uid|VmRSS):' /proc/[0-9]*/status 2>/dev/null | head -c 1500000
end 0

sockets() { # sockets NAME STATE: the kernel's table, only the sockets that listen
	begin "$1"
	grep -m 1000 " $2 " "/proc/net/$1" 2>&1
	end 0
}
sockets tcp 0A
sockets tcp6 0A
sockets udp 07
sockets udp6 07

accounts "$1"

# Which programs they are; -e gives the inode that ties a line to the tables above.
sockstat() { limited 3 ss -lntupeH | head -c 200000; }
have ss && section ss sockstat
if [ -d /run/systemd/system ]; then
	section failed limited 5 systemctl --failed --no-legend --plain --no-pager
fi
finish
