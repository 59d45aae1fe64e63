# Which address has a name? Shared by the scripts that reach hosts. Needs attempt.sh
# before it. $lookup is the seconds for one way to look a name up, 10 without it.

sift() { # sift TEXT: its IP addresses, first of each family in $four and $six
	for word in $1; do
		case $word in
		*[!0-9a-fA-F:.]*) ;;
		::ffff:*.*) ;; # an IPv4 address in IPv6's clothes (getent without AAAA)
		*:*:*) [ -n "$six" ] || six=$word ;;
		*[!0-9.]*) ;;
		*.*.*.*) [ -n "$four" ] || four=$word ;;
		esac
	done
}
hosts_file() { # hosts_file NAME: the addresses that /etc/hosts has for it; $there says whether any
	there=
	while read -r address names; do
		case $address in '#'*) continue ;; esac
		for word in ${names%%#*}; do
			[ "$word" = "$1" ] && there=yes && echo "$address"
		done
	done </etc/hosts
}
resolve() { # resolve LEG NAME: with what the machine's programs use, or the nearest to it
	# Whom the file leads elsewhere no DNS server can tell. Nothing is started for this.
	there=; [ ! -r /etc/hosts ] || hosts_file "$2" >/dev/null
	[ -z "$there" ] || { begin hosts "$1"; end 0; }
	for how in getent-ahosts getent-hosts hosts-file nslookup ping; do
		afford "${lookup:-10}" || return
		case $how in
		getent-ahosts) have getent || continue; heard limited "$may" getent ahosts "$2" ;;
		getent-hosts) have getent || continue; heard limited "$may" getent hosts "$2" ;;
		hosts-file) [ -r /etc/hosts ] || continue; heard hosts_file "$2" ;;
		nslookup)
			if have nslookup; then heard limited "$may" nslookup "$2"
			elif have busybox; then heard limited "$may" busybox nslookup "$2"
			else continue; fi ;;
		ping) # its first line names the address
			if have ping; then heard limited 2 ping -c 1 -W 1 "$2"
			elif have busybox; then heard limited 2 busybox ping -c 1 -W 1 "$2"
			else continue; fi ;;
		esac
		# getent that knows no "ahosts" (musl) says so; "not found" (2) and silence are answers.
		case $how.$code in getent-*.127 | getent-*.1) continue ;; esac
		tell resolve "$1" "$how"
		case $how in
		nslookup) # above the first Name: stands the server's address
			case $said in *Name:*) sift "${said#*Name:}" ;; esac ;;
		ping) # PING name (address): or (address) 56 bytes, whatever else follows
			said=${said%%)*} said=${said##*(}; sift "$said" ;;
		*) sift "$said" ;;
		esac
		[ -z "$four$six" ] || return
		case $how in getent-*) return ;; esac
	done
}
