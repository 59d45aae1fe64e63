package orbctl

import (
	"context"
	"slices"
	"strings"

	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/untrusted"
)

// ConfigShow reads every setting that orbctl lists, in its order: one run. Keys
// that are not set, and keys of machines that have none, are not listed.
func (c *Client) ConfigShow(ctx context.Context) ([]Setting, error) {
	return read(ctx, c, runner.Call{Op: runner.OpConfigShow}, func(res runner.Result) ([]Setting, error) {
		all, err := ParseConfigShow(res.Stdout)
		return slices.DeleteFunc(all, func(s Setting) bool {
			machine, _, ok := SplitMachineKey(s.Key)
			return ok && !c.knows(machine)
		}), err
	})
}

// A KnownSetting is a setting together with what the catalogue knows of its key.
type KnownSetting struct {
	Entry
	Known   bool // the key is in the catalogue; if not, Entry has no more than its Name
	Setting Setting
	Stale   bool // the key of a machine that is gone (docs/orbctl-contract.md §4)
}

// ConfigGet reads one setting: one run, and more only if that fails or may be cut.
// A key that is not in the catalogue is read from the listing of all; if it is not
// there either, it is InvalidArgument with the nearest keys; one that this version of
// OrbStack does not have is UnsupportedVersion, which once in the Client's life two runs
// more find out.
func (c *Client) ConfigGet(ctx context.Context, key string) (KnownSetting, error) {
	key = strings.TrimSpace(key)
	entry, known := Lookup(key)
	if !known {
		setting, err := c.listed(ctx, key)
		return KnownSetting{Entry: Entry{Name: setting.Key}, Setting: setting}, err
	}
	if why := badMachineName(entry.Machine); entry.Scope == MachineScope && why != "" {
		return KnownSetting{}, invalid("key", untrusted.Line(key), "names a machine that "+why)
	}
	if entry.Scope == MachineScope && !c.knows(entry.Machine) {
		return KnownSetting{}, c.withNames(ctx, &Error{Kind: MachineNotFound, Op: runner.OpConfigGet, Machine: untrusted.Line(entry.Machine)})
	}
	stored, err := c.stored(ctx, key)
	if isKind(err, OrbctlFailed) && entry.Scope == MachineScope { // a key of a machine that is gone may be stored still
		if _, missing := c.Machine(ctx, entry.Machine); isKind(missing, MachineNotFound) {
			err = missing
		}
	}
	if lacks := c.lacks(ctx, entry, stored, err); lacks != nil {
		err = lacks
	}
	return KnownSetting{Entry: entry, Known: true, Setting: stored}, err
}

// lacks is UnsupportedVersion for a key that this OrbStack does not have, which it
// refuses or does not list. Of a value that was read nothing more is asked.
func (c *Client) lacks(ctx context.Context, entry Entry, stored Setting, failed error) error {
	if entry.Feature == "" || failed == nil && stored.Set || failed != nil && !isKind(failed, OrbctlFailed) {
		return nil
	}
	can, err := c.Capabilities(ctx)
	if err != nil { // what is known is told
		return nil //nolint:nilerr // it only keeps from saying more
	}
	return withKey(can.Require(entry.Feature), entry.Name)
}

// stored runs `config get`. Any text can be a value, so half of one looks like a
// whole one and nothing at all like a key that is not set: without a line's end it
// is not believed, and a second run, `config show`, decides.
func (c *Client) stored(ctx context.Context, key string) (Setting, error) {
	call := runner.Call{Op: runner.OpConfigGet, Args: []string{key}}
	cut := false
	s, err := read(ctx, c, call, func(res runner.Result) (Setting, error) {
		// Whatever the value may be, it is text: a lone line of bytes would pass for one.
		if res.Text.InvalidUTF8 > 0 || res.Text.Controls > 0 {
			return Setting{}, unreadable(runner.OpConfigGet, res.Stdout, "it is not text")
		}
		text, _ := StripBanner(res.Stdout)
		if cut = isCut(text); cut {
			return newSetting(key, strings.TrimSpace(text)), nil
		}
		s, err := ParseConfigGet(key, text)
		if err != nil {
			return Setting{}, err
		}
		return s, fitsType(runner.OpConfigGet, s)
	})
	if err != nil || !cut {
		return s, err
	}
	return c.confirmed(ctx, s)
}

// confirmed reads a setting from the listing of all, where what `config get` printed
// may be cut. A key that is not listed is not set; that says nothing of a value that
// was printed all the same.
func (c *Client) confirmed(ctx context.Context, printed Setting) (Setting, error) {
	all, err := c.ConfigShow(ctx)
	if err != nil {
		return Setting{}, withKey(err, printed.Key)
	}
	for _, s := range all {
		if s.Key == printed.Key {
			return s, fitsType(runner.OpConfigShow, s)
		}
	}
	if printed.Set {
		return Setting{}, withKey(unreadable(runner.OpConfigGet, printed.raw, cutWhy), printed.Key)
	}
	return printed, nil
}

// fitsType is an error for a value that no key of that type can have.
func fitsType(op runner.Op, s Setting) error {
	entry, _ := Lookup(s.Key)
	if !s.Set || entry.reads(s.raw) {
		return nil
	}
	e := unreadable(op, s.raw, "that is no value of the type "+string(entry.Type))
	e.Key = s.Key
	return e
}

// listed finds a key that the catalogue does not know among those that orbctl
// lists.
func (c *Client) listed(ctx context.Context, key string) (Setting, error) {
	all, err := c.ConfigShow(ctx)
	if err != nil {
		return Setting{}, err
	}
	for _, s := range all {
		if s.Key == key {
			return s, nil
		}
	}
	missing := unknownKey(key)
	for _, s := range all {
		missing.Have = append(missing.Have, s.Key)
	}
	missing.Nearest = Nearest(key, slices.Concat(missing.Nearest, missing.Have))
	return Setting{}, missing
}

// Settings are all settings whose key starts with prefix: two runs, `config show`
// and `list`. Those of the catalogue that apply to OrbStack come first, set or
// not; then those of machines and those that nobody knows, as far as they are
// set. machinesErr is why Stale could not be told for any of them; the rest is
// good beside it.
func (c *Client) Settings(ctx context.Context, prefix string) (settings []KnownSetting, machinesErr, err error) {
	all, err := c.ConfigShow(ctx)
	if err != nil {
		return nil, nil, err
	}
	machines, machinesErr := c.Machines(ctx)
	names := map[string]bool{"docker": true, "k8s": true} // in no list, and never gone
	for _, m := range machines {
		names[m.Name] = true
	}
	settings = []KnownSetting{}
	for _, k := range orbstackKeys() {
		s := KnownSetting{Entry: Entry{Key: k, Name: k.Pattern}, Known: true, Setting: Setting{Key: k.Pattern}}
		if i := slices.IndexFunc(all, func(s Setting) bool { return s.Key == k.Pattern }); i >= 0 {
			s.Setting = all[i]
		}
		settings = append(settings, s)
	}
	for _, stored := range all {
		entry, known := Lookup(stored.Key)
		if known && entry.Scope == OrbStackScope {
			continue
		}
		entry.Name = stored.Key
		s := KnownSetting{Entry: entry, Known: known, Setting: stored}
		if machine, _, ok := SplitMachineKey(stored.Key); ok && machinesErr == nil {
			s.Stale = !names[machine]
		}
		settings = append(settings, s)
	}
	return slices.DeleteFunc(settings, func(s KnownSetting) bool { return !strings.HasPrefix(s.Name, prefix) }), machinesErr, nil
}
