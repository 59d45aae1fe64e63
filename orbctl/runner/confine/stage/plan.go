package stage

// A plan is a policy as it is read from the command line. The policy's text is
// lines of a word, numbers in decimals, and at the end of some a path:
//
//	limit RESOURCE VALUE   setrlimit, soft and hard; never above what is there
//	landlock FS NET SCOPED what Landlock forbids (struct landlock_ruleset_attr)
//	allow ACCESS PATH      but for ACCESS at and below PATH
//	filter HEX             a seccomp program, 8 bytes for each struct sock_filter
//
// A path holds no newline: package confine sees to that.
type plan struct {
	limits          []limit
	fs, net, scoped uint64
	rules           []rule
	filter          []byte
}

type limit struct{ resource, value uint64 }

type rule struct {
	access uint64
	path   string
}

// read is the plan of a policy; false is a text that is none. It is written by
// hand for the reason that the package comment gives.
func read(text string) (p plan, ok bool) {
	for text != "" {
		var line, word string
		line, text = cut(text, '\n')
		word, line = cut(line, ' ')
		switch word {
		case "limit":
			var l limit
			ok = numbers(line, &l.resource, &l.value)
			p.limits = append(p.limits, l)
		case "landlock":
			ok = numbers(line, &p.fs, &p.net, &p.scoped) && p.fs != 0
		case "allow":
			var r rule
			word, r.path = cut(line, ' ')
			ok = numbers(word, &r.access) && r.path != ""
			p.rules = append(p.rules, r)
		case "filter":
			p.filter, ok = unhex(line)
		default:
			ok = false
		}
		if !ok {
			return p, false
		}
	}
	return p, len(p.filter) > 0 // without one it would be no sandbox at all
}

// cut splits s behind its first sep.
func cut(s string, sep byte) (before, after string) {
	for i := range len(s) {
		if s[i] == sep {
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// numbers reads as many decimal numbers as there are places for them.
func numbers(s string, into ...*uint64) bool {
	for _, n := range into {
		var word string
		word, s = cut(s, ' ')
		if word == "" || len(word) > 19 {
			return false
		}
		for _, digit := range []byte(word) {
			if digit < '0' || digit > '9' {
				return false
			}
			*n = *n*10 + uint64(digit-'0')
		}
	}
	return s == ""
}

// filterSize is that of a struct sock_filter.
const filterSize = 8

func unhex(s string) ([]byte, bool) {
	if s == "" || len(s)%(2*filterSize) != 0 {
		return nil, false
	}
	b := make([]byte, len(s)/2)
	for i := range s {
		var nibble byte
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			nibble = c - '0'
		case 'a' <= c && c <= 'f':
			nibble = c - 'a' + 10
		default:
			return nil, false
		}
		b[i/2] = b[i/2]<<4 | nibble
	}
	return b, true
}
