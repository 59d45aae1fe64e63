# A command of the user's. It reads what the script reads; what it writes and its
# exit status are the script's own. When its time is up, its whole session is told
# to end, and killed 2 seconds later: that orbctl on the Mac is ended does not end
# what it has started here, so the time has to be kept here too.
#
# It says on stderr that it has begun, for a command may end as if it never had.
#
# $1 seconds  $2 working directory, or - for the home folder
# $3 contained: only where the Mac's files are not; then words NAME=VALUE; then -;
# then the command, for sh -c

limit=$1 dir=$2 where=$3
shift 3
if [ "$where" = contained ] && [ -e /mnt/mac ]; then
	printf '%s open\n' "$mark" >&2
	exit 125
fi
unset LC_ALL
if [ "$dir" = - ]; then
	cd "${HOME:-/}" 2>/dev/null || cd / || exit
elif ! cd "$dir" 2>/dev/null; then
	printf '%s nodir\n' "$mark" >&2
	exit 126
fi
# From here on, what is said may be the command's; what came before is orbctl's.
printf '%s output\n' "$mark"
printf '%s began\n' "$mark" >&2

# Here they would be variables of this script, or the path on which it finds its
# tools; and a shell ends when told to export what only it may set (UID of bash), but
# passes over such a name that it is started with. So env sets them.
# shellcheck disable=SC2016 # for the shell of the command
set='while [ "$1" != - ]; do set -- "$@" "$1"; shift; done
shift; set -- "$@" /bin/sh -c "$1" sh; shift
[ "$1" = /bin/sh ] || set -- env "$@"
exec "$@"'

# A job in the background would read nothing, and when one is killed bash says so
# on stderr, at a moment of its own.
exec 3<&0 4>&2 2>/dev/null
if have setsid; then
	setsid sh -c "$set" sh "$@" <&3 2>&4 3<&- 4>&- &
else
	sh -c "$set" sh "$@" <&3 2>&4 3<&- 4>&- &
fi
job=$!
exec 3<&- </dev/null
signal() { kill -"$1" "-$job" || kill -"$1" "$job"; }
(
	doze "$limit" || exit 0
	signal TERM
	doze 2 || exit 99
	signal KILL
	exit 99
) >/dev/null 4>&- & guard=$!
cut=0 killer=''
trap 'cut=1; signal TERM; (doze 1 && signal KILL) >/dev/null 4>&- & killer=$!' TERM # cancel.sh
wait "$job"; rc=$?
if [ "$cut" -eq 1 ]; then
	wait "$job" # the signal broke off the first wait
	kill "$killer"
	signal KILL
fi
kill "$guard"; wait "$guard"
if [ "$?" -eq 99 ]; then
	signal KILL # whoever did not end when told to
	printf '%s late\n' "$mark" >&4
	rc=124
fi
(exit "$rc")
