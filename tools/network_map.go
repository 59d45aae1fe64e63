package tools

import (
	"context"
	"fmt"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
)

func networkMap() Tool {
	return Do(Tool{
		Name: "vm_network_map", Title: "Map which machines reach each other",
		Family: Network, Effect: Reads,
		Doc: "Tests from every running machine which others it reaches, by address and by NAME.orb.local, and draws a matrix. " +
			"Use when machines do not see each other and it is not clear which, or to get an overview. " +
			"Takes some seconds and an orbctl run for each machine; for one connection use vm_test_connectivity.",
	}, readNetworkMap)
}

type networkMapIn struct {
	Machines []string `json:"machines,omitempty" jsonschema_description:"Machine names, at most 20; default: all that run."`
	Ports    []int    `json:"ports,omitempty" jsonschema:"maxItems=5" jsonschema_description:"TCP ports to try too; default: only ping."`
}

type networkMapOut struct {
	Machines []mapMachine `json:"machines"`
	Cells    []mapCell    `json:"cells" jsonschema_description:"One for each way from a machine to another."`
	Problems []string     `json:"problems" jsonschema_description:"One sentence for each thing that is wrong."`
	Note     string       `json:"note,omitempty"`
}

type mapMachine struct {
	Name           string    `json:"name"`
	State          string    `json:"state" jsonschema_description:"One that does not run is not tested."`
	Address        string    `json:"address,omitempty" jsonschema_description:"The one that is tried, as OrbStack gives it."`
	Isolated       bool      `json:"isolated"`
	IsolateNetwork bool      `json:"isolate_network"`
	Error          *mapError `json:"error,omitempty" jsonschema_description:"Why the machine could not be asked what it reaches."`
	Note           string    `json:"note,omitempty"`
}

type mapError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type mapCell struct {
	From    string  `json:"from"`
	To      string  `json:"to"`
	By      string  `json:"by" jsonschema_description:"address or name."`
	Method  string  `json:"method" jsonschema_description:"ping or tcp."`
	Port    int     `json:"port,omitempty"`
	Verdict string  `json:"verdict" jsonschema_description:"As of vm_test_connectivity; unknown: the answer was cut before it."`
	MS      float64 `json:"ms,omitempty" jsonschema_description:"While everything else was tried too: no measure of speed."`
}

func readNetworkMap(ctx context.Context, c *Call, in networkMapIn) (networkMapOut, error) {
	all, err := c.Orb.NetworkMap(ctx, in.Machines, in.Ports)
	if err != nil {
		return networkMapOut{}, err
	}
	out := networkMapOut{Machines: []mapMachine{}, Cells: []mapCell{}, Problems: []string{}}
	running := 0
	for _, r := range all.Rows {
		out.Machines = append(out.Machines, mapMachineOf(r))
		for _, cell := range r.Cells {
			out.Cells = append(out.Cells, mapCellOf(r.Machine.Name, cell))
		}
		if r.Machine.State == orbctl.Running {
			running++
		}
	}
	out.Problems = mapProblems(all, out)
	switch {
	case all.Total == 0:
		out.Note = "OrbStack has no machines."
	case running < 2:
		out.Note = fmt.Sprintf("Nothing was tested: %d of these machines run, and it takes two. This tool starts none.", running)
	case len(out.Problems) == 0:
		out.Note = "Everything that was tested works."
	}
	return out, nil
}

func mapMachineOf(r orbctl.MapRow) mapMachine {
	m := mapMachine{
		Name: r.Machine.Name, State: r.Machine.State, Address: addrText(r.Machine.IP4),
		Isolated: r.Machine.Config.Isolated, IsolateNetwork: r.Machine.Config.IsolateNetwork, Note: ranAs(r.Probe),
	}
	if m.Address == "" {
		m.Address = addrText(r.Machine.IP6)
	}
	if r.Err != nil {
		f := explain(r.Err)
		m.Error = &mapError{Code: string(f.Code), Message: f.Message}
	}
	if r.Err == nil && r.Machine.State == orbctl.Running && m.Address == "" {
		m.Note = "OrbStack does not report its address yet: the others tried it by name only."
	}
	return m
}

func mapCellOf(from string, c orbctl.MapCell) mapCell {
	out := mapCell{From: from, To: c.To, By: c.Label, Method: string(c.Method), Port: c.Port, Verdict: string(c.Verdict), MS: millis(c.Latency)}
	if c.Verdict == "" {
		out.Verdict = unknown
	}
	return out
}

// bad reports whether a cell says that something does not work.
func (c mapCell) bad() bool { return !guest.Verdict(c.Verdict).Reachable() }

// way is a cell's method as people write it: ping, tcp 80.
func (c mapCell) way() string {
	if c.Port == 0 {
		return c.Method
	}
	return fmt.Sprintf("%s %d", c.Method, c.Port)
}
