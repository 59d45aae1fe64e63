package orbsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// object is a JSON object with an order of keys.
type object []member

type member struct {
	key   string
	value any // string, bool, int, int64, object, []object
}

// style is how orbctl laid JSON out: compact since 2.2, and before that with
// the outer levels on lines of their own and the inner objects on one
// (testdata/list.v2.0.json, list.v2.2.json).
type style int

const (
	compact style = iota
	spaced        // on one line, with a space after , and :
)

func (o object) line(s style) string {
	comma, colon := ",", ":"
	if s == spaced {
		comma, colon = ", ", ": "
	}
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteString(comma)
		}
		b.WriteString(quote(m.key) + colon + scalar(m.value, s))
	}
	b.WriteByte('}')
	return b.String()
}

// lines lays an object out with its members on lines of their own, down to depth.
func (o object) lines(indent string, depth int) string {
	var b strings.Builder
	b.WriteString("{\n")
	for i, m := range o {
		b.WriteString(indent + "  " + quote(m.key) + ": ")
		if inner, ok := m.value.(object); ok && depth > 1 {
			b.WriteString(inner.lines(indent+"  ", depth-1))
		} else {
			b.WriteString(scalar(m.value, spaced))
		}
		if i < len(o)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString(indent + "}")
	return b.String()
}

func scalar(v any, s style) string {
	switch v := v.(type) {
	case object:
		return v.line(s)
	case []object:
		parts := make([]string, len(v))
		for i, o := range v {
			parts[i] = o.line(s)
		}
		return "[" + strings.Join(parts, map[style]string{compact: ",", spaced: ", "}[s]) + "]"
	case string:
		return quote(v)
	default:
		return fmt.Sprint(v)
	}
}

// quote is JSON without the escaping of < > & that Go adds.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

// listJSON is `list -f json`. The caller holds d.mu.
func (d *Daemon) listJSON(machines []*machine) string {
	if len(machines) == 0 {
		return "[]\n"
	}
	records := make([]string, len(machines))
	for i, m := range machines {
		o := object{
			{"id", m.spec.ID},
			{"name", m.spec.Name},
			{"image", image(m, true)},
			{"config", d.configJSON(m, false)},
			{"builtin", false},
			{"state", m.spec.State},
		}
		if d.has("2.2.0") {
			records[i] = o.line(compact)
		} else {
			records[i] = "  " + o.lines("  ", 1)
		}
	}
	if d.has("2.2.0") {
		return "[" + strings.Join(records, ",") + "]\n"
	}
	return "[\n" + strings.Join(records, ",\n") + "\n]\n"
}

// infoJSON is `info NAME -f json`. 2.2 was captured in two layouts: compact for
// a machine that ran, on lines and with fewer fields for a stopped one; both
// are kept, so that a parser meets both. The caller holds d.mu.
func (d *Daemon) infoJSON(m *machine) string {
	full := d.has("2.2.0") && m.guest != nil
	record := object{{"id", m.spec.ID}, {"name", m.spec.Name}}
	if d.has("2.2.0") && !full {
		record = append(record, member{"state", m.spec.State})
	}
	record = append(record, member{"image", image(m, full)}, member{"config", d.configJSON(m, true)})
	if full {
		record = append(record, member{"builtin", false})
	}
	if !d.has("2.2.0") || full {
		record = append(record, member{"state", m.spec.State})
	}
	o := object{{"record", record}, {"disk_size", m.spec.DiskSize}}
	if m.guest != nil && time.Since(m.booted) >= d.world.Variants.LateAddress {
		o = append(o, member{"ip4", m.spec.IP4})
		if m.spec.IP6 != "" {
			o = append(o, member{"ip6", m.spec.IP6})
		}
	}
	if full {
		return o.line(compact) + "\n"
	}
	return o.lines("", 2) + "\n"
}

func image(m *machine, variant bool) object {
	distro := m.spec.DistroName()
	if distro == "void" {
		distro = "voidlinux" // testdata/list.v2.0.json
	}
	o := object{{"distro", distro}, {"version", m.spec.DistroVersion()}, {"arch", m.spec.Arch}}
	if variant {
		o = append(o, member{"variant", "default"})
	}
	return o
}

// configJSON has the fields that the version knows: in info of a running
// machine all, elsewhere those that differ from a fresh machine's.
func (d *Daemon) configJSON(m *machine, info bool) object {
	o := object{{"isolated", m.spec.Isolated}}
	if d.has("2.2.0") {
		full := info && m.guest != nil
		if full || m.spec.ForwardSSHAgent {
			o = append(o, member{"forward_ssh_agent", m.spec.ForwardSSHAgent})
		}
		if info || m.spec.IsolateNetwork {
			o = append(o, member{"isolate_network", m.spec.IsolateNetwork})
		}
	}
	o = append(o, member{"default_username", m.spec.DefaultUsername})
	if !d.has("2.2.0") {
		return o
	}
	for _, f := range []struct {
		key    string
		value  int64
		always bool
	}{
		{"http_port", int64(m.spec.HTTPPort), info && m.guest != nil},
		{"https_port", int64(m.spec.HTTPSPort), info && m.guest != nil},
		{"memory_limit_mib", m.spec.Limits.MemoryMiB, false},
		{"cpu_limit", int64(m.spec.Limits.CPU), false},
		{"disk_limit_bytes", m.spec.Limits.DiskBytes, false},
	} {
		if f.always || f.value != 0 {
			o = append(o, member{f.key, f.value})
		}
	}
	if len(m.spec.Mounts) > 0 {
		var mounts []object
		for _, mount := range m.spec.Mounts {
			source, destination, ok := strings.Cut(mount, ":")
			if !ok {
				destination = source
			}
			mounts = append(mounts, object{{"source", source}, {"destination", destination}})
		}
		o = append(o, member{"mounts", mounts})
	}
	return o
}
