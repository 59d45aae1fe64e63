package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// failures are the codes of errors in the order of the documentation, and what it
// says of each: when, and what to do if that is not plain from it.
var failures = []struct{ code, when string }{
	{"invalid_argument", "an argument is wrong; every problem is listed at once, and nothing was run"},
	{"orbctl_not_found", "OrbStack's command was not found, or the file cannot be trusted"},
	{"orbstack_not_running", "OrbStack does not run; this server never starts it"},
	{"orbstack_starting", "OrbStack cannot answer yet: call again in a few seconds"},
	{"orbstack_unreachable", "OrbStack's sockets are hidden from this process, mostly by a sandbox around the assistant: it looks like \"not running\" and is not"},
	{"machine_not_found", "with the names there are, and the nearest"},
	{"machine_not_running", "the question can only be asked inside a running machine"},
	{"machine_exists", "a machine has this name already: choose another, or use that machine"},
	{"machine_changed", "the name is another machine's by now than the one that was looked at, or that a person was asked about: look again with `vm_list`"},
	{"unsupported_version", "OrbStack is too old for this; nothing was changed"},
	{"not_allowed", "the server's flags or its policy refuse it; `details.flag` names the flag, where one that the tool itself looks at is the reason"},
	{"confirmation_declined", "a person had to agree and did not, or the client answered for them; nothing was changed: do not try again unasked"},
	{"confirmation_expired", "the answer came too late, or belongs to something else than what would be done now; nothing was changed: call again, and the person is asked anew"},
	{"confirmation_unavailable", "a person has to agree, and the client cannot ask one or would not; nothing was changed: tell the user"},
	{"timeout", "with whether the work may still finish, and how to look"},
	{"busy", "too many calls are waiting, too many jobs are running, or other work on this machine or setting is under way"},
	{"cancelled", "the call or the job was ended before it was done, by the client, by `vm_job_cancel` or with the server: if it was to change something, look before trying again"},
	{"job_not_found", "no job has this handle; a finished one is kept for a while only: look with `vm_list` at what became of it"},
	{"guest_tool_missing", "the machine lacks the command that this needs"},
	{"guest_user_missing", "the machine has no such user; with those it has"},
	{"disk_quota_full", "no room is left under a disk quota or on a disk; the machine's limit is raised with `vm_limits_set`, after asking the user"},
	{"file_exists", "the file is there already and was left alone: choose another path, or say `overwrite` if it may be replaced"},
	{"output_limit", "orbctl printed more than the bound"},
	{"orbctl_failed", "anything else that orbctl said, in `details.output`"},
	{"internal", "a fault of this server"},
}

func failureTable() string {
	var b strings.Builder
	b.WriteString("| code | when |\n|---|---|\n")
	for _, f := range failures {
		fmt.Fprintf(&b, "| `%s` | %s |\n", f.code, cell(f.when))
	}
	return b.String()
}

// The codes are the constants of two types, and each stands in the documentation.
func TestEveryCodeOfAnErrorIsDocumented(t *testing.T) {
	var told []string
	for _, f := range failures {
		told = append(told, f.code)
	}
	given := map[string]bool{}
	for _, from := range []struct{ folder, typ string }{{"orbctl", "Kind"}, {"tools", "code"}} {
		codes := constants(t, filepath.Join("..", "..", from.folder), from.typ)
		require.NotEmpty(t, codes, "%s.%s", from.folder, from.typ)
		for _, code := range codes {
			given[code] = true
		}
	}
	assert.Len(t, told, len(given))
	for code := range given {
		assert.Contains(t, told, code, "failures has no row for it")
	}
	for _, code := range told {
		assert.True(t, given[code], "no code gives %s", code)
	}
}

// constants are the values of a folder's constants of this type, which are strings.
func constants(t *testing.T, folder, typ string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	require.NoError(t, err)
	var all []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		ast.Inspect(tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != typ {
				return false
			}
			for _, value := range spec.Values {
				text, ok := value.(*ast.BasicLit)
				require.True(t, ok, "%s: a constant of type %s that is no literal", file, typ)
				code, err := strconv.Unquote(text.Value)
				require.NoError(t, err)
				all = append(all, code)
			}
			return false
		})
	}
	return all
}
