package orbctl

import (
	"encoding/json"
	"fmt"
	"strings"

	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/untrusted"
)

// wireMachine is a machine as `list -f json` prints it and as `info -f json`
// holds it under "record" (docs/orbctl-contract.md §3). Unknown fields are
// passed over: 2.0 has fewer, a later version may have more.
type wireMachine struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Image struct {
		Distro  string `json:"distro"`
		Version string `json:"version"`
		Arch    string `json:"arch"`
		Variant string `json:"variant"`
	} `json:"image"`
	Config struct {
		Isolated        bool   `json:"isolated"`
		IsolateNetwork  bool   `json:"isolate_network"`
		ForwardSSHAgent bool   `json:"forward_ssh_agent"`
		DefaultUsername string `json:"default_username"`
		HTTPPort        int    `json:"http_port"`
		HTTPSPort       int    `json:"https_port"`
		CPULimit        int64  `json:"cpu_limit"`
		MemoryLimitMiB  int64  `json:"memory_limit_mib"`
		DiskLimitBytes  int64  `json:"disk_limit_bytes"`
		Mounts          []struct {
			Source      string `json:"source"`
			Destination string `json:"destination"`
		} `json:"mounts"`
	} `json:"config"`
	Builtin bool   `json:"builtin"`
	State   string `json:"state"`
}

// machine cleans every string. A machine without a name or a state is an error:
// nothing could be said or done about it.
func (w wireMachine) machine() (Machine, error) {
	c := w.Config
	m := Machine{
		ID:   untrusted.Line(w.ID),
		Name: untrusted.Line(w.Name),
		Image: Image{
			Distro:  untrusted.Line(w.Image.Distro),
			Version: untrusted.Line(w.Image.Version),
			Arch:    untrusted.Line(w.Image.Arch),
			Variant: untrusted.Line(w.Image.Variant),
		},
		Config: MachineConfig{
			Isolated:        c.Isolated,
			IsolateNetwork:  c.IsolateNetwork,
			ForwardSSHAgent: c.ForwardSSHAgent,
			DefaultUsername: untrusted.Line(c.DefaultUsername),
			HTTPPort:        c.HTTPPort,
			HTTPSPort:       c.HTTPSPort,
			Limits:          Limits{CPU: c.CPULimit, MemoryMiB: c.MemoryLimitMiB, DiskBytes: c.DiskLimitBytes},
		},
		Builtin: w.Builtin,
		State:   untrusted.Line(w.State),
	}
	for _, mount := range c.Mounts {
		m.Config.Mounts = append(m.Config.Mounts, Mount{
			Source:      untrusted.Line(mount.Source),
			Destination: untrusted.Line(mount.Destination),
		})
	}
	switch {
	case m.Name == "":
		return m, fmt.Errorf("a machine has no name")
	case m.State == "":
		return m, fmt.Errorf("machine %q has no state", m.Name)
	}
	return m, nil
}

// ParseList reads what `list -f json` printed. No machines are `[]`, or nothing
// on stdout together with OrbStack's help text for an empty installation on
// stderr (testdata/no-machines.stderr.txt). `null` and bare emptiness are errors
// worth a repeat: one `list` can fail while another orbctl runs
// (docs/orbctl-contract.md §1.7, §3).
func ParseList(stdout, stderr string) ([]Machine, error) {
	text, _ := StripBanner(stdout)
	if strings.TrimSpace(text) == "" {
		if saysNoMachines(stderr) {
			return []Machine{}, nil
		}
		return nil, unreadable(runner.OpList, stderr, "it printed nothing, not even an empty list")
	}
	var wire []wireMachine
	if err := json.Unmarshal([]byte(text), &wire); err != nil {
		return nil, unreadableJSON(runner.OpList, text, err)
	}
	if wire == nil {
		return nil, unreadable(runner.OpList, text, "it printed null, not a list")
	}
	machines := make([]Machine, 0, len(wire))
	for _, w := range wire {
		m, err := w.machine()
		if err != nil {
			return nil, unreadableJSON(runner.OpList, text, err)
		}
		machines = append(machines, m)
	}
	return machines, nil
}

// saysNoMachines recognises the help text that stands for an empty installation.
func saysNoMachines(stderr string) bool {
	return strings.Contains(stderr, "To create a Linux machine:") && strings.Contains(stderr, "orb create")
}
