package orbsim

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func (c *call) configCommand() *cobra.Command {
	root := &cobra.Command{Use: "config", Short: "Change OrbStack settings"}
	sub := func(use, short string, n int, run func(args []string) (string, error)) {
		root.AddCommand(&cobra.Command{
			Use: use, Short: short, Args: cobra.ExactArgs(n),
			RunE: func(cmd *cobra.Command, args []string) error {
				if err := c.read(cmd.Context()); err != nil {
					return err
				}
				c.d.mu.Lock()
				text, err := run(args)
				c.d.mu.Unlock()
				if err == nil && c.d.world.Variants.LiveLimits {
					err = c.limit(args)
				}
				c.say("%s", text)
				return err
			},
		})
	}
	sub("show", "Show all settings", 0, func([]string) (string, error) { return c.d.show(), nil })
	sub("get KEY", "Get a setting", 1, func(args []string) (string, error) {
		value, ok := c.d.get(args[0])
		switch {
		case !ok:
			return "", fail(1, "[-32098] unknown config key: '%s'", args[0])
		case c.d.world.Variants.ConfigGet == "listing":
			return c.d.show(), nil
		}
		return value + "\n", nil
	})
	sub("set KEY VALUE", "Set a setting", 2, func(args []string) (string, error) { return c.store(args[0], args[1]) })
	sub("add KEY VALUE", "Add a value to a list setting", 2, func(args []string) (string, error) {
		return c.editList(args[0], func(list []string) []string {
			if slices.Contains(list, args[1]) {
				return list
			}
			return append(list, args[1])
		})
	})
	sub("remove KEY VALUE", "Remove a value from a list setting", 2, func(args []string) (string, error) {
		return c.editList(args[0], func(list []string) []string {
			return slices.DeleteFunc(list, func(v string) bool { return v == args[1] })
		})
	})
	sub("reset", "Reset all settings", 0, func([]string) (string, error) {
		c.d.config = map[string]string{}
		c.effect("config reset")
		return restartHint, nil
	})
	return root
}

// show is the listing as config show prints it. The caller holds d.mu.
func (d *Daemon) show() string {
	var b strings.Builder
	for _, kv := range d.listing() {
		b.WriteString(kv.key + ": " + kv.value + "\n")
	}
	return b.String()
}

// store sets a key and gives what config set prints. The caller holds d.mu.
func (c *call) store(key, value string) (string, error) {
	restart, err := c.d.set(key, value)
	if err != nil {
		return "", err
	}
	c.effect("config %s", key)
	if restart {
		return restartHint, nil
	}
	return "", nil
}

// limit has the limits of a running machine hold at once, if it was one of them
// that a subcommand with these arguments may have set. When they do is conflicting
// evidence (docs/orbctl-contract.md §4): without variants.live_limits it is at the
// next start.
func (c *call) limit(args []string) error {
	if len(args) != 2 {
		return nil
	}
	name, field, _ := splitMachineKey(args[0])
	if field != "cpu" && field != "memory_mib" {
		return nil
	}
	m, err := c.d.find(name)
	if err != nil {
		return err
	}
	m.op.Lock() // a boot that began before would bring the old ones
	defer m.op.Unlock()
	c.d.mu.Lock()
	guest, limits := m.guest, m.spec.Limits
	c.d.mu.Unlock()
	if guest == nil {
		return nil
	}
	if err := guest.SetLimits(limits); err != nil {
		return fail(1, "[-32098] config set '%s': %v", args[0], err)
	}
	return nil
}

func (c *call) editList(key string, edit func([]string) []string) (string, error) {
	kind := kindString
	if s, ok := settingOf(key); ok {
		kind = s.kind
	} else if _, field, ok := splitMachineKey(key); ok {
		kind = machineSettings[field].kind
	}
	if kind != kindList {
		return "", fail(1, "[-32098] config key is not a list: '%s'", key)
	}
	value, _ := c.d.get(key)
	return c.store(key, strings.Join(edit(splitList(value)), ","))
}
