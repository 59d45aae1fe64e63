# accounts NAME: the accounts that can be listed, and NAME by itself if it is not
# empty: a directory service may know a user and yet not list it.

passwd() { # one account a line; the last lines are "exit CODE" and how many lines there are
	{
		if have getent; then limited 5 getent passwd; else cat /etc/passwd; fi
		echo "exit $?"
	} | cut -b1-512 | sed -n -e '1,2000p' -e '$p' -e '$='
}
accounts() {
	section passwd passwd
	if [ -n "$1" ] && have getent; then section lookup limited 5 getent passwd "$1"; fi
}

