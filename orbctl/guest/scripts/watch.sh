# watch SECONDS JOB: wait for JOB, a child in the background, and end it when its
# time is up. Its own status, or 124 when it was late. A trap of the caller's ends
# the wait, and unwatch what is left. The guard is ended by a signal for which no
# caller has a trap: a shell that has just been forked still has its parent's traps,
# and would lose one of theirs. In bash it also runs its parent's EXIT trap when it
# dies so early, which has to do nothing while forking is set, and may not ask a
# command for that: each fails there (bash 5.2).
watch() {
	span=$1 job=$2 forking=1
	(
		doze "$span" || exit 0
		kill "$job"
		doze 1 || exit 0
		kill -9 "$job"
		exit 99
	) >/dev/null 2>&1 3>&- 4>&- & guard=$!
	forking=''
	wait "$job" 2>/dev/null; rc=$?
	kill -USR1 "$guard" 2>/dev/null; wait "$guard" 2>/dev/null
	if [ "$?" -eq 99 ] || [ "$rc" -eq 143 ] || [ "$rc" -eq 137 ]; then rc=124; fi
	return "$rc"
}
unwatch() {
	kill "$job" 2>/dev/null
	kill -USR1 "$guard" 2>/dev/null
}
note() { printf '%s %s\n' "$mark" "$*" >&2; }
# at PATH: go home, if PATH is not absolute; it is relative to the home folder then.
at() {
	case $1 in /*) return 0 ;; esac
	cd "${HOME:-/nonexistent}" 2>/dev/null || { note nohome; exit 125; }
}
# shellcheck disable=SC2034 # forking: for a caller with an EXIT trap
job='' guard='' forking=''
