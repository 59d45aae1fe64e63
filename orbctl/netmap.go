package orbctl

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"orbstack-mcp/internal/beside"
	"orbstack-mcp/orbctl/guest"
)

// The most that one map may hold: beyond it nobody can read it.
const (
	MaxMapMachines = 20
	MaxMapPorts    = 5
)

// A NetworkMap is who reaches whom.
type NetworkMap struct {
	Rows  []MapRow // in the order of OrbStack's list
	Ports []int    // without repeats
	Total int      // machines there are
}

// A MapRow is one machine of a NetworkMap and what it reaches.
type MapRow struct {
	Machine MachineInfo
	// Err is why a running machine could not be looked at or asked; there are no
	// Cells then.
	Err   error
	Probe ProbeMeta
	Cells []MapCell
	// Install would install a tool that the machine lacks; "" when none, or not known.
	Install string
}

// A MapCell is one way to another machine.
type MapCell struct {
	To string
	guest.MapCell
}

// LocalName is the name of a machine that other machines and the Mac resolve
// (docs/orbctl-contract.md §6).
func LocalName(machine string) string { return strings.ToLower(machine) + ".orb.local" }

// NetworkMap asks machines which of the others they reach, by ping and by each
// TCP port: a run of list, then one of info and one of the script for each that
// runs, side by side as far as the runner's lane lets them. names nil is all that
// run. A named one that does not run is a row without cells: nobody is asked to
// reach it, and nothing starts it. A machine that could not be asked is a row with
// Err; the error of the call is for what concerns all of them.
func (c *Client) NetworkMap(ctx context.Context, names []string, ports []int) (NetworkMap, error) {
	ports, err := checkPorts(ports)
	if err != nil {
		return NetworkMap{}, err
	}
	all, err := c.Machines(ctx)
	if err != nil {
		return NetworkMap{}, err
	}
	rows, err := mapRows(all, names)
	if err != nil {
		return NetworkMap{}, err
	}
	each(rows, func(r *MapRow) bool { return r.Machine.State == Running }, func(r *MapRow) {
		info, err := c.Machine(ctx, r.Machine.Name)
		if r.Err = err; err == nil {
			r.Machine = info
		}
	})
	targets := mapTargets(rows)
	each(rows, func(r *MapRow) bool { return r.asked() && len(targets) > 1 }, func(r *MapRow) {
		r.Cells, r.Err = c.mapFrom(ctx, r, targets, ports)
	})
	if ctx.Err() != nil {
		return NetworkMap{}, firstError(ctx, rows)
	}
	return NetworkMap{Rows: rows, Ports: ports, Total: len(all)}, allFailed(rows)
}

// asked reports whether the machine runs and nothing went wrong with it so far.
func (r *MapRow) asked() bool { return r.Err == nil && r.Machine.State == Running }

func checkPorts(ports []int) ([]int, error) {
	ports = slices.Compact(slices.Sorted(slices.Values(ports)))
	for _, p := range ports {
		if p < 1 || p > 65535 {
			return nil, invalid("ports", fmt.Sprint(p), "must be numbers from 1 to 65535")
		}
	}
	if len(ports) > MaxMapPorts {
		return nil, invalid("ports", "", fmt.Sprintf("must be at most %d", MaxMapPorts))
	}
	return ports, nil
}

// mapRows are the machines that the map is of.
func mapRows(all []Machine, names []string) ([]MapRow, error) {
	wanted := map[string]bool{}
	for _, name := range names {
		m, err := Pick(all, name)
		if err != nil {
			return nil, err
		}
		wanted[m.Name] = true
	}
	var rows []MapRow
	for _, m := range all {
		if wanted[m.Name] || len(names) == 0 && m.State == Running {
			rows = append(rows, MapRow{Machine: MachineInfo{Machine: m}})
		}
	}
	switch {
	case len(rows) <= MaxMapMachines:
		return rows, nil
	case len(names) == 0:
		return nil, invalid("machines", "", fmt.Sprintf("is needed: %d machines run, and a map holds %d at most, so name some", len(rows), MaxMapMachines))
	}
	return nil, invalid("machines", "", fmt.Sprintf("must be at most %d; %d were named", MaxMapMachines, len(rows)))
}

// each does work for the rows that need it, side by side, and waits for all.
func each(rows []MapRow, needs func(*MapRow) bool, work func(*MapRow)) {
	var works beside.Group
	for i := range rows {
		if needs(&rows[i]) {
			works.Go(func() { work(&rows[i]) })
		}
	}
	works.Wait()
}

// A mapTarget is a machine to be reached.
type mapTarget struct {
	guest.MapTarget
	machine string
}

// mapTargets are the machines that can be reached at all: those that run. One
// whose name no host can have is not asked either.
func mapTargets(rows []MapRow) []mapTarget {
	var targets []mapTarget
	for i := range rows {
		r := &rows[i]
		if !r.asked() {
			continue
		}
		address := r.Machine.IP4
		if !address.IsValid() {
			address = r.Machine.IP6
		}
		t := guest.MapTarget{Address: address, Name: LocalName(r.Machine.Name)}
		if _, _, _, err := guest.NetworkMap(guest.MapQuery{Targets: []guest.MapTarget{t}}); err != nil {
			r.Err = badTarget(err)
			continue
		}
		targets = append(targets, mapTarget{t, r.Machine.Name})
	}
	return targets
}

// mapFrom asks one machine for the ways to the others: one run.
func (c *Client) mapFrom(ctx context.Context, r *MapRow, targets []mapTarget, ports []int) ([]MapCell, error) {
	q := guest.MapQuery{Ports: ports}
	var others []string
	for _, t := range targets {
		if t.machine != r.Machine.Name {
			q.Targets = append(q.Targets, t.MapTarget)
			others = append(others, t.machine)
		}
	}
	script, args, limit, err := guest.NetworkMap(q)
	if err != nil {
		return nil, badTarget(err)
	}
	report, meta, err := ask(ctx, c, r.Machine, script, args, limit, func(t guest.Transcript) (guest.MapReport, error) {
		return guest.ParseNetworkMap(q, t)
	})
	if err != nil {
		return nil, err
	}
	r.Probe, r.Install = meta, report.Install
	cells := make([]MapCell, 0, len(report.Cells))
	for _, cell := range report.Cells {
		cells = append(cells, MapCell{To: others[cell.Target], MapCell: cell})
	}
	return cells, nil
}

// firstError is why a map ended that was cut off.
func firstError(ctx context.Context, rows []MapRow) error {
	for _, r := range rows {
		if r.Err != nil {
			return r.Err
		}
	}
	return context.Cause(ctx)
}

// allFailed is the first error if no running machine could be asked: it is no
// machine's own then.
func allFailed(rows []MapRow) error {
	var first error
	for _, r := range rows {
		switch {
		case r.Err == nil && r.Machine.State == Running:
			return nil
		case first == nil:
			first = r.Err
		}
	}
	return first
}
