# One tool after the other, until one can tell whether an address answers. Shared by
# the scripts that reach hosts. Needs attempt.sh before it, and $method, $port and $tools.

dialect() { # dialect PROGRAM...: which netcat it is
	case $("$@" -h 2>&1 </dev/null) in
	*BusyBox*-z*) echo zero ;;
	*BusyBox*-e*) echo exec ;;
	*BusyBox*) echo plain ;;
	*Ncat*) echo ncat ;;
	*'not found'*) ;;
	*) echo zero ;;
	esac
}
gnu() { # gnu PROGRAM: its name, or that of nobody
	case $("$1" --version 2>&1 </dev/null) in GNU*) echo "$1" ;; *) echo none: ;; esac
}
ladder() { # ladder METHOD [SCHEME]: the tools to try in $tools, the best first
	tools=''
	case $1 in
	ping)
		if have ping; then
			case $(ping -V 2>&1 </dev/null) in
			*iputils*) tools=iputils ;;
			*inetutils*) tools=inetutils ;;
			*) tools=ping ;;
			esac
		fi
		have ping6 && tools="$tools ping6"
		have busybox && tools="$tools busybox"
		;;
	*)
		if [ "$1" = http ]; then
			have curl && tools=curl
			have wget && tools="$tools wget"
		fi
		# bash first: it names the error of connect(2) itself and measures without a new process.
		if [ "$2" != https ]; then
			have bash && tools="$tools bash"
			have nc && tools="$tools nc"
			have ncat && tools="$tools ncat:ncat"
			have busybox && tools="$tools busybox"
		fi
		[ "$1" = tcp ] && have curl && tools="$tools curl"
		;;
	esac
}

nc='' busybox='' wget=''
known() { # known TOOL: it in $tool, a netcat with its dialect behind it: nc:zero. Asked once, when its turn has come
	case $1 in
	nc) tool=${nc:=nc:$(dialect nc)} ;;
	busybox) tool=${busybox:=busybox:$(dialect busybox nc)} ;;
	wget) tool=${wget:=$(gnu wget)} ;;
	esac
}

# try_ping TOOL FAMILY ADDRESS COUNT SECONDS. The whole series is one run of the tool.
try_ping() {
	afford $(($5 + $4 + 2))
	# A host can answer a series more often than it was asked; one attempt ends with the first.
	case $4 in 1) hear=heard ;; *) hear=overheard ;; esac
	case $1.$2 in
	iputils.4) "$hear" limited "$may" ping -n -c "$4" -i 0.2 -W "$5" "$3" ;;
	iputils.6) "$hear" limited "$may" ping -6 -n -c "$4" -i 0.2 -W "$5" "$3" ;;
	inetutils.4) "$hear" limited "$may" ping -n -c "$4" -i 0.2 -W "$5" "$3" ;;
	ping6.6) # inetutils' has -w for the whole and no -W, busybox has no -n
		"$hear" limited "$may" ping6 -c "$4" -w $(($5 + $4 - 1)) "$3" ;;
	ping.*) "$hear" limited "$may" ping -c "$4" -W "$5" "$3" ;;
	busybox.4) "$hear" limited "$may" busybox ping -c "$4" -W "$5" "$3" ;;
	busybox.6) "$hear" limited "$may" busybox ping6 -c "$4" -W "$5" "$3" ;;
	*) code=127 ;;
	esac
}

# shellcheck disable=SC2016 # bash's own words
bash_connect='at=$EPOCHREALTIME; exec 3<>"/dev/tcp/$1/$2"; rc=$?; echo "connect $rc $at $EPOCHREALTIME"; exit $rc'
netcat() { # netcat DIALECT ADDRESS SECONDS PROGRAM...
	flavour=$1 address=$2 wait=$3; shift 3
	case $flavour in
	exec) limited $((wait + 1)) "$@" -w "$wait" "$address" "$port" -e true ;;
	plain) limited $((wait + 1)) "$@" -w "$wait" "$address" "$port" ;;
	*) limited $((wait + 1)) "$@" -z -v -n -w "$wait" "$address" "$port" ;;
	esac
}
try_tcp() { # try_tcp TOOL FAMILY ADDRESS SECONDS
	case $1 in
	bash) heard limited "$4" bash -c "$bash_connect" bash "$3" "$port" ;;
	*:) code=127 ;;
	nc:plain) timed overheard netcat plain "$3" "$4" nc ;;
	busybox:plain) timed overheard netcat plain "$3" "$4" busybox nc ;;
	nc:* | ncat:*) timed heard netcat "${1#*:}" "$3" "$4" "${1%:*}" ;;
	busybox:*) timed heard netcat "${1#*:}" "$3" "$4" busybox nc ;;
	curl)
		bracket "$3"
		heard limited $(($4 + 2)) curl -q -sv -g -o /dev/null --noproxy '*' --connect-timeout "$4" -m "$4" \
			-w 'timing %{http_code} %{time_connect} %{time_appconnect} %{time_starttransfer}\n' "telnet://$literal:$port" ;;
	esac
}

bracket() { case $1 in *:*) literal="[$1]" ;; *) literal=$1 ;; esac; }

try() { once "$@"; } # a map has its own, which asks twice
once() { # once FAMILY ADDRESS COUNT HOST: with $tool, in the $given seconds
	case $method in
	ping) try_ping "$tool" "$1" "$2" "$3" "$given" ;;
	tcp) try_tcp "$tool" "$1" "$2" "$given" ;;
	http) try_http "$tool" "$1" "$2" "$given" "$4" ;;
	esac
}
series() { # series LEG FAMILY ADDRESS COUNT SECONDS HOST
	failed='' n=1
	[ "$method" = ping ] && n=$4
	while [ "$n" -le "$4" ]; do
		if ! afford "$5"; then
			begin cut "$1" "$2" "$3" "$n"; end 0
			return
		fi
		done='' given=$may
		for tool in $tools; do
			[ "$method" = ping ] || known "$tool"
			try "$2" "$3" "$4" "$6"
			useless && continue
			done=yes owed=''
			tell try "$1" "$2" "$3" "$n" "$tool" "$given"
			[ "$code" -eq 0 ] || failed=yes
			break
		done
		if [ -z "$done" ]; then
			begin none "$1" "$2" "$3"; end 0
			return
		fi
		n=$((n + 1))
	done
	[ -z "$failed" ] || neighbour "$1" "$2" "$3"
}
# neighbour LEG FAMILY ADDRESS: whether anybody answered for it on the machine's own link.
neighbour() {
	begin neighbour "$1" "$2"
	near "$3"
	end 0
}
near() { # near ADDRESS: what the kernel knows of its neighbour
	near=${1%%%*} zone='' table=''
	case $1 in *%*) zone=${1#*%} ;; esac
	if have ip; then table=$(ip neigh show 2>/dev/null); elif have busybox; then table=$(busybox ip neigh show 2>/dev/null); fi
	fields=$IFS IFS='
'
	for line in $table; do
		IFS=$fields
		# shellcheck disable=SC2086 # words
		set -- $line # ADDRESS dev LINK and the rest
		[ "$1" = "$near" ] && [ "${zone:-$3}" = "$3" ] && shift && echo "$*"
	done
	IFS=$fields
	while read -r address _ flags _; do
		[ "$address.$flags" = "$near.0x0" ] && echo arp incomplete
	done 2>/dev/null </proc/net/arp
}
