package orbctl

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/untrusted"
)

func unknownKey(key string) *Error {
	e := invalid("key", untrusted.Line(key), "is not a setting of OrbStack")
	e.Key, e.Nearest = untrusted.Line(key), NearestKeys(key)
	return e
}

// Check gives the value in the form that OrbStack stores: "8", "true", a CIDR.
// Otherwise it is InvalidArgument with all that is wrong. A limit of the Mac that
// is not known (0) is not checked.
func (e Entry) Check(value string, mac Mac) (string, error) {
	var problems []Problem
	if e.Scope == MachineScope {
		if why := badMachineName(e.Machine); why != "" {
			problems = append(problems, Problem{Field: "key", Value: untrusted.Line(e.Name), Why: "names a machine that " + why})
		}
	}
	checked, why := checkText(value)
	if len(why) == 0 {
		checked, why = e.checkValue(checked, mac)
	}
	for _, w := range why {
		problems = append(problems, Problem{Field: "value", Value: e.quotable(value), Why: w})
	}
	if len(problems) > 0 {
		return "", &Error{Kind: InvalidArgument, Key: untrusted.Line(e.Name), Problems: problems}
	}
	return checked, nil
}

// quotable is the value as a message may repeat it: never with a password in it.
func (e Entry) quotable(value string) string {
	if e.Type == ProxyValue {
		if value, secret := untrusted.Redact(untrusted.Line(value)); !secret && !strings.Contains(value, "@") {
			return value
		}
		return ""
	}
	return untrusted.Line(value)
}

// checkText is what holds for every value, whatever its type. The first two keep
// it a value on orbctl's command line.
func checkText(value string) (string, []string) {
	value = strings.TrimSpace(value)
	switch {
	case value == "":
		return "", []string{"must not be empty: no command unsets a single key"}
	case strings.HasPrefix(value, "-"):
		return "", []string{"must not start with -"}
	case len(value) > 4096:
		return "", []string{"must not be longer than 4096 bytes"}
	case value != untrusted.Clean(value) || strings.ContainsFunc(value, unicode.IsControl):
		return "", []string{"must not contain control characters or invisible ones"}
	}
	return value, nil
}

func (e Entry) checkValue(value string, mac Mac) (string, []string) {
	switch e.Type {
	case IntValue:
		return e.checkInt(value, mac)
	case BoolValue:
		return checkBool(value)
	case CIDRValue:
		return checkCIDR(value)
	case ProxyValue:
		return checkProxy(value)
	case ListValue:
		return checkList(value, func(item string) string {
			if strings.ContainsFunc(item, unicode.IsSpace) {
				return "has a blank inside " + quoteItem(item)
			}
			return ""
		})
	case MountsValue:
		return checkList(value, checkMount)
	case PathValue:
		return checkPath(value)
	case HostnameValue:
		return checkPattern(value, hostname, "must be a host name: letters, digits, - and ., at most 63 characters")
	case UsernameValue:
		return checkPattern(value, username, "must be a Linux account: a letter or _, then letters, digits, _, ., @ or -, at most 64 characters")
	}
	return value, nil
}

func (e Entry) checkInt(value string, mac Mac) (string, []string) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return "", []string{strings.TrimSuffix("must be a whole number of "+e.Unit, " of ")}
	}
	low, high := e.Range(mac)
	if n == 0 && e.ZeroUnlimited || n >= low && (high == 0 || n <= high) {
		return strconv.FormatInt(n, 10), nil
	}
	why := fmt.Sprintf("must be at least %d", low)
	if high > 0 {
		why = fmt.Sprintf("must be %d to %d", low, high)
	}
	if e.Unit != "" {
		why += " " + e.Unit
	}
	if e.Bound != NoBound && high > 0 {
		why += " (the " + string(e.Bound) + ")"
	}
	if e.ZeroUnlimited {
		why += ", or 0 for no limit"
	}
	return "", []string{why}
}

// reads reports whether a stored value has the form of its type, whatever its
// range: that is for what is to be stored.
func (k Key) reads(stored string) bool {
	var err error
	switch k.Type {
	case IntValue:
		_, err = strconv.ParseUint(stored, 10, 63)
	case BoolValue:
		_, why := checkBool(stored)
		return why == nil
	case CIDRValue:
		_, err = netip.ParsePrefix(stored)
	}
	return err == nil
}

// Range is the smallest and the largest value of an int on this Mac; a largest
// of 0 is none.
func (k Key) Range(mac Mac) (low, high int64) {
	switch k.Bound {
	case MacCPUs:
		return k.Min, int64(mac.CPUs)
	case MacMemory:
		return k.Min, mac.MemoryMiB()
	}
	return k.Min, k.Max
}

func checkBool(value string) (string, []string) {
	switch strings.ToLower(value) {
	case "true", "yes", "on":
		return "true", nil
	case "false", "no", "off":
		return "false", nil
	}
	return "", []string{"must be true or false"}
}

func checkCIDR(value string) (string, []string) {
	p, err := netip.ParsePrefix(value)
	if err != nil || !p.Addr().Is4() {
		return "", []string{"must be an IPv4 network such as 192.168.138.0/23"}
	}
	var why []string
	if p != p.Masked() {
		why = append(why, "has bits set behind the prefix: the network is "+p.Masked().String())
	}
	if p.Bits() < 16 || p.Bits() > 24 {
		why = append(why, "must have a prefix of /16 to /24")
	}
	if !guest.PrivateNet(p) {
		why = append(why, "must be private: inside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 198.18.0.0/15")
	}
	return p.String(), why
}

func checkProxy(value string) (string, []string) {
	switch lower := strings.ToLower(value); lower {
	case "auto", "none":
		return lower, nil
	}
	const form = "must be auto, none, or a URL such as http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT"
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" || !slices.Contains([]string{"http", "https", "socks5"}, u.Scheme) {
		return "", []string{form}
	}
	var why []string
	if u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		why = append(why, "must end with the host or the port")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			why = append(why, "must have a port of 1 to 65535")
		}
	}
	return value, why
}

// checkList checks every item and puts the list together without blanks.
func checkList(value string, check func(item string) (why string)) (string, []string) {
	var items, why []string
	for item := range strings.SplitSeq(value, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			why = append(why, "has an empty item between commas")
			continue
		}
		if bad := check(item); bad != "" {
			why = append(why, bad)
		}
		items = append(items, item)
	}
	return strings.Join(items, ","), slices.Compact(why)
}

func checkMount(item string) string {
	_, _, err := runner.ParseMount(item)
	if bad, ok := errors.AsType[*runner.InvalidError](err); ok {
		return bad.Why + ", not " + quoteItem(item)
	}
	return ""
}

// quoteItem is an item of a list as a message may repeat it.
func quoteItem(item string) string {
	item, _ = untrusted.Redact(item)
	return strconv.Quote(item)
}

func checkPath(value string) (string, []string) {
	if !path.IsAbs(value) {
		return "", []string{"must be an absolute path"}
	}
	if slices.Contains(strings.Split(value, "/"), "..") {
		return "", []string{"must not contain .."}
	}
	return path.Clean(value), nil
}

var (
	hostname = regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$`)
	// username is more than useradd takes: accounts from a directory service have
	// an @ and upper case. Whether the machine has it is asked there.
	username = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.@-]{0,63}$`)
	// machineName is docs/orbctl-contract.md §9.
	machineName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$`)
)

func checkPattern(value string, pattern *regexp.Regexp, why string) (string, []string) {
	if !pattern.MatchString(value) {
		return "", []string{why}
	}
	return value, nil
}

func badMachineName(name string) string {
	if machineName.MatchString(name) {
		return ""
	}
	return "cannot exist: a name has letters, digits, - and ., starts with a letter or digit, and is at most 63 long"
}
