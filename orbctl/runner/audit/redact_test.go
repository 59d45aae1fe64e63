package audit_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"orbstack-mcp/orbctl/runner/audit"
)

func TestSecretsAreCutOutOfACommandLine(t *testing.T) {
	for name, tc := range map[string]struct {
		call audit.Call
		want []string
	}{
		"nothing secret": {
			audit.Call{Argv: []string{"orbctl", "info", "web", "-f", "json"}},
			[]string{"orbctl", "info", "web", "-f", "json"},
		},
		"a proxy": {
			setting("network_proxy", "http://me:hun@ter/2@proxy:3128"), set("network_proxy", "http://xxxxx@proxy:3128"),
		},
		"a proxy without a scheme":              {setting("network_proxy", "me:hunter2@proxy:3128"), set("network_proxy", "xxxxx")},
		"a proxy without a password":            {setting("network_proxy", "http://proxy:3128"), set("network_proxy", "http://proxy:3128")},
		"a proxy's password with blanks":        {setting("network_proxy", "http://me:hunt er2@proxy"), set("network_proxy", "http://xxxxx@proxy")},
		"a setting that is a secret":            {setting("registry.token", "hunter2"), set("registry.token", "xxxxx")},
		"a setting that is none":                {setting("machine.web.username", "ann"), set("machine.web.username", "ann")},
		"a setting without a value":             {setting("data_dir", ""), set("data_dir", "")},
		"the value looks like an assignment":    {setting("x.y", "API_KEY=hunter2"), set("x.y", "API_KEY=xxxxx")},
		"a script of ours":                      {audit.Call{Argv: []string{"sh", "-c", "echo 1", "a"}, Scripts: map[string]string{"echo 1": "status"}}, []string{"sh", "-c", "script:status (6 bytes)", "a"}},
		"a URL":                                 one("https://me:hunter2@host/p", "https://xxxxx@host/p"),
		"a query":                               one("https://host/?a=1&access_token=hunter2&b=2", "https://host/?a=1&access_token=xxxxx&b=2"),
		"an assignment":                         one("MY_PASSWORD=hunter2 & more", "MY_PASSWORD=xxxxx"),
		"a flag with its value":                 one("--api-key=hunter2", "--api-key=xxxxx"),
		"a flag before its value":               {audit.Call{Argv: []string{"a", "--password", "hunter2", "b"}}, []string{"a", "--password", "xxxxx", "b"}},
		"a user with a password":                {audit.Call{Argv: []string{"curl", "-u", "me:hunter2"}}, []string{"curl", "-u", "me:xxxxx"}},
		"a user without":                        {audit.Call{Argv: []string{"run", "-u", "root"}}, []string{"run", "-u", "root"}},
		"a header":                              one("Authorization: Bearer hunter2", "Authorization: xxxxx"),
		"a bearer":                              one("x: bearer hunter2hunter2", "x: bearer xxxxx"),
		"JSON, up to the next blank":            one(`{"user":"me","password":"hunter2","n":1}`, `{"user":"me","password":xxxxx`),
		"a shell's text":                        one(`cd / && DB_PASS='hunter2 and' X=1 psql; echo "$1"`, `cd / && DB_PASS=xxxxx X=1 psql; echo "$1"`),
		"a flag in a shell's text":              one("mysql --password hunter2 db", "mysql --password xxxxx db"),
		"a user in a shell's text":              one("curl -u me:hunter2 host", "curl -u me:xxxxx host"),
		"a token of GitHub":                     one("git clone x ghp_0123456789abcdef", "git clone x xxxxx"),
		"a private key":                         one("echo '-----BEGIN RSA PRIVATE KEY-----\nhunter2\n", "echo '-----BEGIN RSA PRIVATE KEY-----xxxxx"),
		"a host named after a key":              one("keycloak.orb.local:8080", "keycloak.orb.local:8080"),
		"a word that is longer than can be run": one("a"+strings.Repeat("x", 128<<10), "[… 131073 bytes]"),
		"a long word":                           one(strings.Repeat("é", 150), strings.Repeat("é", 100)+"[… 300 bytes in all]"),
		"a long word cut inside a character":    one("a"+strings.Repeat("é", 150), "a"+strings.Repeat("é", 99)+"[… 301 bytes in all]"),
		"a secret across the end of the word":   one(strings.Repeat("x", 195)+" TOKEN=hunter2", strings.Repeat("x", 195)+" TOK"+"E[… 207 bytes in all]"),
	} {
		t.Run(name, func(t *testing.T) {
			given := strings.Join(tc.call.Argv, "\x00")
			assert.Equal(t, tc.want, audit.Redact(tc.call))
			assert.Equal(t, given, strings.Join(tc.call.Argv, "\x00"), "what will run is left alone")
		})
	}
}

func setting(key, value string) audit.Call { return audit.Call{Argv: set(key, value), Setting: key} }

func set(key, value string) []string { return []string{"orbctl", "config", "set", key, value} }

func one(word, want string) (c struct {
	call audit.Call
	want []string
},
) {
	c.call.Argv, c.want = []string{word}, []string{want}
	return c
}

func TestManyWordsAreCounted(t *testing.T) {
	words := audit.Redact(audit.Call{Argv: strings.Split(strings.Repeat("a ", 99)+"a", " ")})
	require.Len(t, words, 65)
	assert.Equal(t, "[… 36 more words]", words[64])
}

// A secret of any letters, in any place where one is known to stand, is in no
// byte of the file.
func TestNoSecretIsWritten(t *testing.T) {
	places := []func(secret string) audit.Call{
		func(s string) audit.Call { return setting("network_proxy", "http://me:"+s+"@proxy:3128") },
		func(s string) audit.Call { return setting("network_proxy", "me:"+s+"@proxy") },
		func(s string) audit.Call { return setting("some.secret", s) },
		func(s string) audit.Call { return audit.Call{Argv: []string{"https://me:" + noBlank(s) + "@host/"}} },
		func(s string) audit.Call { return audit.Call{Argv: []string{"PASSWORD=" + s}} },
		func(s string) audit.Call { return audit.Call{Argv: []string{"--client-secret=" + s}} },
		func(s string) audit.Call { return audit.Call{Argv: []string{"--token", s}} },
		func(s string) audit.Call { return audit.Call{Argv: []string{"-u", "me:" + s}} },
		func(s string) audit.Call {
			return audit.Call{Argv: []string{`sh -c 'x' TOKEN="` + strings.ReplaceAll(s, `"`, "") + `" y`}}
		},
		func(s string) audit.Call {
			return audit.Call{Argv: []string{`Authorization: Bearer ` + strings.NewReplacer(`"`, "", "'", "").Replace(s)}}
		},
		func(s string) audit.Call {
			return audit.Call{Argv: []string{s}, Scripts: map[string]string{s: "status"}}
		},
		func(s string) audit.Call {
			return audit.Call{Tool: "TOKEN=" + s, Machine: "--password=" + s, Op: "key=" + s}
		},
	}
	l, _ := newLog(t)
	rapid.Check(t, func(t *rapid.T) {
		// A canary that no other text holds, so that a part of it is seen too.
		secret := "Qz7" + rapid.StringMatching(`[ -~é]{0,40}`).Draw(t, "secret") + "Qz7"
		call := rapid.SampledFrom(places).Draw(t, "place")(secret)
		_, err := l.Start(t.Context(), call)
		require.NoError(t, err)
		require.NoError(t, l.Refuse(t.Context(), call))
	})
	text, err := os.ReadFile(l.Path())
	require.NoError(t, err)
	assert.NotContains(t, string(text), "Qz7")
}

func noBlank(s string) string { return strings.ReplaceAll(s, " ", "") }

// Nothing grows without bound, and nothing is a second line, whatever the words.
func FuzzRedact(f *testing.F) {
	f.Add("https://a:b@c TOKEN=x", "--password")
	f.Add(strings.Repeat("é", 200), `{"key":"`)
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, word := range audit.Redact(audit.Call{Argv: []string{a, b}, Setting: a}) {
			assert.LessOrEqual(t, len(word), 260)
		}
		text, err := audit.Line(audit.Entry{Start: audit.Start{Argv: audit.Redact(audit.Call{Argv: []string{a, b}})}})
		require.NoError(t, err)
		assert.Equal(t, 1, strings.Count(string(text), "\n"))
	})
}
