# Writes what it reads to a file, all of it or nothing: to a temporary file beside
# it, which gets its name when as many bytes have come as were announced. Needs
# watch.sh before it. What became of it is one note on stderr; what the commands
# said stands beside it.
#
# $1 seconds  $2 contained: only where the Mac's files are not
# $3 destination; a folder means the file $4 in it  $5 bytes  $6 mode, octal
# $7 overwrite: a file that is there already is replaced

limit=$1 where=$2 path=$3 name=$4 size=$5 mode=$6 overwrite=$7
leave() { note "$@"; exit 125; }

if [ "$where" = contained ] && [ -e /mnt/mac ]; then leave open; fi
at "$path"
if [ -d "$path" ]; then path=${path%/}/$name; fi
case $path in
*/) leave nofolder ;;
/*) ;;
*) path=$PWD/${path#./} ;;
esac
folder=${path%/*}/
if ! [ -d "$folder" ]; then leave nofolder; fi
taken() { [ -e "$path" ] || [ -L "$path" ]; }
if [ -d "$path" ]; then leave folder "$path"; fi
if [ -e "$path" ] && ! [ -f "$path" ]; then leave special "$path"; fi
if taken && [ "$overwrite" != overwrite ]; then leave exists "$path"; fi

part=$folder.orbstack-mcp-$mark
exec 3<&0 # a job in the background would read nothing
umask 077
# Before there is a file, so that no signal comes between: no other has the mark.
trap 'case $forking in "") unwatch; rm -f "$part" ;; esac' EXIT
trap 'forking=""; exit 143' HUP INT TERM
set -C
command exec 4>"$part" || leave nowrite "$path"
set +C
cat <&3 >&4 3<&- & job=$!
exec 3<&- 4>&- </dev/null
watch "$limit" "$job"
case $? in
0) ;;
124) leave late ;;
*) leave nowrite "$path" ;;
esac
if [ "$(wc -c <"$part")" -ne "$size" ]; then leave torn; fi
chmod "$mode" "$part" || leave nowrite "$path"
if [ "$overwrite" = overwrite ]; then
	if [ -d "$path" ]; then leave folder "$path"; fi
	mv -f "$part" "$path" || leave nowrite "$path"
elif ! ln "$part" "$path" 2>/dev/null; then
	if taken; then leave exists "$path"; fi
	# No second name can be had here: take the name with an empty file first.
	set -C
	(: >"$path") || leave exists "$path"
	set +C
	mv -f "$part" "$path" || { rm -f "$path"; leave nowrite "$path"; }
fi
note written "$path"
