# The accounts of the machine. $1: a name to look up by itself, or empty. Needs
# accounts.sh before it.

accounts "$1"
finish
