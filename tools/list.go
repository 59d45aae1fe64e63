package tools

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"orbstack-mcp/internal/beside"
	"orbstack-mcp/orbctl"
)

func listMachines() Tool {
	return Do(Tool{
		Name: "vm_list", Title: "List machines",
		Family: Machines, Effect: Reads,
		Doc: "Lists OrbStack's Linux machines: state, distribution, address, disk use. " +
			"Use when somebody asks which machines there are, which are running, or which takes the most disk. Beyond 20 machines it gives names and states only: narrow it.",
	}, readList)
}

// detailed is how many machines are looked up one by one.
const detailed = 20

type listIn struct {
	State        string `json:"state,omitempty" jsonschema:"enum=running,enum=stopped" jsonschema_description:"Only machines in this state."`
	NameContains string `json:"name_contains,omitempty" jsonschema_description:"Only names with this in them."`
}

type listOut struct {
	Machines []machineRow `json:"machines"`
	Total    int          `json:"total" jsonschema_description:"Machines in OrbStack, before narrowing."`
	Note     string       `json:"note,omitempty"`
}

type machineRow struct {
	Name           string    `json:"name"`
	State          string    `json:"state"`
	Distro         string    `json:"distro,omitempty" jsonschema_description:"Distribution and version at creation."`
	Arch           string    `json:"arch,omitempty"`
	IPv4           string    `json:"ipv4,omitempty"`
	IPv6           string    `json:"ipv6,omitempty"`
	DiskBytes      int64     `json:"disk_bytes,omitempty"`
	User           string    `json:"user,omitempty"`
	Isolated       bool      `json:"isolated,omitempty"`
	IsolateNetwork bool      `json:"isolate_network,omitempty"`
	Limits         *limits   `json:"limits,omitempty"`
	CreatedAt      string    `json:"created_at_inferred,omitempty" jsonschema_description:"Read from the machine's ID."`
	Missing        []missing `json:"missing,omitempty"`
}

func readList(ctx context.Context, c *Call, in listIn) (listOut, error) {
	all, err := c.Orb.Machines(ctx)
	if err != nil {
		return listOut{}, err
	}
	out := listOut{Machines: []machineRow{}, Total: len(all)}
	var wanted []orbctl.Machine
	for _, m := range all {
		if (in.State == "" || m.State == in.State) && strings.Contains(strings.ToLower(m.Name), strings.ToLower(in.NameContains)) {
			wanted = append(wanted, m)
		}
	}
	switch {
	case len(all) == 0:
		out.Note = "OrbStack has no machines. vm_create makes one."
	case len(wanted) == 0:
		out.Note = fmt.Sprintf("None of the %d machines matches.", len(all))
	case len(wanted) > detailed:
		out.Note = fmt.Sprintf("%d machines match: names and states only. Narrow with state or name_contains to at most %d for addresses and disk use.", len(wanted), detailed)
		for _, m := range wanted {
			out.Machines = append(out.Machines, machineRow{Name: m.Name, State: m.State})
		}
		return out, nil
	}
	out.Machines, err = rows(ctx, c, wanted)
	return out, err
}

// rows looks the machines up side by side; the runner's lane bounds how many
// run at once. A machine whose look-up failed keeps what list said of it.
func rows(ctx context.Context, c *Call, machines []orbctl.Machine) ([]machineRow, error) {
	list := make([]machineRow, len(machines))
	errs := make([]error, len(machines))
	var lookups beside.Group
	for i, m := range machines {
		lookups.Go(func() {
			var info orbctl.MachineInfo
			info, errs[i] = c.Orb.Machine(ctx, m.Name)
			if errs[i] != nil {
				info = orbctl.MachineInfo{Machine: m}
			}
			list[i] = row(info)
			if errs[i] != nil {
				list[i].Missing = []missing{{Part: "addresses and disk use", Why: explain(errs[i]).Message}}
			}
		})
	}
	lookups.Wait()
	if ctx.Err() != nil && errors.Join(errs...) != nil { // what failed may have failed for that
		return nil, context.Cause(ctx)
	}
	return list, nil
}

func row(m orbctl.MachineInfo) machineRow {
	r := machineRow{
		Name: m.Name, State: m.State, Distro: distro(m.Image), Arch: m.Image.Arch,
		IPv4: addrText(m.IP4), IPv6: addrText(m.IP6), DiskBytes: m.DiskSize, User: m.Config.DefaultUsername,
		Isolated: m.Config.Isolated, IsolateNetwork: m.Config.IsolateNetwork,
	}
	if m.Config.Limits != (orbctl.Limits{}) {
		l := limitsOf(m.Config.Limits)
		r.Limits = &l
	}
	if t, ok := m.CreatedAt(); ok {
		r.CreatedAt = t.Format(time.RFC3339)
	}
	return r
}

// distro is an image as create takes it: ubuntu:noble.
func distro(i orbctl.Image) string {
	if i.Version == "" {
		return i.Distro
	}
	return i.Distro + ":" + i.Version
}
