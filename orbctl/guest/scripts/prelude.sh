# Shared by all scripts: $1 is the mark that section lines start with.
# POSIX sh only: dash, bash and busybox ash run this alike.
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin; export PATH
mark=$1; shift

have() { command -v "$1" >/dev/null 2>&1; }
begin() { printf '%s begin %s\n' "$mark" "$*"; }
# A command may end its output without a newline: the end line starts on its own.
end() { printf '\n%s end %s\n' "$mark" "$1"; }
section() { # section NAME COMMAND...: one section with stdout and stderr of the command
	begin "$1"; shift
	"$@" 2>&1 </dev/null
	end "$?"
}
show() { # show NAME FILE: one section with a file's first 64 KiB; the path is its word
	begin "$1" "$2"
	head -c 65536 "$2" 2>&1
	end "$?"
}
# limited SECONDS COMMAND...: run a program (no function) and end it when its time
# is up; 143 then, whatever its own status: dig and host end in good order when
# they are told to, with 0 or 1 and not a word. A watchdog of the shell's own,
# since not every guest has timeout(1), and busybox spoke another syntax before
# 1.30. It holds none of the caller's pipes, so that nobody waits for a watchdog
# that outlives its command.
limited() {
	limit=$1; shift
	"$@" </dev/null &
	watched "$limit" "$!"
}
watched() { # watched SECONDS PID: wait for a child, and end it when its time is up
	limit=$1 job=$2
	(
		doze "$limit" || exit 0
		kill "$job"
		doze 1 || exit 75
		kill -9 "$job"
		exit 75
	) >/dev/null 2>&1 3>&- & guard=$!
	wait "$job" 2>/dev/null; rc=$?
	kill "$guard" 2>/dev/null; wait "$guard" 2>/dev/null
	[ "$?" -ne 75 ] || rc=143
	return "$rc"
}
# doze SECONDS: what a watchdog does, in a subshell of its own. False when it has
# been told to end, at whatever moment that was; then its sleep is gone too. KILL,
# since one that is not sleep(1) yet would lose a TERM, and sleep on in the machine
# when the script has long ended. Bash overlooks a signal that comes just before it
# waits: then only the first second has to pass.
told=''
doze() {
	trap 'told=yes' TERM USR1
	for part in 1 $(($1 - 1)); do
		if [ -n "$told" ] || [ "$part" -eq 0 ]; then break; fi
		sleep "$part" & nap=$!
		[ -n "$told" ] || wait "$nap"
		[ -z "$told" ] || { kill -9 "$nap"; wait "$nap"; }
	done
	[ -z "$told" ]
}
finish() { printf '%s done\n' "$mark"; }
