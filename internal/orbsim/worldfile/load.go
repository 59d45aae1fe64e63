package worldfile

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed worlds/*.yaml
var worlds embed.FS

// maxSize bounds a world file: the largest one in use is a few dozen KiB.
const maxSize = 4 << 20

// Names lists the built-in worlds, sorted.
func Names() []string {
	entries, err := fs.ReadDir(worlds, "worlds")
	if err != nil {
		return nil // the folder is embedded: a build without it does not compile
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

// Source is the YAML text of a built-in world.
func Source(name string) (string, bool) {
	b, err := worlds.ReadFile("worlds/" + name + ".yaml")
	return string(b), err == nil
}

// Load reads a world: a built-in one by its name, else the file of that path.
// What comes back is complete (defaults filled in) and valid.
func Load(nameOrPath string) (World, error) {
	if text, ok := Source(nameOrPath); ok {
		return Parse([]byte(text))
	}
	f, err := os.Open(nameOrPath)
	if errors.Is(err, fs.ErrNotExist) && !strings.ContainsAny(nameOrPath, `/\.`) {
		return World{}, fmt.Errorf("no built-in world and no file is named %q; built-in worlds: %s", nameOrPath, strings.Join(Names(), ", "))
	}
	if err != nil {
		return World{}, fmt.Errorf("read the world file: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	if err != nil {
		return World{}, fmt.Errorf("read the world file: %w", err)
	}
	w, err := Parse(b)
	if err != nil {
		return World{}, fmt.Errorf("%s: %w", nameOrPath, err)
	}
	return w, nil
}

// Parse reads the text of a world file, merges what it extends, fills in the
// defaults and checks the outcome. All problems come at once, as *InvalidError.
func Parse(text []byte) (World, error) {
	w, err := decode(text, nil)
	if err != nil {
		return World{}, err
	}
	return Complete(w)
}

// Complete does for a World made in Go what Parse does for a file: merging,
// defaults, checks. The argument is not changed.
func Complete(w World) (World, error) {
	w, err := merged(w, nil)
	if err != nil {
		return World{}, err
	}
	w.fill()
	if problems := w.problems(); len(problems) > 0 {
		return World{}, &InvalidError{Problems: problems}
	}
	return w, nil
}

func decode(text []byte, chain []string) (World, error) {
	if len(text) > maxSize {
		return World{}, fmt.Errorf("a world file is at most %d MiB", maxSize>>20)
	}
	var w World
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true) // a mistyped key would silently give another world
	if err := d.Decode(&w); err != nil && !errors.Is(err, io.EOF) {
		return World{}, yamlError(err)
	}
	if err := d.Decode(new(World)); !errors.Is(err, io.EOF) {
		return World{}, errors.New("the file holds more than one YAML document; a world is one")
	}
	return merged(w, chain)
}

// yamlError turns the library's words into ours: one problem a line.
func yamlError(err error) error {
	var types *yaml.TypeError
	if !errors.As(err, &types) {
		return fmt.Errorf("not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	invalid := &InvalidError{}
	for _, p := range types.Errors {
		p = strings.ReplaceAll(p, " in type worldfile.", " in ")
		p = strings.ReplaceAll(p, "not found in World", "is not a key of a world")
		for _, t := range []string{"Machine", "Network", "Variants", "Limits", "Listener", "Record", "GuestRule", "Fault", "NetFault"} {
			p = strings.ReplaceAll(p, "not found in "+t, "is not a key of a "+strings.ToLower(t))
		}
		invalid.Problems = append(invalid.Problems, p)
	}
	return invalid
}

// merged resolves Extends. Base worlds come from the built-in ones only, so
// that a world file means the same wherever it lies.
func merged(w World, chain []string) (World, error) {
	if w.Extends == "" {
		return w, nil
	}
	if slices.Contains(chain, w.Extends) {
		return World{}, fmt.Errorf("extends goes in a circle: %s", strings.Join(append(chain, w.Extends), " → "))
	}
	text, ok := Source(w.Extends)
	if !ok {
		return World{}, fmt.Errorf("extends: no built-in world is named %q; there are %s", w.Extends, strings.Join(Names(), ", "))
	}
	base, err := decode([]byte(text), append(chain, w.Extends))
	if err != nil {
		return World{}, fmt.Errorf("extends %s: %w", w.Extends, err)
	}
	return over(base, w), nil
}

// over lays w over base: single values replace, config and machines merge by
// key and name (a machine of the same name is replaced as a whole), lists of
// rules, records and faults of w come first, so that they win.
func over(base, w World) World {
	set := func(to *string, from string) {
		if from != "" {
			*to = from
		}
	}
	set(&base.Version, w.Version)
	set(&base.Status, w.Status)
	set(&base.Default, w.Default)
	set(&base.Banner, w.Banner)
	set(&base.UID0, w.UID0)
	set(&base.Network.Subnet4, w.Network.Subnet4)
	set(&base.Network.Gateway4, w.Network.Gateway4)
	set(&base.Network.Subnet6, w.Network.Subnet6)
	set(&base.Network.Proxy4, w.Network.Proxy4)
	if w.Variants != (Variants{}) {
		base.Variants = w.Variants
	}
	if len(w.Config) > 0 {
		config := maps.Clone(base.Config)
		if config == nil {
			config = map[string]string{}
		}
		maps.Copy(config, w.Config)
		base.Config = config
	}
	for _, m := range w.Machines {
		i := slices.IndexFunc(base.Machines, func(b Machine) bool { return b.Name == m.Name })
		if i < 0 {
			base.Machines = append(base.Machines, m)
		} else {
			base.Machines[i] = m
		}
	}
	base.DNS = append(slices.Clone(w.DNS), base.DNS...)
	base.GuestRules = append(slices.Clone(w.GuestRules), base.GuestRules...)
	base.Faults = append(slices.Clone(w.Faults), base.Faults...)
	base.Extends = ""
	return base
}
