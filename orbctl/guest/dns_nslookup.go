package guest

import (
	"regexp"
	"slices"
	"strings"
)

// nslookup of bind and of busybox print alike, without TTLs:
//
//	Server:         127.0.0.11
//	Address:        127.0.0.11#53          (busybox: 127.0.0.11:53)
//
//	Non-authoritative answer:
//	Name:   web.orb.local
//	Address: 192.168.139.5
//	example.com     mail exchanger = 10 mail.example.com.
//
// and busybox without record types, as it was before 1.30 and in small builds:
//
//	Server:    127.0.0.11
//	Address 1: 127.0.0.11
//
//	Name:      web.orb.local
//	Address 1: 192.168.139.5 web.orb.local
var (
	nslookupAddress = regexp.MustCompile(`^Address(?: \d+)?:\s*(\S+)\s*(\S*)`)
	nslookupFailed  = regexp.MustCompile(`^\*\* server can't find (\S+): ([A-Z]+)`)
	nslookupRecord  = regexp.MustCompile(`^(\S+)\s+(canonical name|mail exchanger|text|service|name|nameserver) = ?(.*)$`)
	nslookupTypes   = map[string]string{"canonical name": "CNAME", "mail exchanger": "MX", "text": "TXT", "service": "SRV", "name": "PTR", "nameserver": "NS"}
)

// parseNslookup reads the answer to a question for records of type asked.
// busybox prints a TXT record as it is, so whoever wrote that record can write
// lines of the tool too: nothing but records of the type that was asked for
// counts, and no server behind the first record.
func parseNslookup(text, asked string, busybox bool) reply {
	r := readNslookup(text, busybox)
	first := slices.IndexFunc(r.records, answers(asked))
	if r.question == "" && len(r.records) > 0 {
		r.question = strings.ToLower(r.records[max(first, 0)].Name)
	}
	r.records = slices.DeleteFunc(r.records, func(d DNSRecord) bool { return !answers(asked)(d) })
	if len(r.records) == 0 && r.status == NoError {
		r.status = NoData
	}
	return r
}

func readNslookup(text string, busybox bool) reply {
	var r reply
	name := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		lower := strings.ToLower(line)
		switch {
		case strings.HasPrefix(line, "Server:") && len(r.records) == 0:
			r.server = parseServer(strings.TrimPrefix(line, "Server:"))
		case strings.HasPrefix(line, "Name:"):
			name = word(strings.TrimSuffix(strings.TrimSpace(strings.TrimPrefix(line, "Name:")), "."))
		case strings.Contains(lower, "truncated, retrying"):
			r.truncated = true
		case strings.HasPrefix(line, "Non-authoritative answer:"): // busybox: with nothing below it when there is no such record
			r.set(NoData)
		case strings.HasPrefix(lower, "*** can't find ") && strings.HasSuffix(lower, ": no answer"):
			r.set(NoData)
		case strings.HasPrefix(lower, "nslookup: can't resolve"): // an old busybox does not say more
			r.set(NXDomain)
		case strings.HasPrefix(line, "Authoritative answers can be found from:"):
			return r
		default:
			r.line(name, line, busybox)
		}
	}
	return r
}

// line reads a line of the answer, or why there is none.
func (r *reply) line(name, line string, busybox bool) {
	if m := nslookupFailed.FindStringSubmatch(line); m != nil {
		r.set(DNSStatus(m[2]))
		if r.question == "" {
			r.question = strings.ToLower(strings.TrimSuffix(word(m[1]), "."))
		}
		return
	}
	if m := nslookupAddress.FindStringSubmatch(line); m != nil {
		a, ok := parseAddr(m[1])
		switch {
		case name == "": // of the server
			if server := parseServer(m[1]); server != "" && len(r.records) == 0 {
				r.server = server
			}
		case ok:
			kind := "AAAA"
			if a.Is4() {
				kind = "A"
			}
			r.status = NoError
			r.records = append(r.records, DNSRecord{Name: name, Type: kind, Value: a.String(), TTL: -1})
			if m[2] != "" { // the small one's name for the address
				r.records = append(r.records, DNSRecord{Name: arpaName(a.WithZone("")), Type: "PTR", Value: word(strings.TrimSuffix(m[2], ".")), TTL: -1})
			}
		}
		return
	}
	if m := nslookupRecord.FindStringSubmatch(line); m != nil {
		kind := nslookupTypes[m[2]]
		value := recordValue(kind, m[3])
		if kind == "TXT" && busybox { // a quote inside is not escaped
			value = short(strings.TrimSuffix(strings.TrimPrefix(m[3], `"`), `"`), maxValue)
		}
		r.status = NoError
		r.records = append(r.records, DNSRecord{Name: strings.TrimSuffix(word(m[1]), "."), Type: kind, Value: value, TTL: -1})
	}
}

// set keeps a status that an answer has set already, and any above "no data".
func (r *reply) set(s DNSStatus) {
	if r.status == "" || (r.status == NoData && s != NoError) {
		r.status = s
	}
}

// answers says of a record whether it belongs to a question for type asked; an
// alias leads there.
func answers(asked string) func(DNSRecord) bool {
	return func(d DNSRecord) bool { return d.Type == asked || d.Type == "CNAME" }
}
