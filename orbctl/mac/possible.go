package mac

import "orbstack-mcp/orbctl/guest"

// Possible reports whether a method can give a verdict from the Mac, and why not:
// what it can in a machine (guest.Possible), but for the tools, of which this
// process needs none; the system can deny it echo requests only.
func Possible(m guest.Method, v guest.Verdict) (possible bool, why string) {
	if v == guest.NoTool && m != guest.Ping {
		return false, "this server opens connections itself"
	}
	return guest.Possible(m, v)
}
