package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/tools"
)

// A codePlace is a world in which every tool fails with the same code, unless there
// is a reason why it cannot.
type codePlace struct {
	name, code string
	world      string   // beside everyWorld
	flags      []string // of the server, beside those that offer all tools
	command    func(t *testing.T, server []string) []string
	// ahead is done before, and leaves nothing in what is stored.
	ahead func(t *testing.T, s *session)
	// calls are what is called of a tool; nil: its call of everyTool. None: there is
	// nothing in its arguments that could be wrong in this way.
	calls func(tool tools.Tool, c everyCall, folder string) []args
	// spares is why a tool does not give this code; "": it does.
	spares func(tool tools.Tool) string
	// tries has those that are spared called as well if they only look, so that what
	// spares them is true.
	tries bool
	// reaches is what may reach orbctl; nil: nothing.
	reaches *regexp.Regexp
}

// Every code is given by every tool that can give it, and by no other; and whatever
// fails has changed nothing.
func TestEveryToolGivesEveryCodeThatItCan(t *testing.T) {
	t.Parallel()
	for i, p := range codePlaces() {
		for _, e := range turn(i) {
			t.Run(string(e)+" "+p.name, func(t *testing.T) {
				t.Parallel()
				p.test(t, e)
			})
		}
	}
}

func (p codePlace) test(t *testing.T, e era) {
	t.Helper()
	folder, dir := everyFolder(t), t.TempDir()
	before, after := filepath.Join(dir, "before"), filepath.Join(dir, "after")
	command := slices.Concat([]string{bin.server, "--confirm", "allow", "--job-after", "10m"}, everyFlag(folder), p.flags)
	if p.command != nil {
		command = p.command(t, command)
	}
	s := openWith(t, everyWorld+p.world, e, []string{"--state-before", before, "--state", after}, command...)
	files := names(t, folder)
	if p.ahead != nil {
		p.ahead(t, s)
	}
	mark := len(s.reached())
	p.walk(t, s, folder)
	changes := map[string]int{}
	for _, call := range s.reached()[mark:] {
		assert.True(t, p.reaches != nil && p.reaches.MatchString(call), "this reached orbctl: %s", call)
		if !strings.HasPrefix(call, "run ") {
			changes[call]++
		}
	}
	for _, call := range s.grave() {
		assert.LessOrEqual(t, changes[call], 1, "a change is never repeated: %s", call)
	}
	assert.Equal(t, files, names(t, folder), "of the Mac's files")
	s.close()
	assert.Equal(t, readState(t, before), readState(t, after))
}

// walk calls all tools at once.
func (p codePlace) walk(t *testing.T, s *session, folder string) {
	t.Helper()
	type asked struct {
		tool, spared string
		args         args
		answer       <-chan message
	}
	var all []asked
	for _, c := range everyTool(folder, "job_none") {
		tool := toolNamed(c.tool)
		calls := []args{c.args}
		if p.calls != nil {
			calls = p.calls(tool, c, folder)
		}
		spared := ""
		if p.spares != nil {
			spared = p.spares(tool)
		}
		if spared != "" && (!p.tries || tool.Effect != tools.Reads) {
			continue
		}
		for _, a := range calls {
			_, answer := s.start("tools/call", args{"name": c.tool, "arguments": a})
			all = append(all, asked{c.tool, spared, a, answer})
		}
	}
	reached := 0
	for _, c := range all {
		m := s.wait(t, c.answer)
		require.Nil(t, m.Error, c.tool)
		r := s.result(t, c.tool, m)
		if c.spared != "" {
			assert.NotEqual(t, p.code, r.code(), "%s %v does not: %s", c.tool, c.args, c.spared)
			continue
		}
		reached++
		assert.Equal(t, p.code, r.code(), "%s %v: %s", c.tool, c.args, r.Text)
	}
	assert.NotZero(t, reached, "nothing gives this code here")
}

func toolNamed(name string) tools.Tool {
	all := tools.All()
	return all[slices.IndexFunc(all, func(t tools.Tool) bool { return t.Name == name })]
}

var machineNames = regexp.MustCompile(`(?m)^  - \{name: (\w+)`)

// naming are the calls that come of a call when, in one argument after the other,
// the machine that it names is another one.
func naming(c everyCall, other string) []args {
	known := map[string]bool{}
	for _, m := range machineNames.FindAllStringSubmatch(everyWorld, -1) {
		known[m[1]] = true
	}
	return changing(c, func(_ string, value any) any {
		switch v := value.(type) {
		case []string:
			return []string{other}
		case string:
			if words := strings.SplitN(v, ".", 3); len(words) == 3 && words[0] == "machine" {
				return "machine." + other + "." + words[2]
			}
			if known[v] {
				return other
			}
		}
		return nil
	})
}

// changing are the calls that come of a call when one argument after the other is
// what with makes of it; nil leaves it.
func changing(c everyCall, with func(name string, value any) any) []args {
	var all []args
	for _, name := range slices.Sorted(maps.Keys(c.args)) {
		if value := with(name, c.args[name]); value != nil {
			a := maps.Clone(c.args)
			a[name] = value
			all = append(all, a)
		}
	}
	return all
}

// walkedElsewhere are the codes that each tool that can give them gives in a test of
// its own.
var walkedElsewhere = map[string]struct{ file, test string }{
	"confirmation_declined":    {"confirm_test.go", "TestNothingHappensWithoutAYes"},
	"confirmation_expired":     {"confirm_test.go", "TestNothingHappensWithoutAYes"},
	"confirmation_unavailable": {"confirm_test.go", "TestNothingHappensWithoutAYes"},
	"machine_changed":          {"confirm_test.go", "TestAMachineThatChangedUnderTheQuestionIsLeftAlone"},
	"unsupported_version":      {"every_tool_test.go", "TestEveryToolWorksOnEveryVersion"},
	"cancelled":                {"lifetime_test.go", "TestACallThatIsCutByTheEndSaysSo"}, // by what is the same for all tools
	"job_not_found":            {"errors_test.go", "TestEveryErrorHasItsWords"},
	"internal":                 {"../../tools/explain_test.go", "TestAFaultOfOursIsInternal"},
}

func TestEveryCodeIsWalked(t *testing.T) {
	t.Parallel()
	walked := map[string]bool{}
	for _, p := range codePlaces() {
		walked[p.code] = true
	}
	for code, where := range walkedElsewhere {
		text, err := os.ReadFile(where.file)
		require.NoError(t, err)
		assert.Contains(t, string(text), "func "+where.test+"(", code)
		walked[code] = true
	}
	for _, code := range allCodes(t) {
		assert.True(t, walked[code], "no test walks the tools for %s", code)
	}
}
