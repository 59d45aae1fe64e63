// Package house holds the tests of the house itself: who may import whom.
package house

import (
	"go/build"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "orbstack-mcp/"

// may is every arrow between our packages that the plan of the house draws
// (docs/design.md). A package that is not here may import none of ours.
var may = map[string][]string{
	"cmd/orbstack-mcp":           {"internal/statefolder", "internal/stdio", "orbctl", "orbctl/folders", "orbctl/managed", "orbctl/runner", "orbctl/runner/audit", "orbctl/runner/confine", "orbctl/untrusted", "tools", "tools/job"},
	"cmd/orbsim":                 {"internal/orbsim", "internal/orbsim/namespaces", "internal/orbsim/worldfile"},
	"cmd/orbsim-orbctl":          {"internal/orbsim/cli"},
	"tools":                      {"internal/beside", "internal/stdio", "orbctl", "orbctl/folders", "orbctl/guest", "orbctl/mac", "orbctl/runner", "orbctl/untrusted", "schemas", "tools/job"},
	"orbctl":                     {"internal/beside", "orbctl/folders", "orbctl/guest", "orbctl/managed", "orbctl/runner", "orbctl/untrusted"},
	"orbctl/runner":              {"internal/beside", "orbctl/guest", "orbctl/runner/audit", "orbctl/runner/confine", "orbctl/untrusted"},
	"orbctl/runner/audit":        {"orbctl/untrusted"},
	"orbctl/runner/confine":      {"orbctl/runner/confine/trial"},
	"orbctl/mac":                 {"orbctl/guest", "orbctl/untrusted"},
	"orbctl/guest":               {"orbctl/untrusted"},
	"internal/fakeorbctl/main":   {"internal/fakeorbctl"},
	"internal/soak":              {"internal/statefolder"},
	"internal/orbsim":            {"internal/orbsim/cli", "internal/orbsim/namespaces", "internal/orbsim/wire", "internal/orbsim/worldfile"},
	"internal/orbsim/cli":        {"internal/orbsim/wire"},
	"internal/orbsim/worldfile":  {"internal/orbsim/cli"},
	"internal/orbsim/namespaces": {"internal/orbsim/worldfile"},
}

// third is who may know a library that a wall is built around.
var third = map[string][]string{
	"github.com/mark3labs/mcp-go":    {"tools", "internal/stdio", "internal/demo"},
	"github.com/invopop/jsonschema":  {"schemas"},
	"github.com/spf13/cobra":         {"cmd/orbstack-mcp", "cmd/orbsim", "internal/orbsim"},
	"github.com/vishvananda/netlink": {"internal/orbsim/namespaces"},
	"github.com/miekg/dns":           {"internal/orbsim/namespaces"},
	"go.yaml.in/yaml/v3":             {"internal/orbsim/worldfile"},
	"os/exec":                        {"orbctl/runner", "orbctl/runner/confine", "internal/orbsim", "internal/orbsim/namespaces", "cmd/orbsim", "internal/demo", "internal/fakeorbctl", "internal/soak"},
}

func TestImportsPointOneWay(t *testing.T) {
	for _, pkg := range packages(t) {
		for _, imported := range pkg.imports {
			if ours, ok := strings.CutPrefix(imported, module); ok {
				assert.Contains(t, may[pkg.path], ours, "%s imports %s", pkg.path, ours)
			}
			for library, who := range third {
				if imported == library || strings.HasPrefix(imported, library+"/") {
					assert.Contains(t, who, pkg.path, "%s imports %s", pkg.path, imported)
				}
			}
		}
	}
}

// Every arrow that is drawn is one that is there: a plan that promises more than
// the house has is no plan.
func TestEveryArrowIsUsed(t *testing.T) {
	have := map[string]bool{}
	for _, pkg := range packages(t) {
		for _, imported := range pkg.imports {
			have[pkg.path+" "+strings.TrimPrefix(imported, module)] = true
		}
	}
	for from, tos := range may {
		for _, to := range tos {
			assert.True(t, have[from+" "+to], "%s → %s is drawn and not there", from, to)
		}
	}
}

func TestEveryRoomSaysWhatItIsFor(t *testing.T) {
	for _, pkg := range packages(t) {
		assert.NotEmpty(t, pkg.doc, "%s has no package comment", pkg.path)
	}
}

type pkg struct {
	path, doc string
	imports   []string // of the package itself on any system, not of its tests
}

func packages(t *testing.T) []pkg {
	t.Helper()
	root := filepath.Join("..", "..")
	var all []pkg
	require.NoError(t, filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if name := d.Name(); name == "testdata" || name != ".." && strings.HasPrefix(name, ".") || name == "bin" {
			return filepath.SkipDir
		}
		found := map[string]bool{}
		var p pkg
		for _, system := range []string{"linux", "darwin"} {
			ctx := build.Default
			ctx.GOOS, ctx.GOARCH, ctx.CgoEnabled = system, "arm64", false
			b, err := ctx.ImportDir(dir, 0)
			if err != nil {
				continue // no Go here, or tests only
			}
			p.doc = b.Doc
			for _, i := range b.Imports {
				found[i] = true
			}
		}
		if len(found) == 0 && p.doc == "" {
			return nil
		}
		rel, err := filepath.Rel(root, dir)
		p.path = filepath.ToSlash(rel)
		for i := range found {
			p.imports = append(p.imports, i)
		}
		all = append(all, p)
		return err
	}))
	require.Greater(t, len(all), 8)
	return all
}
