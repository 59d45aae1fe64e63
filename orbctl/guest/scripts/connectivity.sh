# Can the machine reach a host? One run of the whole ladder for each leg, an
# address or a name: look the name up, then try, COUNT times, with the first tool
# that can. What the tools say is printed as it is; the parser judges it.
#
# $1 ping|tcp|http  $2 port  $3 attempts  $4 seconds for one  $5 seconds for all
# $6 the URL, $7 its scheme, $8 its host:port, $9 its path and query ("-" unless http)
# then the legs' hosts: a name, an address without brackets, or =NAME, which stands
# for the address that the machine finds for it

method=$1 port=$2 count=$3 patience=$4 budget=$5 url=$6 scheme=$7 authority=$8 path=$9
shift 9
start "$budget"
ladder "$method" "$scheme"

# --- one HTTP request -----------------------------------------------------

# shellcheck disable=SC2016 # bash's own words
bash_head='trap "" PIPE; at=$EPOCHREALTIME; exec 3<>"/dev/tcp/$1/$2" || exit 1; echo "connect 0 $at $EPOCHREALTIME"
printf "HEAD %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: orbstack-mcp\r\nAccept: */*\r\nConnection: close\r\n\r\n" "$3" "$4" >&3 2>/dev/null
for ((n = 0; n < 100; n++)); do IFS= read -r line <&3 || break; line=${line%$'"'\r'"'}; [ -n "$line" ] || break; printf "%s\n" "$line"; done'
post() { # post SECONDS PROGRAM...: a HEAD request into a netcat
	limit=$1; shift
	printf 'HEAD %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: orbstack-mcp\r\nAccept: */*\r\nConnection: close\r\n\r\n' "$path" "$authority" | "$@" &
	watched "$limit" "$!"
}
try_http() { # try_http TOOL FAMILY ADDRESS SECONDS HOST: HEAD, no redirect followed, no proxy asked
	bracket "$3"
	case $1 in
	curl) # --connect-to dials the address; the name stays in Host, in SNI and for the certificate
		overheard limited $(($4 + 2)) curl -q -sv -I -g -o /dev/null --path-as-is --noproxy '*' --connect-timeout "$4" -m "$4" --connect-to "::$literal:$port" \
			-w 'timing %{http_code} %{time_connect} %{time_appconnect} %{time_starttransfer}\n' "$url" ;;
	wget)
		target=http://$literal:$port$path
		if [ "$scheme" = https ]; then # it cannot dial another address than the URL's
			case $authority in "$5" | "$5:"* | "[$5]"*) target=$url ;; *) code=127; return ;; esac
		fi
		timed overheard limited $(($4 + 1)) wget "-$2" --no-config --no-proxy --method=HEAD -S -O /dev/null --max-redirect=0 --tries=1 --timeout="$4" --header="Host: $authority" "$target" ;;
	bash) timed overheard limited "$4" bash -c "$bash_head" bash "$3" "$port" "$path" "$authority" ;;
	*:) code=127 ;;
	busybox:*) timed overheard post $(($4 + 1)) busybox nc -w "$4" "$3" "$port" ;;
	nc:exec | nc:plain) timed overheard post $(($4 + 1)) nc -w "$4" "$3" "$port" ;;
	*) timed overheard post $(($4 + 1)) "${1%:*}" -v -n -w "$4" "$3" "$port" ;;
	esac
}

# --- one leg --------------------------------------------------------------

reach() { # reach LEG FAMILY ADDRESS COUNT SECONDS HOST
	series "$@"
	[ "$method.$failed" != ping.yes ] || aside "$1" "$2" "$3"
}
# Some pings, busybox' among them, keep what a firewall or router says to
# themselves: turned away and lost look alike. A connection to the same address
# tells, whatever port it is for.
aside() { # aside LEG FAMILY ADDRESS
	case $tool in iputils | inetutils) return ;; esac
	have busybox && afford 3 || return
	case $(dialect busybox nc) in exec) ;; *) return ;; esac
	port=9
	heard netcat exec "$3" "$may" busybox nc
	begin aside "$1" "$2"
	printf '%s' "$said"
	end "$code"
}

os
leg=0
for host; do
	leg=$((leg + 1)) four='' six='' host=${host#=}
	case $host in
	*:*) six=$host ;;
	*[!0-9.]*)
		resolve "$leg" "$host"
		[ -n "$four$six" ] || afford 1 || { begin cut "$leg" name; end 0; } ;;
	*) four=$host ;;
	esac
	[ -z "$four" ] || reach "$leg" 4 "$four" "$count" "$patience" "$host"
	if [ -n "$six" ]; then
		# Beside IPv4, one short attempt shows whether IPv6 works too.
		if [ -z "$four" ]; then reach "$leg" 6 "$six" "$count" "$patience" "$host"
		else reach "$leg" 6 "$six" 1 $((patience < 2 ? patience : 2)) "$host"; fi
	fi
done
finish
