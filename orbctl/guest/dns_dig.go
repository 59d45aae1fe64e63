package guest

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// dig, drill and host -v print a response as a zone file would hold it (RFC 1035
// §5.1), with the rest as comments:
//
//	;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 4711   (drill: rcode:)
//	;; flags: qr rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1
//	;; QUESTION SECTION:
//	;web.orb.local.                IN  A                       (drill: ;; web… )
//	;; ANSWER SECTION:
//	web.orb.local.     60  IN  A   192.168.139.5
//	;; SERVER: 0.250.250.200#53(0.250.250.200) (UDP)
//	Received 47 bytes from 0.250.250.200#53 in 0 ms            (host)
//	Host nowhere.test not found: 3(NXDOMAIN)                   (host, instead of all but the line above)
var (
	digStatus = regexp.MustCompile(`^;; ->>HEADER<<- opcode: \w+, (?:status|rcode): (\w+)`)
	digFlags  = regexp.MustCompile(`^;; flags: ([a-z ]*)(?:;.* ANSWER: (\d+))?`)
	digServer = regexp.MustCompile(`^;; SERVER: (.+)$`)
	hostNot   = regexp.MustCompile(`^Host (\S+) not found: \d+\(([A-Z]+)\)`)
	hostFrom  = regexp.MustCompile(`^Received \d+ bytes from (\S+)`)
	digRecord = regexp.MustCompile(`^(\S+)\s+(\d+)\s+IN\s+([A-Z][A-Z0-9]*)\s+(.+)$`)
)

// parseDig reads the last response in the output: those before it are names with
// search domains behind them that did not exist.
func parseDig(text string) reply {
	var r reply
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if m := digStatus.FindStringSubmatch(line); m != nil {
			r = reply{status: DNSStatus(m[1]), truncated: r.truncated}
			section = ""
			continue
		}
		if m := digFlags.FindStringSubmatch(line); m != nil {
			r.truncated = r.truncated || slices.Contains(strings.Fields(m[1]), "tc")
			r.promised = m[2] != "" && m[2] != "0"
			continue
		}
		if m := digServer.FindStringSubmatch(line); m != nil {
			r.server = parseServer(m[1])
			continue
		}
		if m := hostNot.FindStringSubmatch(line); m != nil {
			r.status, r.question = DNSStatus(m[2]), strings.ToLower(strings.TrimSuffix(word(m[1]), "."))
			continue
		}
		if m := hostFrom.FindStringSubmatch(line); m != nil {
			r.server = parseServer(m[1])
			continue
		}
		switch {
		case strings.Contains(strings.ToLower(line), "truncated, retrying"):
			r.truncated = true
		case strings.HasPrefix(line, ";; ") && strings.HasSuffix(line, "SECTION:"):
			section = strings.Fields(line)[1]
		case section == "QUESTION" && strings.HasPrefix(line, ";"):
			if words := strings.Fields(strings.TrimLeft(line, "; ")); len(words) > 1 && r.question == "" {
				r.question = strings.ToLower(strings.TrimSuffix(word(words[0]), "."))
			}
		case section == "ANSWER":
			if record, ok := parseRecord(line); ok {
				r.records = append(r.records, record)
			}
		}
	}
	return r
}

// parseRecord reads NAME TTL IN TYPE VALUE.
func parseRecord(line string) (DNSRecord, bool) {
	m := digRecord.FindStringSubmatch(line)
	if m == nil || m[3] == "RRSIG" {
		return DNSRecord{}, false
	}
	ttl, err := strconv.Atoi(m[2])
	if err != nil {
		ttl = -1
	}
	return DNSRecord{Name: strings.TrimSuffix(word(m[1]), "."), Type: m[3], Value: recordValue(m[3], m[4]), TTL: ttl}, true
}

// maxValue bounds a record's value: a TXT record may have 64 KiB.
const maxValue = 2048

// recordValue is the value of a record as a person writes it.
func recordValue(kind, value string) string {
	value = strings.TrimSpace(value)
	switch kind {
	case "TXT", "SPF":
		value = unquoted(value)
	case "CNAME", "PTR", "NS", "DNAME", "MX", "SRV":
		value = strings.Join(strings.Fields(value), " ")
		if len(value) > 1 && !strings.HasSuffix(value, " .") { // MX 0 . and SRV … . say "none" (RFC 7505, RFC 2782)
			value = strings.TrimSuffix(value, ".")
		}
	}
	return short(value, maxValue)
}

// unquoted joins the strings of a TXT record; \" and \DDD are what they stand
// for (RFC 1035 §5.1).
func unquoted(s string) string {
	if !strings.HasPrefix(s, `"`) {
		return s
	}
	var out []byte
	inside := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			inside = !inside
		case !inside: // between two strings
		case c == '\\' && i+3 < len(s) && isNumber(s[i+1:i+4]):
			if n, err := strconv.ParseUint(s[i+1:i+4], 10, 8); err == nil {
				out = append(out, byte(n))
			}
			i += 3
		case c == '\\' && i+1 < len(s):
			i++
			out = append(out, s[i])
		default:
			out = append(out, c)
		}
	}
	return string(out)
}
