package tools

import (
	"context"
	"strings"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/untrusted"
)

func configGet() Tool {
	return Do(Tool{
		Name: "orbstack_config_get", Title: "Read OrbStack's settings",
		Family: Config, Effect: Reads,
		Doc: "Reads one setting of OrbStack or a machine, or lists them, with type, default, unit and whether a restart applies it. " +
			"Use when somebody asks how much memory OrbStack has, or which settings there are. Values are as stored: one may not be in force until OrbStack restarts.",
	}, readConfig)
}

type configGetIn struct {
	Key    string `json:"key,omitempty" jsonschema_description:"Such as memory_mib or machine.web.username."`
	Prefix string `json:"prefix,omitempty" jsonschema_description:"Only keys that start so, such as machine.web. or network."`
}

type configGetOut struct {
	Settings []setting `json:"settings"`
	Missing  []missing `json:"missing,omitempty"`
	Note     string    `json:"note,omitempty"`
}

type setting struct {
	Key      string `json:"key"`
	Value    string `json:"value" jsonschema_description:"As stored; when not set empty, or 0 of a machine."`
	Set      bool   `json:"set"`
	Redacted bool   `json:"redacted,omitempty" jsonschema_description:"A password in the value was hidden."`
	Type     string `json:"type,omitempty"`
	Unit     string `json:"unit,omitempty"`
	Default  string `json:"default,omitempty"`
	Scope    string `json:"scope,omitempty" jsonschema_description:"orbstack: shared by all machines; machine: one machine."`
	Restart  string `json:"restart,omitempty" jsonschema_description:"Whether a change needs a restart of OrbStack, which stops all machines: yes, no, unknown."`
	Does     string `json:"does,omitempty"`
	Stale    bool   `json:"stale,omitempty" jsonschema_description:"The key of a machine that is gone."`
	Known    bool   `json:"known" jsonschema_description:"Whether this server knows the key; otherwise OrbStack lists it and no more is known."`
}

func readConfig(ctx context.Context, c *Call, in configGetIn) (configGetOut, error) {
	if in.Key != "" && in.Prefix != "" {
		return configGetOut{}, invalid("key and prefix exclude each other: give one")
	}
	if in.Key != "" {
		s, err := c.Orb.ConfigGet(ctx, in.Key)
		if err != nil {
			return configGetOut{}, err
		}
		out := configGetOut{Settings: []setting{settingOf(s)}}
		if s.Machine != "" {
			out.Note = "Whether there still is a machine of that name was not looked at; prefix machine." + untrusted.Line(s.Machine) + ". tells."
		}
		return out, nil
	}
	all, machinesErr, err := c.Orb.Settings(ctx, in.Prefix)
	if err != nil {
		return configGetOut{}, err
	}
	out := configGetOut{Settings: make([]setting, 0, len(all))}
	for _, s := range all {
		out.Settings = append(out.Settings, settingOf(s))
	}
	if machinesErr != nil {
		out.Missing = []missing{{Part: "stale", Why: "which machines are gone is not known: " + explain(machinesErr).Message}}
	}
	var notes []string
	if len(all) == 0 {
		notes = append(notes, "No key that is set or OrbStack's own starts with "+untrusted.Line(in.Prefix)+".")
	}
	const machines = "machine."
	if n := min(len(in.Prefix), len(machines)); in.Prefix[:n] == machines[:n] { // a key of a machine may begin so
		notes = append(notes, "Of machines only the keys that are set are listed; as far as this OrbStack has them there are machine.NAME. with "+strings.Join(machineFields(), ", ")+".")
	}
	out.Note = strings.Join(notes, " ")
	return out, nil
}

// machineFields are what a machine has settings for.
func machineFields() []string {
	var fields []string
	for _, k := range orbctl.Catalogue() {
		if k.Scope == orbctl.MachineScope {
			fields = append(fields, k.Field)
		}
	}
	return fields
}

func settingOf(s orbctl.KnownSetting) setting {
	out := setting{Key: s.Name, Value: s.Setting.Value, Set: s.Setting.Set, Redacted: s.Setting.Redacted, Stale: s.Stale, Known: s.Known}
	if !s.Known {
		return out
	}
	out.Type, out.Unit, out.Default = string(s.Type), s.Unit, s.Default.Value
	out.Scope, out.Restart, out.Does = string(s.Scope), string(s.Restart.Needed), s.Does
	return out
}
