// Package guest asks questions inside a machine. It holds POSIX sh scripts
// (embedded, one a question) and the parsers of what they print, for the
// dialects of iputils, inetutils and busybox.
//
// It starts no process and knows neither orbctl nor MCP: package orbctl hands a
// Script to the runner and gives the output back to the parser here.
package guest
