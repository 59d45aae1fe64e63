# What DNS says about a name, over the wire, and beside it what the machine's
# resolver library says: /etc/hosts and nsswitch.conf can make them differ.
#
# $1 name  $2 server or -  $3 its port  $4 seconds for one question
# $5 seconds for all  $6 the address that is looked up backwards or -
# then record types; the first silence ends the questions

name=$1 server=$2 port=$3 patience=$4 budget=$5 address=$6
shift 6
start "$budget"

os
show resolv /etc/resolv.conf

nslookups() { # nslookups PROGRAM...: which nslookup it is
	case $("$@" --help 2>&1 </dev/null) in
	*'not found'*) ;;
	*BusyBox*-type*) echo busybox ;;
	*BusyBox*) echo small ;;
	*) echo bind ;;
	esac
}
tools=''
have dig && tools=dig
have drill && tools="$tools drill"
have host && tools="$tools host"
have nslookup && tools="$tools nslookup"
have busybox && tools="$tools busybox"
nslookup='' busybox=''
known() { # known TOOL: it in $tool, an nslookup with its dialect behind it. Asked once, when its turn has come
	case $1 in
	nslookup) tool=${nslookup:=nslookup:$(nslookups nslookup)} ;;
	busybox) tool=${busybox:=busybox:$(nslookups busybox nslookup)} ;;
	esac
}

at='' bare=''
[ "$server" = - ] || { at=@$server bare=$server; }
off='' colon='' equals='' # another port than 53, as each tool wants it
if [ "$port" != 53 ]; then
	off=$port equals=-port=$port
	case $bare in *:*) colon="[$bare]:$port" ;; *) colon=$bare:$port ;; esac
fi
# ask TOOL TYPE. The ${…:+…} without quotes are words only when there is one.
# shellcheck disable=SC2086
ask() {
	case $1 in
	dig) # asks each server of resolv.conf once, so it may take longer than one question
		heard limited "$may" dig ${at:+"$at"} ${off:+-p "$off"} +search +time="$patience" +tries=1 +noall +comments +question +answer +stats -t "$2" -q "$name" ;;
	drill) # of itself it does not ask again over TCP when the answer was cut
		heard limited "$may" drill ${off:+-p "$off"} "$name" ${at:+"$at"} "$2"
		case $said in *';; flags: qr'*' tc '*)
			heard limited "$may" drill -t ${off:+-p "$off"} "$name" ${at:+"$at"} "$2"
			said=";; Truncated, retrying in TCP mode.
$said" ;;
		esac ;;
	host) heard limited "$may" host -v ${off:+-p "$off"} -W "$patience" -R 1 -t "$2" "$name" ${bare:+"$bare"} ;;
	nslookup:bind) heard limited "$may" nslookup ${equals:+"$equals"} -type="$2" -timeout="$patience" -retry=1 "$name" ${bare:+"$bare"} ;;
	nslookup:busybox) heard limited "$may" nslookup -type="$2" "$name" ${bare:+"${colon:-$bare}"} ;;
	busybox:busybox) heard limited "$may" busybox nslookup -type="$2" "$name" ${bare:+"${colon:-$bare}"} ;;
	*:small) # no types: what the resolver library of libc says, and only over port 53
		code=127
		case $2 in A | AAAA) small=$name ;; PTR) small=$address ;; *) return ;; esac
		[ "$small" != - ] || return
		[ -z "$off" ] || return
		case $1 in
		nslookup:*) heard limited "$may" nslookup "$small" ${bare:+"$bare"} ;;
		*) heard limited "$may" busybox nslookup "$small" ${bare:+"$bare"} ;;
		esac ;;
	*) code=127 ;;
	esac
}

library() { # library TYPE DATABASE WORD
	have getent || return
	afford "$patience" || return
	heard limited "$may" getent "$2" "$3"
	case $2.$code in
	ahosts*.1 | ahosts*.127) heard limited "$may" getent hosts "$3" ;; # musl's has no ahosts
	esac
	tell library "$1"
}
# The library first: it is short, and it is what programs see.
if [ "$server" = - ]; then
	for type; do
		case $type in
		A) library A ahostsv4 "$name" ;;
		AAAA) library AAAA ahostsv6 "$name" ;;
		PTR) [ "$address" = - ] || library PTR hosts "$address" ;;
		esac
	done
fi

for type; do
	if ! afford $((patience * 2 + 1)); then
		begin cut "$type"; end 0
		break
	fi
	asked=''
	for tool in $tools; do
		known "$tool"
		ask "$tool" "$type"
		useless && continue
		asked=yes owed=''
		tell ask "$type" "$tool"
		break
	done
	if [ -z "$asked" ]; then
		begin none "$type"; end 0
		break
	fi
	case $said in *'timed out'* | *'no servers could be reached'*) break ;; esac
	case $code in 143 | 137) break ;; esac
done
finish
