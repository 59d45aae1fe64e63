package tools

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"orbstack-mcp/internal/beside"
	"orbstack-mcp/orbctl"
)

func startMachines() Tool {
	return Do(Tool{
		Name: "vm_start", Title: "Start machines",
		Family: Machines, Effect: Changes, Idempotent: true,
		Doc: "Starts machines and waits for their addresses. Use when a tool says that a machine is not running. It never starts OrbStack itself.",
	}, func(ctx context.Context, c *Call, in machinesIn) (statesOut, error) {
		return changeStates(ctx, c, in.Machines, c.Orb.Start)
	})
}

func stopMachines() Tool {
	return Do(Tool{
		Name: "vm_stop", Title: "Stop machines",
		Family: Machines, Effect: Changes, Idempotent: true,
		Doc: "Shuts machines down and waits until they have stopped. Use when somebody wants memory back or a machine is to be cloned at rest. force does not ask the machine, loses what it had not written, and asks a person.",
	}, stop)
}

func restartMachines() Tool {
	return Do(Tool{
		Name: "vm_restart", Title: "Restart machines",
		Family: Machines, Effect: Changes,
		Doc: "Restarts machines that run. Use when a machine hangs or a setting of it needs a restart. It does not apply settings of OrbStack.",
	}, func(ctx context.Context, c *Call, in machinesIn) (statesOut, error) {
		return changeStates(ctx, c, in.Machines, c.Orb.Restart)
	})
}

type machinesIn struct {
	Machines []string `json:"machines" jsonschema:"minItems=1,maxItems=20" jsonschema_description:"Machine names."`
}

type stopIn struct {
	Machines []string `json:"machines" jsonschema:"minItems=1,maxItems=20" jsonschema_description:"Machine names."`
	Force    bool     `json:"force,omitempty" jsonschema_description:"Cut the power instead of shutting down."`
}

type statesOut struct {
	Machines []stateRow `json:"machines"`
}

type stateRow struct {
	Machine string   `json:"machine"`
	State   string   `json:"state,omitempty" jsonschema_description:"As it is now."`
	Changed bool     `json:"changed"`
	IPv4    string   `json:"ipv4,omitempty"`
	IPv6    string   `json:"ipv6,omitempty"`
	Note    string   `json:"note,omitempty"`
	Error   *failure `json:"error,omitempty"`
}

// beat is how often a call that waits for machines says for which.
const beat = time.Second

// changeStates does the same to each machine, side by side, and says meanwhile whom
// it waits for. It fails only if nothing came of any of them.
func changeStates(ctx context.Context, c *Call, names []string, change func(context.Context, string) (orbctl.StateChange, error)) (statesOut, error) {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	out := statesOut{Machines: make([]stateRow, len(names))}
	errs := make([]error, len(names))
	finished := make(chan string)
	var changes beside.Group
	for i, name := range names {
		changes.Go(func() {
			defer func() { finished <- name }()
			var done orbctl.StateChange
			done, errs[i] = change(ctx, name)
			out.Machines[i] = rowOfChange(name, done, errs[i])
		})
	}
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for waiting := slices.Clone(names); len(waiting) > 0; {
		select {
		case name := <-finished:
			waiting = slices.DeleteFunc(waiting, func(w string) bool { return w == name })
		case <-tick.C:
			c.Progress.Say(ctx, fmt.Sprintf("%d of %d done, waiting for %s", len(names)-len(waiting), len(names), strings.Join(waiting, ", ")))
		}
	}
	changes.Wait()
	if slices.Contains(errs, nil) {
		return out, nil
	}
	if len(errs) == 1 {
		return statesOut{}, errs[0]
	}
	if ctx.Err() != nil {
		return statesOut{}, errors.Join(errs...)
	}
	f := *explain(errs[0])
	f.Message = fmt.Sprintf("It failed for all %d machines:", len(names))
	f.Details.Problems = nil
	for i, err := range errs {
		f.Details.Problems = append(f.Details.Problems, names[i]+": "+explain(err).Message)
	}
	return statesOut{}, &f
}

func rowOfChange(name string, done orbctl.StateChange, err error) stateRow {
	if err != nil {
		return stateRow{Machine: name, Error: explain(err)}
	}
	r := stateRow{Machine: name, State: done.After.State, Changed: done.Changed, IPv4: addrText(done.After.IP4), IPv6: addrText(done.After.IP6)}
	switch {
	case done.Complaint != nil:
		r.Note = "OrbStack's command failed, and yet this is how the machine is now: " + explain(done.Complaint).Message
	case done.NoAddress:
		r.Note = "It runs and has no address yet: look again with vm_network_details in a moment."
	}
	return r
}

func stop(ctx context.Context, c *Call, in stopIn) (statesOut, error) {
	var agree func(orbctl.MachineInfo) error
	if in.Force {
		seen, err := lookAt(ctx, c, in.Machines)
		if err != nil {
			return statesOut{}, err
		}
		seen = slices.DeleteFunc(seen, func(m orbctl.MachineInfo) bool { return m.State == orbctl.Stopped })
		if len(seen) > 0 {
			if err := c.Confirm(forceQuestion(seen)); err != nil {
				return statesOut{}, err
			}
		}
		agree = func(m orbctl.MachineInfo) error { return stillOneOf(seen, m) }
	}
	return changeStates(ctx, c, in.Machines, func(ctx context.Context, name string) (orbctl.StateChange, error) {
		return c.Orb.Stop(ctx, name, in.Force, agree)
	})
}

// lookAt reads machines that a person is going to be asked about; all have to be
// there.
func lookAt(ctx context.Context, c *Call, names []string) ([]orbctl.MachineInfo, error) {
	var seen []orbctl.MachineInfo
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		m, err := c.Orb.Machine(ctx, name)
		if err != nil {
			return nil, err
		}
		seen = append(seen, m)
	}
	return seen, nil
}

func forceQuestion(seen []orbctl.MachineInfo) Question {
	var ids, lines []string
	for _, m := range seen {
		ids = append(ids, m.ID)
		lines = append(lines, describe(m))
	}
	return Question{
		About:   strings.Join(ids, ","),
		Plan:    "Stop without a shutdown, so that what was not written to disk is lost:\n" + strings.Join(lines, "\n"),
		Instead: "vm_stop without force shuts down properly and asks nobody.",
	}
}

// stillOneOf is MachineChanged for a machine that nobody was asked about: another
// one of that name, or one that had stopped and runs again.
func stillOneOf(seen []orbctl.MachineInfo, m orbctl.MachineInfo) error {
	changed := &orbctl.Error{Kind: orbctl.MachineChanged, Machine: m.Name, HaveID: m.ID}
	for _, was := range seen {
		switch {
		case was.Name == m.Name && was.ID == m.ID:
			return nil
		case was.Name == m.Name:
			changed.WantID = was.ID
		}
	}
	return changed
}

// describe is a machine in a line, as a person recognises it.
func describe(m orbctl.MachineInfo) string {
	parts := []string{distro(m.Image), m.State}
	if m.DiskSize > 0 {
		parts = append(parts, fmt.Sprintf("%.1f GB on disk", float64(m.DiskSize)/1e9))
	}
	if m.Config.Isolated {
		parts = append(parts, "isolated")
	}
	if t, ok := m.CreatedAt(); ok {
		parts = append(parts, "made "+t.Format("2006-01-02"))
	}
	return fmt.Sprintf("%q (%s; ID %s)", m.Name, strings.Join(parts, ", "), m.ID)
}

func renameMachine() Tool {
	return Do(Tool{
		Name: "vm_rename", Title: "Rename a machine",
		Family: Machines, Effect: Changes, Beyond: true,
		Doc: "Gives a machine another name; its ID and its files stay, its NAME.orb.local changes with it. Use when somebody wants another name for a machine.",
	}, rename)
}

type renameIn struct {
	Machine string `json:"machine" jsonschema_description:"Machine name."`
	NewName string `json:"new_name" jsonschema_description:"Its name from now on."`
}

type renameOut struct {
	Before  string `json:"before"`
	After   string `json:"after"`
	ID      string `json:"id"`
	Domain  string `json:"domain"`
	Changed bool   `json:"changed"`
	Note    string `json:"note,omitempty"`
}

func rename(ctx context.Context, c *Call, in renameIn) (renameOut, error) {
	done, err := c.Orb.Rename(ctx, in.Machine, in.NewName)
	if err != nil {
		return renameOut{}, err
	}
	out := renameOut{Before: done.Before.Name, After: done.After.Name, ID: done.After.ID, Domain: orbctl.LocalName(done.After.Name), Changed: done.Changed}
	if done.Complaint != nil {
		out.Note = "OrbStack's command failed, and yet it is renamed: " + explain(done.Complaint).Message
	}
	return out, nil
}

func deleteMachine() Tool {
	return Do(Tool{
		Name: "vm_delete", Title: "Delete a machine",
		Family: Machines, Effect: Destroys, Interactive: true,
		Doc: "Deletes a machine and everything in it, for good. Use when somebody wants a machine gone. A person is asked first; vm_export keeps a copy.",
	}, remove)
}

type deleteIn struct {
	Machine string `json:"machine" jsonschema_description:"Machine name."`
}

type deleteOut struct {
	Machine   string `json:"machine"`
	ID        string `json:"id"`
	Deleted   bool   `json:"deleted"`
	DiskBytes int64  `json:"disk_bytes,omitempty" jsonschema_description:"What it took on disk."`
}

func remove(ctx context.Context, c *Call, in deleteIn) (deleteOut, error) {
	gone, err := c.Orb.Delete(ctx, in.Machine, func(m orbctl.MachineInfo) error {
		return c.Confirm(Question{
			About:   m.ID,
			Plan:    "Delete this machine and everything in it, which cannot be undone: " + describe(m) + ".",
			Instead: "The user can delete it in the OrbStack app.",
		})
	})
	if err != nil {
		return deleteOut{}, err
	}
	return deleteOut{Machine: gone.Name, ID: gone.ID, Deleted: true, DiskBytes: gone.DiskSize}, nil
}

func setDefaultMachine() Tool {
	return Do(Tool{
		Name: "vm_default_set", Title: "Choose the default machine",
		Family: Machines, Effect: Changes, Idempotent: true, Beyond: true,
		Doc: "Makes a machine the one that orb and these tools mean when none is named, or none. Use when somebody wants another default machine.",
	}, setDefault)
}

type defaultIn struct {
	Machine string `json:"machine" jsonschema_description:"Machine name, or none."`
}

type defaultOut struct {
	Before  string `json:"before" jsonschema_description:"Empty: there was none."`
	After   string `json:"after"`
	Changed bool   `json:"changed"`
}

func setDefault(ctx context.Context, c *Call, in defaultIn) (defaultOut, error) {
	done, err := c.Orb.SetDefault(ctx, in.Machine)
	return defaultOut(done), err
}
