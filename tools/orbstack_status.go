package tools

import (
	"context"
	"fmt"
	"slices"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
)

func orbstackStatus() Tool {
	return Do(Tool{
		Name: "orbstack_status", Title: "OrbStack and this server",
		Family: Diagnostics, Effect: Reads,
		Doc: "Says whether OrbStack runs, its version, its machines by state, the Mac's resources and what this server may do. " +
			"Use when anything fails with an error about OrbStack, or first of all. Works when OrbStack is down or missing.",
	}, readOrbStackStatus)
}

type orbstackOut struct {
	State          string         `json:"state" jsonschema_description:"running, starting, stopped, unreachable, orbctl_missing or unknown."`
	Problem        string         `json:"problem,omitempty"`
	WhatToDo       string         `json:"what_to_do,omitempty"`
	Version        string         `json:"version,omitempty"`
	Update         string         `json:"update" jsonschema_description:"yes when OrbStack said so in this session, else unknown: its silence proves nothing."`
	DefaultMachine string         `json:"default_machine,omitempty"`
	Machines       map[string]int `json:"machines,omitzero" jsonschema_description:"How many machines are in each state."`
	Mac            macOut         `json:"mac"`
	Server         serverOut      `json:"server"`
	Missing        []missing      `json:"missing,omitempty"`
}

type macOut struct {
	CPUs          int   `json:"cpus"`
	MemoryBytes   int64 `json:"memory_bytes,omitempty"`
	DiskFreeBytes int64 `json:"disk_free_bytes,omitempty"`
}

type serverOut struct {
	Version  string   `json:"version"`
	Sandbox  string   `json:"sandbox" jsonschema_description:"How orbctl is confined by the operating system, and what that leaves open."`
	ReadOnly bool     `json:"read_only"`
	Exec     string   `json:"exec" jsonschema_description:"Where commands may run: isolated, off or all."`
	Confirm  string   `json:"confirm" jsonschema_description:"Where a person has to agree: ask, deny or allow."`
	Machines []string `json:"machines,omitempty" jsonschema_description:"The only machines that this server is for."`
	Off      []offRow `json:"off" jsonschema_description:"Tools that are not offered, and the flag that decides it."`
}

type offRow struct {
	Tool   string `json:"tool"`
	Flag   string `json:"flag"`
	TurnOn string `json:"turn_on,omitempty" jsonschema_description:"What the user starts this server with to have it; absent where a flag has to go."`
}

func readOrbStackStatus(ctx context.Context, c *Call, _ struct{}) (orbstackOut, error) {
	out := orbstackOut{Update: "unknown", Server: serverOut{
		Version: c.Server.Version, ReadOnly: c.Server.ReadOnly, Sandbox: c.Server.Sandbox,
		Exec: string(c.Server.Exec), Confirm: string(c.Server.Confirm), Machines: c.Server.Machines, Off: []offRow{},
	}}
	for _, t := range All() {
		if refusal := c.Server.refuse(t); refusal != nil {
			out.Server.Off = append(out.Server.Off, offRow{Tool: t.Name, Flag: refusal.Details.Flag, TurnOn: refusal.Details.turnOn})
		}
	}
	mac, err := orbctl.ReadMac(c.Server.Home)
	if err != nil {
		out.Missing = append(out.Missing, missing{Part: "mac", Why: err.Error()})
	}
	out.Mac = macOut(mac)
	if caps, err := c.Orb.Capabilities(ctx); err == nil {
		out.Version = caps.Version.String()
	} else if ctx.Err() != nil {
		return orbstackOut{}, err
	} else {
		out.miss("version", err)
	}
	if err := out.addState(ctx, c); err != nil {
		return orbstackOut{}, err
	}
	if c.Orb.Update().Seen() {
		out.Update = "yes"
	}
	return out, nil
}

// addState asks OrbStack for its state and, if it runs, for its machines. That
// something is wrong with OrbStack is a result here and no error: it is what was
// asked for. Only the end of the call is an error.
func (o *orbstackOut) addState(ctx context.Context, c *Call) error {
	status, err := c.Orb.Status(ctx)
	if ctx.Err() != nil {
		return err
	}
	if err != nil {
		f := explain(err)
		o.State = "unknown"
		if f.Code == code(orbctl.OrbctlNotFound) {
			o.State = "orbctl_missing"
		}
		o.Problem, o.WhatToDo = f.Message, f.Hint
		switch orbctl.Kind(f.Code) {
		case orbctl.OrbctlFailed, orbctl.Timeout, orbctl.OutputLimit: // whose hint is to call this tool
			o.WhatToDo = "Ask the user to look at the OrbStack app: orbctl status does not say whether OrbStack runs, and nothing else is run as long as that is so."
		}
		return nil
	}
	o.State = string(status)
	if status != runner.Running {
		f := explain(orbctl.NotRunning(status))
		o.Problem, o.WhatToDo = f.Message, f.Hint
		return nil
	}
	machines, err := c.Orb.Machines(ctx)
	if err != nil {
		o.miss("machines", err)
	} else {
		o.Machines = map[string]int{}
		for _, m := range machines {
			o.Machines[m.State]++
		}
	}
	name, nameErr := c.Orb.DefaultMachine(ctx)
	switch {
	case nameErr != nil:
		o.miss("default_machine", nameErr)
	case err == nil && name != "" && !slices.ContainsFunc(machines, func(m orbctl.Machine) bool { return m.Name == name }):
		o.Missing = append(o.Missing, missing{Part: "default_machine", Why: fmt.Sprintf("OrbStack names %q, which is not among the machines that it lists", name)})
	default:
		o.DefaultMachine = name
	}
	return ctx.Err()
}

func (o *orbstackOut) miss(part string, err error) {
	o.Missing = append(o.Missing, missing{Part: part, Why: explain(err).Message})
}
