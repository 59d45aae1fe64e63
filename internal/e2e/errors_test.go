package e2e

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/errors anew")

// An errorCase is a call that has to fail with that code. Its words are in
// testdata/errors/CODE.txt, below its name.
type errorCase struct {
	code, name, tool string
	args             args
}

// An errorPlace is a world with a server in it, and what fails there.
type errorPlace struct {
	name   string
	world  string
	server []string // its flags
	// command, if set, is the whole command line.
	command func(t *testing.T) []string
	// untouched: orbctl may not be run at all; quiet: it may be asked for its
	// status only.
	untouched, quiet bool
	cases            []errorCase
}

// Every code that a tool can give is reached from a client, and its words are
// what they should be.
func TestEveryErrorHasItsWords(t *testing.T) {
	t.Parallel()
	golden := newErrorWords(t)
	for i, p := range errorPlaces() {
		for _, e := range turn(i) {
			t.Run(string(e)+" "+p.name, func(t *testing.T) {
				t.Parallel()
				p.test(t, e, golden)
			})
		}
	}
}

func (p errorPlace) test(t *testing.T, e era, golden *errorWords) {
	t.Helper()
	command := append([]string{bin.server}, p.server...)
	if p.command != nil {
		command = p.command(t)
	}
	s := openWith(t, p.world, e, nil, command...)
	t.Run("case", func(t *testing.T) {
		for _, c := range p.cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				r := s.call(t, c.tool, c.args)
				require.True(t, r.IsError, "it did not fail: %s", r.Text)
				assert.Equal(t, c.code, r.code(), r.Text)
				golden.check(t, c, r)
			})
		}
	})
	for _, call := range s.reached() {
		assert.False(t, p.untouched || p.quiet && call != "status", "this reached orbctl: %s", call)
	}
}

// errorWords is testdata/errors.
type errorWords struct {
	mu   sync.Mutex
	have map[string]map[string]string // code → case → text
	seen map[string]map[string]string
}

const errorFolder = "testdata/errors"

var caseHead = regexp.MustCompile(`(?m)^=== (.+)\n`)

func newErrorWords(t *testing.T) *errorWords {
	t.Helper()
	w := &errorWords{have: map[string]map[string]string{}, seen: map[string]map[string]string{}}
	files, err := filepath.Glob(errorFolder + "/*.txt")
	require.NoError(t, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		code := strings.TrimSuffix(filepath.Base(file), ".txt")
		w.have[code] = map[string]string{}
		heads := caseHead.FindAllSubmatchIndex(b, -1)
		for i, h := range heads {
			end := len(b)
			if i+1 < len(heads) {
				end = heads[i+1][0]
			}
			w.have[code][string(b[h[2]:h[3]])] = string(b[h[1]:end])
		}
	}
	if *update {
		t.Cleanup(func() { w.write(t) })
	} else {
		t.Cleanup(func() { w.complete(t) })
	}
	return w
}

// passes are the parts of a text that are others in every run or on every
// computer.
var passes = []struct {
	find *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`\b[0-9a-f]{16}\b`), "FENCE"},
	{regexp.MustCompile(`(1 to|1024 to|64 to) \d+ (cores|MiB)`), "$1 MAX $2"},
}

// check compares a failure with its golden text. It says: the call, the text,
// whether a repeat makes sense, and the facts in details.
func (w *errorWords) check(t *testing.T, c errorCase, r result) {
	t.Helper()
	var wire struct {
		Error struct {
			Retryable bool            `json:"retryable"`
			Details   json.RawMessage `json:"details"`
		} `json:"error"`
	}
	require.NoError(t, json.Unmarshal(r.Raw, &wire))
	var arguments bytes.Buffer
	encoder := json.NewEncoder(&arguments)
	encoder.SetEscapeHTML(false)
	require.NoError(t, encoder.Encode(c.args))
	text := fmt.Sprintf("%s %s\n%s\n\nretryable: %t\ndetails: %s\n\n", c.tool, arguments.String(), r.Text, wire.Error.Retryable, orNone(wire.Error.Details))
	for _, x := range passes {
		text = x.find.ReplaceAllString(text, x.with)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen[c.code] == nil {
		w.seen[c.code] = map[string]string{}
	}
	if other, ok := w.seen[c.code][c.name]; ok {
		assert.Equal(t, other, text, "the eras differ")
	}
	w.seen[c.code][c.name] = text
	if !*update {
		assert.Equal(t, w.have[c.code][c.name], text, "testdata/errors/%s.txt; -update writes it anew", c.code)
	}
}

func orNone(b json.RawMessage) string {
	if len(b) == 0 {
		return "none"
	}
	return string(b)
}

func (w *errorWords) write(t *testing.T) {
	for code, cases := range w.seen {
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(cases)) {
			b.WriteString("=== " + name + "\n" + cases[name])
		}
		require.NoError(t, os.WriteFile(filepath.Join(errorFolder, code+".txt"), []byte(strings.TrimRight(b.String(), "\n")+"\n\n"), 0o644))
	}
}

// complete: no golden text belongs to a case that is gone. It holds only where
// all cases ran.
func (w *errorWords) complete(t *testing.T) {
	all := map[string]bool{}
	for _, p := range errorPlaces() {
		for _, c := range p.cases {
			all[c.code+"/"+c.name] = true
		}
	}
	for code, cases := range w.have {
		for name := range cases {
			assert.True(t, all[code+"/"+name], "testdata/errors/%s.txt has %q, which no case gives", code, name)
		}
	}
}

// elsewhere are the codes that a client can reach in a way of its own only:
// where their test is.
var elsewhere = map[string]struct{ file, test string }{
	"cancelled":             {"lifetime_test.go", "TestACallThatIsCutByTheEndSaysSo"},
	"confirmation_declined": {"confirm_test.go", "TestNothingHappensWithoutAYes"},
	"confirmation_expired":  {"confirm_test.go", "TestNothingHappensWithoutAYes"},
	"file_exists":           {"files_test.go", "TestFilesPassWholeOrNotAtAll"},
	"machine_changed":       {"confirm_test.go", "TestAMachineThatChangedUnderTheQuestionIsLeftAlone"},

	"busy":     {"../../tools/explain_test.go", "TestTooManyCallsAreBusy"},
	"internal": {"../../tools/explain_test.go", "TestAFaultOfOursIsInternal"},
}

func TestEveryCodeIsReached(t *testing.T) {
	t.Parallel()
	reached := map[string]bool{}
	for _, p := range errorPlaces() {
		for _, c := range p.cases {
			assert.False(t, reached[c.code+"/"+c.name], "%s: %s is there twice", c.code, c.name)
			reached[c.code], reached[c.code+"/"+c.name] = true, true
		}
	}
	codes := allCodes(t)
	for _, code := range codes {
		if reached[code] {
			continue
		}
		test, ok := elsewhere[code]
		if !assert.True(t, ok, "%s is tested nowhere", code) {
			continue
		}
		text, err := os.ReadFile(test.file)
		require.NoError(t, err)
		assert.Contains(t, string(text), "func "+test.test+"(", "%s is tested nowhere", code)
	}
	for code := range elsewhere {
		assert.Contains(t, codes, code, "there is no such code")
	}
}

// allCodes are those that the code has.
func allCodes(t *testing.T) []string {
	t.Helper()
	codes := append(constants(t, "../../orbctl/errors.go", "Kind"), constants(t, "../../tools/failure.go", "code")...)
	require.Contains(t, codes, "machine_not_found")
	require.Contains(t, codes, "cancelled")
	return codes
}

// constants are the string constants of a type in a Go file.
func constants(t *testing.T, file, typeName string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	require.NoError(t, err)
	var values []string
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); !ok || id.Name != typeName {
			return true
		}
		for _, v := range spec.Values {
			text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
			require.NoError(t, err)
			values = append(values, text)
		}
		return true
	})
	require.NotEmpty(t, values, "%s has no constant of type %s", file, typeName)
	return values
}
