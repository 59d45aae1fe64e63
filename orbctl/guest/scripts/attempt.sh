# Shared by the scripts that try one tool after the other within a time.
set -f # words of what tools print are split, never expanded

# Time from a clock that has no leaps.
seconds() { read -r now _ </proc/uptime && now=${now%%.*}; }
start() { seconds; deadline=$((now + $1)) owed=yes; } # start SECONDS: the budget of all that follows
# afford SECONDS: as many of them as the budget still has in $may, or failure. The
# first attempt is owed, however long the way to it took on a busy machine.
afford() {
	seconds; may=$((deadline - now))
	[ "$may" -le "$1" ] || may=$1
	[ "$may" -gt 0 ] || { [ -n "$owed" ] && may=1; }
}

# heard COMMAND...: what it prints in $said and its exit status in $code. For a tool
# that has little to say, whatever the other side does: it needs no head to cut it.
heard() {
	said=$("$@" 2>&1 </dev/null) && code=0 || code=$?
	from=- to=-
}
# overheard COMMAND...: the same of a tool that passes on what a host says, the first
# 16 KiB of it. A host that never stops talking fills no memory: the pipe closes,
# and the tool with it.
overheard() {
	said=$({ "$@"; printf '\ncode %s\n' "$?"; } 2>&1 </dev/null | head -c 16384)
	from=- to=-
	code=${said##*code }
	case $code in '' | *[!0-9]*) code=0 ;; *) said=${said%code *} ;; esac
}
# timed HEARD COMMAND...: heard or overheard, with the moments before and behind it,
# for a tool that does not measure itself. /proc/uptime has 10 ms; not every busybox
# date has %N.
timed() {
	moment; before=$at
	"$@"
	moment; from=$before to=$at
}
moment() {
	at=$(date +%s.%N 2>/dev/null)
	case $at in '' | *. | *[!0-9.]*) read -r at _ </proc/uptime ;; esac
}
tell() { # tell NAME WORD...: $said as a section
	begin "$@" "$from" "$to"
	printf '%s' "$said"
	end "$code"
}
# A tool that cannot be run, or does not know its options or the address family,
# is no tool: the next one has a turn.
useless() {
	case $code in 126 | 127) return 0 ;; 0) return 1 ;; esac
	case $said in
	*/dev/tcp/*': No such file or directory'* | *'applet not found'* | *'error while loading shared libraries'* | *[Uu]sage:*) return 0 ;;
	*'nvalid option'* | *'nrecognized option'* | *'llegal option'* | *'nknown option'* | *': is unknown'* | *'as an IP address'*) return 0 ;;
	esac
	return 1
}
os() { # the distribution's ID, as a section
	begin os
	{ while read -r line; do
		case $line in ID=*) echo "${line#ID=}" ;; esac
	done </etc/os-release; } 2>/dev/null
	end 0
}
