package tools

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
)

// offered are the tools that a policy lets through.
func offered(p Policy) []string {
	var names []string
	for _, t := range All() {
		if p.refuse(t) == nil {
			names = append(names, t.Name)
		}
	}
	return names
}

// those are the tools for which a property holds.
func those(which func(Tool) bool) []string {
	var names []string
	for _, t := range All() {
		if which(t) {
			names = append(names, t.Name)
		}
	}
	return names
}

func TestWhatAPolicyOffers(t *testing.T) {
	t.Parallel()
	byDefault := those(func(t Tool) bool { return t.Family != Sandbox && t.Family != Files && !t.NeedsFolder })
	jobs := those(func(t Tool) bool { return t.Family == Jobs })
	require.Len(t, jobs, 2)
	without := func(all []string, gone ...string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(n string) bool { return slices.Contains(gone, n) })
	}
	for name, c := range map[string]struct {
		policy Policy
		want   []string
	}{
		"default":                   {Policy{}, byDefault},
		"default by name":           {Policy{Toolsets: []string{"default"}}, byDefault},
		"read-only":                 {Policy{ReadOnly: true}, without(those(func(t Tool) bool { return t.Effect == Reads }), "vm_job")},
		"read-only and all":         {Policy{ReadOnly: true, Toolsets: []string{"all"}, Tools: []string{"vm_delete", "vm_exec"}}, without(those(func(t Tool) bool { return t.Effect == Reads }), "vm_job")},
		"a family":                  {Policy{Toolsets: []string{"network"}}, those(func(t Tool) bool { return t.Family == Network })},
		"exec and its jobs":         {Policy{Toolsets: []string{"exec"}}, append([]string{"vm_exec"}, jobs...)},
		"a tool alone":              {Policy{Tools: []string{"vm_list"}}, []string{"vm_list"}},
		"a tool with its jobs":      {Policy{Tools: []string{"vm_clone"}}, append([]string{"vm_clone"}, jobs...)},
		"a tool beside a family":    {Policy{Toolsets: []string{"diagnostics"}, Tools: []string{"vm_list"}}, those(func(t Tool) bool { return t.Family == Diagnostics || t.Name == "vm_list" })},
		"jobs alone are of no use":  {Policy{Toolsets: []string{"jobs"}}, nil},
		"taken out":                 {Policy{Exclude: []string{"vm_delete", "vm_job_cancel"}}, without(byDefault, "vm_delete", "vm_job_cancel")},
		"taken out of what is said": {Policy{Tools: []string{"vm_list", "vm_exec"}, Exclude: []string{"vm_exec"}}, []string{"vm_list"}},
		"a folder":                  {Policy{AllowPaths: []string{"/Users/ana"}}, those(func(t Tool) bool { return t.Family != Sandbox })},
		"no commands":               {Policy{Exec: runner.ExecOff}, without(byDefault, "vm_exec")},
		"some machines":             {Policy{Machines: []string{"web"}}, those(func(t Tool) bool { return slices.Contains(byDefault, t.Name) && !t.Beyond })},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.policy.Exec == "" {
				c.policy.Exec = runner.ExecIsolated
			}
			require.NoError(t, c.policy.Check())
			assert.ElementsMatch(t, c.want, offered(c.policy))
		})
	}
}

// The zero value, which nobody chose, runs nothing and asks nobody.
func TestThePolicyThatNobodyChoseIsTheTightest(t *testing.T) {
	t.Parallel()
	assert.NotContains(t, offered(Policy{}), "vm_exec")
	err := (&consent{}).Confirm(Question{Plan: "Delete everything."})
	var f *failure
	require.ErrorAs(t, err, &f)
	assert.Equal(t, notAllowed, f.Code)
}

func TestNamesThatAreNoneAreErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy Policy
		flag   string
	}{
		{Policy{Toolsets: []string{"default", "networks"}}, "--toolsets"},
		{Policy{Toolsets: []string{""}}, "--toolsets"},
		{Policy{Tools: []string{"vm_lst"}}, "--tools"},
		{Policy{Tools: []string{"network"}}, "--tools"},
		{Policy{Exclude: []string{"vm_delete "}}, "--exclude-tools"},
	} {
		err := c.policy.Check()
		require.ErrorContains(t, err, c.flag+": there is no ")
		assert.ErrorContains(t, err, "there are: ")
	}
}

// A refusal names the tool, the flag that decides, and leaves nothing to talk about.
func TestARefusalSaysWhichFlagDecides(t *testing.T) {
	t.Parallel()
	for flag, p := range map[string]Policy{
		"--read-only":     {ReadOnly: true},
		"--toolsets":      {Toolsets: []string{"network"}},
		"--exclude-tools": {Exclude: those(func(Tool) bool { return true })},
		"--machine":       {Machines: []string{"web"}, Exec: runner.ExecAll},
		"--exec":          {Exec: runner.ExecOff},
	} {
		p.AllowPaths = []string{"/Users/ana"}
		if flag != "--toolsets" {
			p.Toolsets = []string{allToolsets}
		}
		n := 0
		for _, tool := range All() {
			f := p.refuse(tool)
			if f == nil {
				continue
			}
			n++
			assert.Equal(t, notAllowed, f.Code)
			assert.Equal(t, flag, f.Details.Flag, tool.Name)
			assert.True(t, strings.HasPrefix(f.Message, tool.Name+" "), f.Message)
			assert.NotEmpty(t, f.Hint)
			assert.False(t, f.Retryable)
		}
		assert.NotZero(t, n, flag)
	}
}

// Of a tool that is off, the flag with its value that would turn it on: a server
// started with that as well offers it.
func TestARefusalKnowsWhatTurnsTheToolOn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy Policy
		tool   string
		want   string
	}{
		"opt-in":            {Policy{}, "vm_sandbox_create", "--toolsets default,sandbox"},
		"beside a family":   {Policy{Toolsets: []string{"network", "config"}}, "vm_list", "--toolsets network,config,machines"},
		"beside a tool":     {Policy{Tools: []string{"vm_list"}}, "vm_dns_lookup", "--toolsets network"},
		"a folder":          {Policy{}, "vm_pull", "--allow-path FOLDER"},
		"no commands":       {Policy{Exec: runner.ExecOff}, "vm_exec", "--exec isolated"},
		"jobs of those off": {Policy{Toolsets: []string{"network"}}, "vm_job", "--toolsets network,machines"},
		"read-only":         {Policy{ReadOnly: true}, "vm_stop", ""},
		"taken out":         {Policy{Exclude: []string{"vm_stop"}}, "vm_stop", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := c.policy.refuse(toolNamed(t, c.tool))
			require.NotNil(t, f)
			assert.Equal(t, c.want, f.Details.turnOn)
			assert.Equal(t, c.want != "", strings.Contains(f.Hint, "The user can turn it on with "+c.want+". "), f.Hint)
		})
	}
}

func toolNamed(t *testing.T, name string) Tool {
	t.Helper()
	i := slices.IndexFunc(All(), func(row Tool) bool { return row.Name == name })
	require.GreaterOrEqual(t, i, 0, name)
	return All()[i]
}
