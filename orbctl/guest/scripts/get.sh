# Prints a file as it is, behind a line of ours. Needs watch.sh before it. Its notes
# are on stderr: first that there is a file, with its bytes and its mode, in the end
# that it was whole.
#
# $1 seconds  $2 path

limit=$1 path=$2
leave() { note "$@"; exit 125; }

at "$path"
case $path in /*) ;; *) path=$PWD/${path#./} ;; esac
if ! [ -e "$path" ]; then leave missing; fi
if [ -d "$path" ]; then leave folder "$path"; fi
if ! [ -f "$path" ]; then leave special "$path"; fi
if ! have stat; then leave nostat; fi
command exec 4<"$path" || leave noread "$path"
# From here on it is the file that was opened, whatever its name means by now.
is() { stat -L -c %F /dev/fd/4 <&4 2>/dev/null || stat -L -c %F "/proc/$$/fd/4"; }
size() { stat -L -c "$1" /dev/fd/4 <&4 2>/dev/null || stat -L -c "$1" "/proc/$$/fd/4"; }
case $(is) in regular*) ;; *) leave special "$path" ;; esac
seen=$(size '%s %a') || leave nostat
note file "$seen" "$path"
trap 'unwatch; exit 143' HUP INT TERM # cancel.sh
printf '%s output\n' "$mark" # what came before is orbctl's
cat <&4 & job=$!
exec </dev/null
watch "$limit" "$job"
case $? in
0) ;;
124) leave late ;;
*) leave noread "$path" ;;
esac
if [ "$(size '%s %a')" = "$seen" ]; then note whole; else note changed; fi
