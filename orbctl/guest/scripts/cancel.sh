# Ends a command of exec.sh, or a put.sh or get.sh, whose client on the Mac is gone,
# and waits until it is. Its shell has the name of the script and the mark among its
# words; told to end, it ends the command's whole session, and itself when that is
# done.
#
# $1 the mark of the command

target=$1
words() { tr '\0' '\n' 2>/dev/null <"/proc/$1/cmdline"; }
runs() { # runs PID: it is such a shell; a zombie has no words, and what it runs may hold any
	words "$1" | grep -qxF -e "$target" && words "$1" | grep -qxF -e orbstack-mcp-exec -e orbstack-mcp-put -e orbstack-mcp-get
}
# One look at all processes, where grep sees past a NUL: then it finds at least this
# shell. That of busybox does not, and they are looked at one by one.
some=$(grep -lF -e "$target" /proc/[0-9]*/cmdline 2>/dev/null)
[ -n "$some" ] || some='/proc/[0-9]*/cmdline'
found=
for file in $some; do
	pid=${file#/proc/} pid=${pid%/cmdline}
	runs "$pid" && kill -TERM "$pid" && found="$found $pid"
done 2>/dev/null
tries=0 left=$found
while [ -n "$left" ] && [ "$tries" -lt 30 ]; do
	still=
	for pid in $left; do
		if runs "$pid"; then still="$still $pid"; fi
	done
	left=$still tries=$((tries + 1))
	[ -z "$left" ] || sleep 0.1 2>/dev/null || sleep 1
done
count() { echo "$#"; }
# shellcheck disable=SC2086 # lists of numbers
{ begin cancel; printf '%s %s\n' "$(count $found)" "$(count $left)"; end 0; }
finish
