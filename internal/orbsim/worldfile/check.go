package worldfile

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// InvalidError lists everything that is wrong with a world, in words.
type InvalidError struct{ Problems []string }

func (e *InvalidError) Error() string {
	if len(e.Problems) == 1 {
		return "the world is not valid: " + e.Problems[0]
	}
	return fmt.Sprintf("the world is not valid, %d problems:\n  %s", len(e.Problems), strings.Join(e.Problems, "\n  "))
}

// NamePattern is a machine's name (docs/orbctl-contract.md §9).
var NamePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$`)

var (
	versionPattern = regexp.MustCompile(`^2\.[0-2]\.[0-9]{1,2}$`)
	idPattern      = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{26}$`)
	userPattern    = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`)
)

// checker collects problems; at says where in the file.
type checker struct{ problems []string }

func (c *checker) add(at, format string, args ...any) {
	c.problems = append(c.problems, at+": "+fmt.Sprintf(format, args...))
}

func (c *checker) oneOf(at, value string, allowed ...string) {
	if value != "" && !slices.Contains(allowed, value) {
		c.add(at, "%q is not one of %s", value, strings.Join(allowed, ", "))
	}
}

func (c *checker) regexp(at, text string) {
	if text == "" {
		c.add(at, "is empty; give a regular expression over the arguments joined by spaces")
	} else if _, err := regexp.Compile(text); err != nil {
		c.add(at, "%q is no regular expression: %v", text, err)
	}
}

func (c *checker) ranged(at string, value, low, high int) {
	if value < low || value > high {
		c.add(at, "%d is not within %d and %d", value, low, high)
	}
}

// problems is everything that is wrong with a world whose defaults are filled in.
func (w *World) problems() []string {
	c := &checker{}
	if !versionPattern.MatchString(w.Version) {
		c.add("version", "%q is not known; the simulator speaks 2.0.4, 2.1.2 and 2.2.3 and their neighbours", w.Version)
	}
	c.oneOf("status", w.Status, "running", "starting", "stopped")
	c.oneOf("banner", w.Banner, "never", "stdout", "stderr")
	c.oneOf("uid0", w.UID0, "allow", "refuse")
	c.oneOf("variants.config_get", w.Variants.ConfigGet, "value", "listing")
	c.oneOf("variants.logs", w.Variants.Logs, "ends", "follows")
	c.oneOf("variants.empty_list", w.Variants.EmptyList, "array", "help", "help_fails")
	for at, d := range map[string]int64{"variants.late_address": int64(w.Variants.LateAddress), "variants.early_stop": int64(w.Variants.EarlyStop)} {
		if d < 0 {
			c.add(at, "is negative")
		}
	}
	subnet4, subnet6 := c.network(w.Network)
	c.machines(w, subnet4, subnet6)
	for i, r := range w.DNS {
		c.record(fmt.Sprintf("dns[%d] (%s)", i, r.Name), r)
	}
	for i, r := range w.GuestRules {
		at := fmt.Sprintf("guest_rules[%d]", i)
		c.regexp(at+".argv", r.Argv)
		c.ranged(at+".exit", r.Exit, 0, 255)
		if r.Machine != "" && !w.has(r.Machine) {
			c.add(at+".machine", "there is no machine %q", r.Machine)
		}
		if r.Delay < 0 {
			c.add(at+".delay", "is negative")
		}
	}
	for i, f := range w.Faults {
		c.fault(fmt.Sprintf("faults[%d]", i), w, f)
	}
	slices.Sort(c.problems) // the map above has no order
	return c.problems
}

func (w *World) has(name string) bool {
	return slices.ContainsFunc(w.Machines, func(m Machine) bool { return m.Name == name })
}

func (c *checker) network(n Network) (subnet4, subnet6 netip.Prefix) {
	prefix := func(at, text string, is4 bool, bits int) netip.Prefix {
		p, err := netip.ParsePrefix(text)
		switch {
		case err != nil:
			c.add(at, "%q is not a network like %s", text, map[bool]string{true: defaultSubnet4, false: defaultSubnet6}[is4])
		case p.Addr().Is4() != is4:
			c.add(at, "%s is of the other address family", text)
		case p.Bits() > bits || p.Bits() < 8:
			c.add(at, "%s is not within /8 and /%d", text, bits)
		default:
			return p.Masked()
		}
		return netip.Prefix{}
	}
	subnet4 = prefix("network.subnet4", n.Subnet4, true, 28)
	subnet6 = prefix("network.subnet6", n.Subnet6, false, 64)
	proxy4 := prefix("network.proxy4", n.Proxy4, true, 28)
	if subnet4.IsValid() && proxy4.IsValid() && subnet4.Overlaps(proxy4) {
		c.add("network.proxy4", "%s overlaps subnet4 %s", n.Proxy4, n.Subnet4)
	}
	c.inside("network.gateway4", n.Gateway4, subnet4)
	return subnet4, subnet6
}

// inside checks an address of a subnet; an invalid subnet was reported already.
func (c *checker) inside(at, text string, subnet netip.Prefix) netip.Addr {
	a, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		c.add(at, "%q is not an IP address", text)
		return netip.Addr{}
	case subnet.IsValid() && !subnet.Contains(a):
		c.add(at, "%s lies outside %s", text, subnet)
	}
	return a
}

// firstAddress is the usual gateway of a subnet; "" when it is none.
func firstAddress(subnet string) string {
	p, err := netip.ParsePrefix(subnet)
	if err != nil {
		return ""
	}
	return p.Masked().Addr().Next().String()
}

func (c *checker) record(at string, r Record) {
	if r.Name == "" {
		c.add(at, "has no name")
	}
	c.oneOf(at+".type", r.Type, "A", "AAAA", "CNAME", "MX", "TXT", "SRV", "PTR")
	c.oneOf(at+".rcode", r.Rcode, "NXDOMAIN", "SERVFAIL", "REFUSED", "NOERROR")
	c.oneOf(at+".from", r.From, "both", "machine", "mac")
	if len(r.Values) > 0 && r.Type == "" {
		c.add(at, "has values, so it needs a type")
	}
	if len(r.Values) > 0 && r.Rcode != "" && r.Rcode != "NOERROR" {
		c.add(at, "has both values and the rcode %s", r.Rcode)
	}
	if len(r.Values) == 0 && r.Rcode == "" && !r.Timeout && !r.Truncate {
		c.add(at, "says nothing: give values, an rcode or timeout")
	}
	for _, v := range r.Values {
		if a, err := netip.ParseAddr(v); (r.Type == "A" && (err != nil || !a.Is4())) || (r.Type == "AAAA" && (err != nil || !a.Is6())) {
			c.add(at, "%q is no address for a record of type %s", v, r.Type)
		}
	}
}

func (c *checker) fault(at string, w *World, f Fault) {
	if n := f.Net; n != nil {
		c.oneOf(at+".net.kind", n.Kind, "drop", "reject", "loss", "link_down", "no_route")
		if n.Kind == "" {
			c.add(at+".net.kind", "is missing: drop, reject, loss, link_down or no_route")
		}
		if !w.has(n.Machine) {
			c.add(at+".net.machine", "there is no machine %q", n.Machine)
		}
		c.ranged(at+".net.port", n.Port, 0, 65535)
		c.ranged(at+".net.percent", n.Percent, 0, 100)
		if f.Argv != "" {
			c.add(at, "breaks either orbctl calls (argv) or the network (net), not both")
		}
		return
	}
	c.regexp(at+".argv", f.Argv)
	c.oneOf(at+".kind", f.Kind, "error", "delay", "hang", "garbage", "huge", "truncated", "crash", "empty")
	c.ranged(at+".exit", f.Exit, 0, 255)
	c.ranged(at+".times", f.Times, 0, 1<<30)
	c.ranged(at+".after", f.After, 0, 1<<30)
	if !(f.Chance >= 0 && f.Chance <= 1) { // NaN is neither
		c.add(at+".chance", "%g is not within 0 and 1", f.Chance)
	}
	if f.Delay < 0 {
		c.add(at+".delay", "is negative")
	}
}
