package orbsim

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"orbstack-mcp/internal/orbsim/worldfile"
)

func (c *call) cloneCommand() *cobra.Command {
	return &cobra.Command{
		Use: "clone SRC NEW", Short: "Clone a machine", Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := c.up(c.d.life, true); err != nil {
				return err
			}
			source, err := c.d.find(args[0])
			if err != nil {
				return err
			}
			if !validNew(args[1]) {
				return fail(1, "[-32098] clone '%s': invalid machine name: '%s'", args[0], args[1])
			}
			return c.clone(source, args[1])
		},
	}
}

// clone copies settings and disk. A source that runs is paused by the engine for a
// moment, and goes on.
func (c *call) clone(source *machine, to string) error {
	source.op.Lock()
	defer source.op.Unlock()
	c.d.mu.Lock()
	from, spec := source.spec.Name, source.spec
	c.d.mu.Unlock()
	spec.ID, spec.Name, spec.State, spec.IP4, spec.IP6 = newID(), to, stateStopped, "", ""
	m, err := c.d.claim(spec)
	if err != nil {
		return fail(1, "[-32098] clone '%s': %v", from, err)
	}
	if err = c.d.engine.Clone(from, to); err == nil {
		err = c.d.settle(m)
	}
	if err != nil {
		c.d.forget(m)
		return fail(1, "[-32098] clone '%s': %v", from, err)
	}
	c.effect("clone %s %s", from, to)
	return nil
}

func validNew(name string) bool {
	return worldfile.NamePattern.MatchString(name) && !slices.Contains(worldfile.Reserved(), name)
}

func (c *call) renameCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rename OLD NEW", Short: "Rename a machine", Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := c.up(c.d.life, true); err != nil {
				return err
			}
			m, err := c.d.find(args[0])
			if err != nil {
				return err
			}
			return c.rename(m, args[1])
		},
	}
}

// rename keeps the ID. A machine that runs is stopped and started on the way:
// the engine knows machines by name.
func (c *call) rename(m *machine, to string) error {
	m.op.Lock()
	defer m.op.Unlock()
	c.d.mu.Lock()
	from, taken, full, gone := m.spec.Name, c.d.byName(to) != nil, diskFull(m.spec), m.gone
	c.d.mu.Unlock()
	switch {
	case gone:
		return fail(1, "[-32098] machine not found: '%s'", from)
	case !validNew(to):
		return fail(1, "[-32098] rename '%s': invalid machine name: '%s'", from, to)
	case taken:
		return fail(1, "[-32098] rename '%s': machine already exists: '%s'", from, to)
	case full:
		return fail(1, "[-32098] rename '%s': disk quota exceeded", from)
	}
	ran, err := c.d.haltLocked(c.d.life, m)
	if err != nil {
		return err
	}
	if err := c.d.engine.Rename(from, to); err != nil {
		return fail(1, "[-32098] rename '%s': %v", from, err)
	}
	c.d.mu.Lock()
	m.spec.Name = to
	delete(c.d.config, usernameKey(from)) // of a machine before this one, which is not the last of that name
	delete(c.d.config, usernameKey(to))
	if c.d.fallback == from {
		c.d.fallback = to
	}
	c.d.mu.Unlock()
	c.effect("rename %s %s", from, to)
	if ran {
		_, err = c.d.bootLocked(c.d.life, m)
	}
	return err
}

// archive is what export writes and import reads: the settings, not the disk.
type archive struct {
	Orbsim  string            `json:"orbsim"`
	Machine worldfile.Machine `json:"machine"`
}

func (c *call) exportCommand() *cobra.Command {
	return &cobra.Command{
		Use: "export NAME FILE", Short: "Export a machine to a file", Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := c.up(c.d.life, true); err != nil {
				return err
			}
			m, err := c.d.find(args[0])
			if err != nil {
				return err
			}
			m.op.Lock() // paused while it is read
			defer m.op.Unlock()
			c.d.mu.Lock()
			a := archive{Orbsim: "settings of a simulated machine, without its disk", Machine: m.spec}
			c.d.mu.Unlock()
			b, err := json.Marshal(a)
			if err != nil {
				return fail(1, "[-32098] export '%s': %v", args[0], err)
			}
			if err := os.WriteFile(c.hostPath(args[1]), append(b, '\n'), 0o644); err != nil {
				return fail(1, "[-32098] export '%s': %v", args[0], err)
			}
			c.effect("export %s", a.Machine.Name)
			return nil
		},
	}
}

func (c *call) importCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: "import FILE", Short: "Import a machine from a file", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := c.up(c.d.life, true); err != nil {
				return err
			}
			spec, err := c.readArchive(args[0])
			if err != nil {
				return fail(1, "[-32098] import: %v", err)
			}
			if name != "" {
				spec.Name = name
			}
			if !validNew(spec.Name) {
				return fail(1, "[-32098] import '%s': invalid machine name: '%s'", spec.Name, spec.Name)
			}
			spec.ID, spec.State, spec.IP4, spec.IP6 = newID(), stateStopped, "", ""
			if _, err := c.d.add(spec); err != nil {
				return fail(1, "[-32098] import '%s': %v", spec.Name, err)
			}
			c.effect("import %s", spec.Name)
			return nil
		},
	}
	cmd.Flags().StringVarP(&name, "name", "n", "", "name for the imported machine")
	return cmd
}

func (c *call) readArchive(path string) (worldfile.Machine, error) {
	b, err := os.ReadFile(c.hostPath(path))
	if err != nil {
		return worldfile.Machine{}, err
	}
	var a archive
	if err := json.Unmarshal(b, &a); err != nil || !strings.HasPrefix(a.Orbsim, "settings") {
		return worldfile.Machine{}, fmt.Errorf("%s is not a machine archive", path)
	}
	return a.Machine, nil
}
