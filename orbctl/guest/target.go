package guest

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/net/idna"
)

// A Target is what is to be reached, read from a user's words.
type Target struct {
	Raw    string     // as it was given
	Method Method     // what "auto" came to
	Host   string     // a name in ASCII and lower case without a trailing dot, or an address without brackets
	Addr   netip.Addr // Host when it is an address, with its zone; else the zero value
	Port   int        // 0 for ping
	URL    string     // http: normalised, with Host in it
}

// A TargetError says what is wrong with a target, method or port.
type TargetError struct {
	Field string // target, method, port or server
	Value string // as it was given
	Why   string // one clause, such as "it starts with -"
}

func (e *TargetError) Error() string {
	return e.Field + " " + strconv.Quote(short(e.Value, maxWord)) + " cannot be used: " + e.Why
}

// maxTarget bounds a target: far more than a URL that a person would test.
const maxTarget = 2048

// ParseTarget reads a host name, an IPv4 or IPv6 address with or without
// brackets and zone, host:port, or an http or https URL. The method is auto or
// empty (a URL is asked over http, a port over tcp, else ping), ping, tcp, http,
// https, which is http to an https URL, or the name of a tool: nc is tcp, curl and
// wget are http. port is 0 when it was not given. The error is a *TargetError.
func ParseTarget(raw, method string, port int) (Target, error) {
	t := Target{Raw: raw}
	fail := func(why string) (Target, error) {
		return Target{}, &TargetError{Field: "target", Value: raw, Why: why}
	}
	text := strings.TrimSpace(raw)
	if why := unfit(text); why != "" {
		return fail(why)
	}
	if port < 0 || port > 65535 {
		return Target{}, &TargetError{Field: "port", Value: strconv.Itoa(port), Why: "a port is a number from 1 to 65535"}
	}
	var err error
	var secure bool
	if t.Method, secure, err = parseMethod(method); err != nil {
		return Target{}, err
	}

	link, host, inText, why := splitTarget(text)
	if why != "" {
		return fail(why)
	}
	if t.Host, t.Addr, why = normalHost(host); why != "" {
		return fail(why)
	}
	if why = unfitZone(t.Addr); why != "" {
		return fail(why)
	}
	switch {
	case !secure:
	case link == nil:
		link = &url.URL{Scheme: "https", Path: "/"}
	case link.Scheme == "http":
		return Target{}, &TargetError{Field: "method", Value: method, Why: "the target is an http:// URL; write https:// there, or leave the method out"}
	}
	if inText != 0 && port != 0 && inText != port {
		return Target{}, &TargetError{Field: "port", Value: strconv.Itoa(port), Why: "the target itself names port " + strconv.Itoa(inText)}
	}
	t.Port = max(inText, port)
	if t.Method == "" {
		t.Method = automatic(link != nil, t.Port)
	}
	return t.complete(link)
}

// complete settles what the method needs: the URL of http, the port of tcp.
func (t Target) complete(link *url.URL) (Target, error) {
	portOf := func(l *url.URL) int {
		if l != nil && t.Port == 0 {
			return schemePort(l.Scheme)
		}
		return t.Port
	}
	switch t.Method {
	case Ping:
		if t.Port != 0 && link == nil {
			return Target{}, &TargetError{Field: "port", Value: strconv.Itoa(t.Port), Why: "ping has no ports; use method tcp to test a port, or leave the port out"}
		}
		t.Port = 0
	case TCP:
		if t.Port = portOf(link); t.Port == 0 {
			return Target{}, &TargetError{Field: "target", Value: t.Raw, Why: "method tcp needs a port: give port, or target as host:port"}
		}
	case HTTP:
		if link == nil {
			link = &url.URL{Scheme: "http", Path: "/"}
			if t.Port == 443 {
				link.Scheme = "https"
			}
		}
		t.Port = portOf(link)
		link.Host = authority(link.Scheme, t.Host, t.Port)
		t.URL = link.String()
	}
	return t, nil
}

// WithHost is the same question to another host, a name or an address: a
// machine's, in the place of the machine's name.
func (t Target) WithHost(host string) (Target, error) {
	name, addr, why := normalHost(host)
	if why != "" {
		return Target{}, &TargetError{Field: "target", Value: host, Why: why}
	}
	t.Host, t.Addr = name, addr
	if t.URL != "" {
		link, err := url.Parse(t.URL)
		if err != nil {
			return Target{}, &TargetError{Field: "target", Value: t.URL, Why: "it is no URL"}
		}
		link.Host = authority(link.Scheme, t.Host, t.Port)
		t.URL = link.String()
	}
	return t, nil
}

// Leg is the target as one leg of a test, labelled by what it is.
func (t Target) Leg() Leg {
	if t.Addr.IsValid() {
		return Leg{Label: ByAddress, Host: t.Host}
	}
	return Leg{Label: ByName, Host: t.Host}
}

// parseMethod reads a method; "" is its answer to auto. The names of tools that
// people think of are understood. secure is https.
func parseMethod(s string) (m Method, secure bool, err error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "", "auto":
		return "", false, nil
	case "ping", "icmp":
		return Ping, false, nil
	case "tcp", "nc", "netcat":
		return TCP, false, nil
	case "http", "curl", "wget":
		return HTTP, false, nil
	case "https":
		return HTTP, true, nil
	}
	return "", false, &TargetError{Field: "method", Value: s, Why: "it is one of auto, ping, tcp, http, https"}
}

func automatic(isURL bool, port int) Method {
	switch {
	case isURL:
		return HTTP
	case port != 0:
		return TCP
	}
	return Ping
}

// unfit says why a text can be no target, name or server at all.
func unfit(s string) string {
	switch {
	case s == "":
		return "it is empty"
	case len(s) > maxTarget:
		return "it is longer than " + strconv.Itoa(maxTarget) + " bytes"
	case strings.HasPrefix(s, "-"):
		return "it starts with -, like an option"
	}
	for _, r := range s {
		switch {
		case unicode.IsControl(r), r == unicode.ReplacementChar:
			return "it has control characters or bytes that are not UTF-8 in it"
		case unicode.IsSpace(r):
			return "it has a space in it"
		case r == '\\', r == '"', r == '\'', r == '`':
			return "it has " + string(r) + " in it"
		}
	}
	return ""
}

// splitTarget takes a target apart; link is nil unless it is a URL.
func splitTarget(s string) (link *url.URL, host string, port int, why string) {
	if scheme, _, ok := strings.Cut(s, "://"); ok {
		return splitURL(s, strings.ToLower(scheme))
	}
	if strings.ContainsAny(s, "/?#@") {
		return nil, "", 0, "it is no host name, address, host:port or URL (a URL starts with http:// or https://)"
	}
	host, port, why = splitPort(s)
	return nil, host, port, why
}

func splitURL(s, scheme string) (link *url.URL, host string, port int, why string) {
	if scheme != "http" && scheme != "https" {
		return nil, "", 0, "only http and https URLs can be tested; for another protocol give host:port"
	}
	link, err := url.Parse(zoneEscaped(s))
	switch {
	case err != nil:
		return nil, "", 0, "it is not a valid URL"
	case link.User != nil:
		return nil, "", 0, "it has a user or password in it; test the URL without them"
	case link.Hostname() == "":
		return nil, "", 0, "the URL names no host"
	}
	if p := link.Port(); p != "" || strings.HasSuffix(link.Host, ":") {
		if port, why = parsePort(p); why != "" {
			return nil, "", 0, why
		}
	}
	link.Fragment, link.RawFragment = "", ""
	if link.Path == "" {
		link.Path = "/"
	}
	return link, link.Hostname(), port, ""
}

// zoneEscaped makes http://[fe80::1%eth0]/ what RFC 6874 wants: %25eth0.
func zoneEscaped(s string) string {
	open := strings.Index(s, "://[")
	end := strings.IndexByte(s, ']')
	if open < 0 || end < open {
		return s
	}
	inside := s[open:end]
	if i := strings.IndexByte(inside, '%'); i >= 0 && !strings.HasPrefix(inside[i:], "%25") {
		return s[:open] + inside[:i] + "%25" + inside[i+1:] + s[end:]
	}
	return s
}

// splitPort takes host:port, [v6], [v6]:port, v6 or host apart.
func splitPort(s string) (host string, port int, why string) {
	if inside, ok := strings.CutPrefix(s, "["); ok {
		host, rest, closed := strings.Cut(inside, "]")
		switch {
		case !closed:
			return "", 0, "the [ is not closed"
		case !strings.Contains(host, ":"):
			return "", 0, "only an IPv6 address stands in [ ]"
		case rest == "":
			return host, 0, ""
		case rest[0] != ':':
			return "", 0, "only :port can follow the ]"
		}
		port, why = parsePort(rest[1:])
		return host, port, why
	}
	if strings.Count(s, ":") != 1 {
		return s, 0, "" // a name, an IPv4 address, or an IPv6 address without brackets
	}
	host, p, _ := strings.Cut(s, ":")
	port, why = parsePort(p)
	return host, port, why
}

func parsePort(s string) (int, string) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, "the port behind the : is not a number from 1 to 65535"
	}
	return int(n), ""
}

func schemePort(scheme string) int {
	if scheme == "https" {
		return 443
	}
	return 80
}

// authority is the host part of a URL; the scheme's own port is left out.
func authority(scheme, host string, port int) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]" // net/url escapes the zone's %
	}
	if port == 0 || port == schemePort(scheme) {
		return host
	}
	return host + ":" + strconv.Itoa(port)
}

// normalHost is a host as it is looked up: an address in its canonical form, or
// a name in ASCII, lower case and without a trailing dot.
func normalHost(s string) (host string, addr netip.Addr, why string) {
	if !strings.Contains(s, ":") {
		s = strings.TrimSuffix(s, ".") // behind an IPv6 address it would be its zone's
	}
	if why := unfit(s); why != "" {
		return "", netip.Addr{}, why
	}
	if strings.Contains(s, ":") {
		addr, err := netip.ParseAddr(s)
		if err != nil || !zoneFits(addr.Zone()) {
			return "", netip.Addr{}, "it is not a valid IPv6 address"
		}
		addr = addr.Unmap()
		return addr.String(), addr, ""
	}
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.String(), addr, ""
	}
	name, why := asciiName(s)
	if why != "" {
		return "", netip.Addr{}, why
	}
	return name, netip.Addr{}, ""
}

// unfitZone says why an address can be reached through no interface, or not
// without one: a zone goes with link-local addresses, and they with one (RFC 4007).
func unfitZone(a netip.Addr) string {
	linkLocal := a.Is6() && (a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() || a.IsInterfaceLocalMulticast())
	switch {
	case a.Zone() != "" && !linkLocal:
		return "only a link-local address (fe80::…) has an interface behind %; leave the % and what follows out"
	case a.Zone() == "" && linkLocal:
		return "a link-local address is reached through an interface; name it behind %, such as " + a.String() + "%eth0 (vm_network_details shows a machine's)"
	}
	return ""
}

// zoneFits reports whether a zone is an interface's name or number, not
// something that an option or a URL could be made of.
func zoneFits(zone string) bool {
	for _, r := range zone {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '.', r == '_', r == '-', r == '@':
		default:
			return false
		}
	}
	return len(zone) <= 15 && !strings.HasPrefix(zone, "-") // IFNAMSIZ
}

// toASCII is UTS #46 for lookups. Underscores stay: names of services have them.
var toASCII = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.BidiRule())

// asciiName is a name as it goes over the wire (RFC 1035, RFC 5891), without a
// trailing dot.
func asciiName(s string) (name, why string) {
	name, err := toASCII.ToASCII(s)
	if err != nil {
		return "", "it is not a valid international name"
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if len(name) > 253 {
		return "", "a name has at most 253 characters"
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if why := unfitLabel(label); why != "" {
			return "", why
		}
	}
	if last := labels[len(labels)-1]; strings.Trim(last, "0123456789") == "" {
		return "", "its last part is a number and yet it is no IPv4 address (four numbers from 0 to 255)"
	}
	return name, ""
}

func unfitLabel(label string) string {
	switch {
	case label == "":
		return "a part between its dots is empty"
	case len(label) > 63:
		return "a part between its dots is longer than 63 characters"
	case label[0] == '-' || label[len(label)-1] == '-':
		return "a part between its dots starts or ends with -"
	}
	for _, r := range label {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '-', r == '_':
		default:
			return "a name has letters, digits, -, _ and dots only"
		}
	}
	return ""
}
