package untrusted

import (
	"regexp"
	"strings"
)

// Redacted stands where a secret was.
const Redacted = "xxxxx"

var (
	inValue = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://(.*)@`)
	inText  = regexp.MustCompile(`://\S+@`)
)

// Redact hides what stands before the last @ of a value that is a URL, and
// reports whether there was any. It does not parse the URL: a password with a /
// in it would pass for a path.
func Redact(value string) (string, bool) {
	if secret := inValue.FindStringSubmatchIndex(value); secret != nil {
		return value[:secret[2]] + Redacted + value[secret[3]:], true
	}
	return value, false
}

// RedactText hides user and password of the URLs in a running text. A password
// may hold any character but a blank, and @ and / too.
func RedactText(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	return inText.ReplaceAllString(text, "://"+Redacted+"@")
}
