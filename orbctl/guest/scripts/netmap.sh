# Whom does the machine reach? All targets at once, by address and by name, by
# ping and by each port. Processes are what it costs, so that there are few for each
# attempt. What attempts print comes in streams: each line behind MARK@TARGET.METHOD,
# and that about a target's name behind MARK@TARGET, so that they may mix. Legs are 1 by
# name, 2 by address.
#
# $1 seconds for a ping  $2 seconds for a connection and for a name  $3 seconds for
# all  $4 ports, with blanks between, or "-"; then for each target its address, or "-", and its name

pinging=$1 dialing=$2 budget=$3 ports=$4 method=''
shift 4
[ "$ports" != - ] || ports=''
lookup=$dialing
start "$budget"

# --- in place of what the shared parts do, one after the other ----------------

tag='' tool=''
begin() { printf '%s%s begin %s\n' "$tag" "$mark" "$*"; }
end() { printf '%s%s end %s\n' "$tag" "$mark" "$1"; }
# A line is one write of less than PIPE_BUF, which no other writer can get into.
lines() { # lines TEXT
	fields=$IFS IFS='
'
	for line in $1; do printf '%s%.2000s\n' "$tag" "$line"; done
	IFS=$fields
}
tell() {
	begin "$@" "$from" "$to"
	lines "$said"
	end "$code"
}
neighbour() {
	begin neighbour "$1" "$2"
	lines "$(near "$3")"
	end 0
}
# timeout(1) is one process where a watchdog of the shell's is three. Busybox before
# 1.30 had another syntax for it.
if timeout 5 true 2>/dev/null; then
	limited() {
		limit=$1; shift
		timeout "$limit" "$@" </dev/null
	}
fi
# All start at once, and on a busy machine the time of one may be gone before its
# turn has come: who got no answer asks once more.
try() {
	once "$@"
	case $method.$code.$said in
	*.124.* | *.143.* | ping.1.* | tcp.1.*'imed out'*) once "$@" ;;
	esac
}

# --- the map --------------------------------------------------------------

ladder ping; ping_tools=$tools
ladder tcp; tcp_tools=$tools
[ -z "$ports" ] || for tool in $tcp_tools; do
	known "$tool" # asked here, not by every one of the attempts
	break
done

by() { # by METHOD LEG ADDRESS HOST
	tag="$mark@$target.$1 "
	case $1 in
	ping) method=ping tools=$ping_tools patience=$pinging ;;
	*) method=tcp tools=$tcp_tools patience=$dialing port=$1 ;;
	esac
	case $3 in
	*:*) series "$2" 6 "$3" 1 "$patience" "$4" ;;
	*) series "$2" 4 "$3" 1 "$patience" "$4" ;;
	esac
}
leg() { # leg NUMBER ADDRESS HOST: every method, side by side
	for way in $ports; do
		by "$way" "$1" "$2" "$3" &
	done
	by ping "$1" "$2" "$3"
	wait
}
reach() { # reach ADDRESS NAME
	[ "$1" = - ] || leg 2 "$1" "$1" &
	four='' six='' tag="$mark@$target "
	resolve 1 "$2"
	found=${four:-$six}
	# The address that was found is mostly the one that is being tried.
	[ -z "$found" ] || [ "$found" = "$1" ] || leg 1 "$found" "$2"
	wait
}

os
target=0
while [ $# -ge 2 ]; do
	target=$((target + 1))
	reach "$1" "$2" &
	shift 2
done
wait
finish
