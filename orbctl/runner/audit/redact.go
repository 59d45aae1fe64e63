package audit

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"orbstack-mcp/orbctl/untrusted"
)

const (
	maxWord  = 200 // bytes of a word that are shown
	maxWords = 64  // words of a command line that are shown
	// maxRead is more than a command line may hold (values.go of package runner).
	// To look through so much for secrets takes some 60 ms.
	maxRead = 128 << 10
)

// What a secret is called. Better one word too many is hidden than one too few:
// argv_sha256 still tells whether it was this command line.
const (
	secret = `(?:pass|secret|token|key|credential|_pwd)`
	name   = `[A-Za-z0-9_.-]*`
	named  = name + secret + name
	// value is a word of a shell, quoted or not, inside a longer text.
	value = `(?:"[^"]*"?|'[^']*'?|\\.|[^\s"'&;|<>()\\])+`
)

// A replacement hides one form of secret inside a word.
type replacement struct {
	secret *regexp.Regexp
	shown  string
}

// forms are the forms of secrets that are known.
type forms struct {
	name     *regexp.Regexp // of a setting that is secret
	assigned *regexp.Regexp // a word that is an assignment: the rest of it is the value
	flag     *regexp.Regexp // a flag whose value is the next word
	inText   []replacement  // inside a word: a query, a header, a shell's text, JSON
}

// known compiles the forms when the first record needs them: that is 1 ms which
// no start of the program has to wait for.
var known = sync.OnceValue(func() forms {
	behind := "${1}" + untrusted.Redacted
	return forms{
		name:     regexp.MustCompile(`(?i)` + secret),
		assigned: regexp.MustCompile(`(?is)\A(` + named + `=).+\z`),
		flag:     regexp.MustCompile(`(?i)\A--?` + named + `\z`),
		inText: []replacement{
			{regexp.MustCompile(`(?is)(authorization\\?["']?\s*[:=]\s*\\?["']?)[^"'\n]+`), behind},
			{regexp.MustCompile(`(?is)(` + named + `(?:\\?["']\s*[:=]\s*|\s*=\s*|:\s+))` + value), behind},
			{regexp.MustCompile(`(?is)((?:\A|\s)--?` + named + `\s+)` + value), behind},
			{regexp.MustCompile(`(?is)(\s(?:-u|--user)[\s=]+[^\s:]+:)` + value), behind},
			{regexp.MustCompile(`(?i)(\b(?:bearer|basic)\s+)[A-Z0-9._~+/=-]{8,}`), behind},
			// What some issuers begin their tokens with, and a JSON Web Token.
			{regexp.MustCompile(`\b(?:gh[opsur]_|github_pat_|glpat-|xox[abeoprs]-|sk-|AKIA|ASIA|eyJ)[A-Za-z0-9_.-]{10,}`), untrusted.Redacted},
			{regexp.MustCompile(`(?s)(-----BEGIN [A-Z ]*PRIVATE KEY-----).*`), behind},
		},
	}
})

// redact is the command line as a record may hold it. What has the form of no
// secret is none: a bare word that is a password is shown.
func redact(c Call) []string {
	var words []string
	for i, word := range c.Argv {
		if i == maxWords {
			return append(words, fmt.Sprintf("[… %d more words]", len(c.Argv)-i))
		}
		before := ""
		if i > 0 {
			before = c.Argv[i-1]
		}
		script, isScript := c.Scripts[word]
		switch {
		case isScript:
			word = fmt.Sprintf("script:%s (%d bytes)", script, len(word))
		case c.Setting != "" && i == len(c.Argv)-1:
			word = bounded(settingValue(c.Setting, word))
		case known().flag.MatchString(before):
			word = untrusted.Redacted
		case before == "-u" || before == "--user":
			word = bounded(userOnly(word))
		default:
			word = bounded(word)
		}
		words = append(words, word)
	}
	return words
}

// settingValue is the value of a setting of OrbStack. That of a proxy may hold a
// password without being a whole URL.
func settingValue(key, word string) string {
	if word == "" {
		return ""
	}
	if known().name.MatchString(key) {
		return untrusted.Redacted
	}
	word, hidden := untrusted.Redact(word)
	if strings.Contains(strings.ToLower(key), "proxy") && !hidden && strings.Contains(word, "@") {
		return untrusted.Redacted
	}
	return word
}

// userOnly takes the password out of USER:PASSWORD.
func userOnly(word string) string {
	if user, _, both := strings.Cut(word, ":"); both {
		return user + ":" + untrusted.Redacted
	}
	return word
}

// bounded is one word without secrets, and not too long.
func bounded(word string) string {
	if len(word) > maxRead {
		return fmt.Sprintf("[… %d bytes]", len(word))
	}
	if m := known().assigned.FindStringSubmatch(word); m != nil {
		return cut(m[1] + untrusted.Redacted)
	}
	word = untrusted.RedactText(word)
	for _, s := range known().inText {
		word = s.secret.ReplaceAllString(word, s.shown)
	}
	return cut(word)
}

func cut(word string) string {
	if len(word) <= maxWord {
		return word
	}
	end := maxWord
	for end > 0 && !utf8.RuneStart(word[end]) {
		end--
	}
	return fmt.Sprintf("%s[… %d bytes in all]", word[:end], len(word))
}
