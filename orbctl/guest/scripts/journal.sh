# Log lines from inside the machine, as they come. Arguments: SOURCE (journal,
# kernel, cloud-init, docker-engine), UNIT or empty, LINES, SINCE as @SECONDS
# (a time), SECONDSs (so long ago) or empty, FOLLOW in seconds (0: do not wait for new lines).
source=$1 unit=$2 lines=$3 since=$4 follow=$5
case $since in [0-9]*) since=-$since ;; esac

# log TOOL COMMAND...: the lines of COMMAND's stdout while it prints them, then
# what it said on stderr. TOOL is the word of the section.
exec 3>&1
log() {
	begin log "$1"; shift
	if [ "$follow" -gt 0 ]; then
		errors=$(limited "$follow" "$@" 2>&1 1>&3 3>&-); code=$?
		[ "$code" -eq 143 ] && code=0 # its time was up, as agreed
	else
		errors=$("$@" 2>&1 1>&3 3>&- </dev/null); code=$?
	fi
	end "$code"
	begin stderr
	printf '%s\n' "$errors" | head -c 4096
	end 0
}
journal() { # journal FILTER...: journalctl, with the time if one was given
	[ -z "$since" ] || set -- "$@" "--since=$since"
	[ "$follow" -eq 0 ] || set -- "$@" -f
	log journalctl journalctl --no-pager -o short-iso -n "$lines" "$@"
}
journaled() { # whether the journal can show at least one line for FILTER...
	have journalctl && [ -n "$(journalctl -q --no-pager -n 1 "$@" 2>/dev/null)" ]
}
files() { # files NAME...: the last lines of files, all at once
	if [ "$follow" -gt 0 ]; then set -- -f "$@"; fi
	log tail tail -n "$lines" "$@"
}
# Without /dev/kmsg dmesg would print all there is once more, and end.
follows() { { true </dev/kmsg; } 2>/dev/null && dmesg --help 2>&1 | grep -q -e --follow-new; }
ring() { dmesg | tail -n "$lines"; }
no() { begin none "$@"; end 0; } # no WHY: there is nothing to read

case $source in
journal)
	if [ -n "$unit" ]; then
		if have journalctl; then journal -u "$unit"; else no journalctl; fi
	elif journaled; then journal
	elif [ -r /var/log/messages ]; then files /var/log/messages
	elif [ -r /var/log/syslog ]; then files /var/log/syslog
	elif have journalctl; then journal # it says why there is nothing
	else no journal
	fi
	;;
kernel)
	if journaled -k; then journal -k
	elif have dmesg; then
		waiting=$follow; follow=0
		log dmesg ring
		follow=$waiting
		if [ "$follow" -eq 0 ]; then :
		elif follows; then log dmesg dmesg --follow-new
		else no follow
		fi
	else no dmesg
	fi
	;;
cloud-init)
	set --
	for file in /var/log/cloud-init.log /var/log/cloud-init-output.log; do
		[ ! -r "$file" ] || set -- "$@" "$file"
	done
	if [ "$#" -gt 0 ]; then files "$@"; else no cloud-init; fi
	if have cloud-init; then section cloud-init limited 5 cloud-init status; fi
	;;
docker-engine)
	if journaled -u docker; then journal -u docker
	elif [ -r /var/log/docker.log ]; then files /var/log/docker.log
	elif have dockerd; then no docker-log
	else no docker
	fi
	;;
esac
finish
