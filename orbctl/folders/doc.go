// Package folders opens files on the Mac beneath the folders that the user has
// allowed, and nowhere else. Every step of a path is taken by [os.Root], so that
// neither .. nor a link leads out, and a link that is swapped in between look and
// open gains nothing. Only regular files are read or replaced.
package folders
