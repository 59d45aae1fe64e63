package tools

import (
	"context"
	"fmt"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/tools/job"
)

func pushFile() Tool {
	return Do(Tool{
		Name: "vm_push", Title: "Put a file into a machine",
		Family: Files, Effect: Changes, Idempotent: true, Long: true, Runs: true, NeedsFolder: true,
		Doc: "Copies one file of the Mac, from an allowed folder, into a running machine. Use when something there needs a file from here. For a folder make a tar of it first.",
	}, push)
}

func pullFile() Tool {
	return Do(Tool{
		Name: "vm_pull", Title: "Get a file out of a machine",
		Family: Files, Effect: Changes, Idempotent: true, Long: true, NeedsFolder: true,
		Doc: "Copies one file out of a running machine into an allowed folder of the Mac. Use when somebody wants a result or a log on the Mac. For a folder make a tar of it with vm_exec first.",
	}, pull)
}

func copyFile() Tool {
	return Do(Tool{
		Name: "vm_copy", Title: "Copy a file between machines",
		Family: Files, Effect: Changes, Idempotent: true, Long: true, Runs: true, Beyond: true, NeedsFolder: true,
		Doc: "Copies one file from a running machine to another, without a file on the Mac between. Use when a machine needs what another has.",
	}, copyBetween)
}

type pushIn struct {
	Machine     string `json:"machine" jsonschema_description:"Machine name."`
	Source      string `json:"source" jsonschema_description:"File of the Mac, absolute or ~/."`
	Destination string `json:"destination" jsonschema_description:"Path in the machine; a folder keeps the name."`
	Overwrite   bool   `json:"overwrite,omitempty" jsonschema_description:"Replace a file that is there."`
}

type pullIn struct {
	Machine     string `json:"machine" jsonschema_description:"Machine name."`
	Source      string `json:"source" jsonschema_description:"File in the machine."`
	Destination string `json:"destination" jsonschema_description:"Path on the Mac, absolute or ~/; a folder keeps the name."`
	Overwrite   bool   `json:"overwrite,omitempty" jsonschema_description:"Replace a file that is there."`
}

type copyIn struct {
	FromMachine string `json:"from_machine" jsonschema_description:"Machine name."`
	Source      string `json:"source" jsonschema_description:"File in it."`
	ToMachine   string `json:"to_machine" jsonschema_description:"Machine name."`
	Destination string `json:"destination" jsonschema_description:"Path in it; a folder keeps the name."`
	Overwrite   bool   `json:"overwrite,omitempty" jsonschema_description:"Replace a file that is there."`
}

type fileOut struct {
	Machine string  `json:"machine" jsonschema_description:"That it came to, or from if it is on the Mac now."`
	Path    string  `json:"path,omitempty" jsonschema_description:"Where it is now."`
	Bytes   int64   `json:"bytes,omitempty"`
	Mode    string  `json:"mode,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
	Job     string  `json:"job,omitempty" jsonschema_description:"It is not done yet: call vm_job."`
	Note    string  `json:"note,omitempty"`
}

// transfer does one transfer in a job.
func transfer(ctx context.Context, c *Call, machine string, work func(context.Context, orbctl.Progress) (orbctl.Transfer, error)) (fileOut, error) {
	return inJob(ctx, c, machine, func(handle, note string) fileOut {
		return fileOut{Machine: machine, Job: handle, Note: note}
	}, func(ctx context.Context, j *job.Job) (fileOut, error) {
		done, err := work(ctx, func(done, total int64) { j.Say(fmt.Sprintf("%d of %d bytes", done, total)) })
		if err != nil {
			return fileOut{}, err
		}
		return fileOut{Machine: done.Machine.Name, Path: done.Path, Bytes: done.Bytes, Mode: fmt.Sprintf("%04o", done.Mode.Perm()), Seconds: tenth(done.Took.Seconds())}, nil
	})
}

// into does a transfer that ends in a machine: who can put files there can have
// them run.
func into(ctx context.Context, c *Call, machine, path, what string, work func(context.Context, orbctl.Place, orbctl.Progress) (orbctl.Transfer, error)) (fileOut, error) {
	m, err := c.Orb.Machine(ctx, machine)
	if err != nil {
		return fileOut{}, err
	}
	plan := fmt.Sprintf("Put %s into the machine %q as %s.\n\n", what, m.Name, shown(path))
	return cleared(c, m, plan, func(clearance runner.Clearance) (fileOut, error) {
		to := orbctl.Place{Machine: m.Name, ID: m.ID, Path: path, Clearance: clearance}
		return transfer(ctx, c, machine, func(ctx context.Context, progress orbctl.Progress) (orbctl.Transfer, error) {
			return work(ctx, to, progress)
		})
	})
}

func push(ctx context.Context, c *Call, in pushIn) (fileOut, error) {
	what := "the Mac's file " + shown(in.Source)
	return into(ctx, c, in.Machine, in.Destination, what, func(ctx context.Context, to orbctl.Place, progress orbctl.Progress) (orbctl.Transfer, error) {
		return c.Orb.Push(ctx, c.Server.Folders, in.Source, to, in.Overwrite, progress)
	})
}

func pull(ctx context.Context, c *Call, in pullIn) (fileOut, error) {
	return transfer(ctx, c, in.Machine, func(ctx context.Context, progress orbctl.Progress) (orbctl.Transfer, error) {
		return c.Orb.Pull(ctx, c.Server.Folders, orbctl.Place{Machine: in.Machine, Path: in.Source}, in.Destination, in.Overwrite, progress)
	})
}

func copyBetween(ctx context.Context, c *Call, in copyIn) (fileOut, error) {
	what := fmt.Sprintf("the file %s of the machine %q", shown(in.Source), in.FromMachine)
	return into(ctx, c, in.ToMachine, in.Destination, what, func(ctx context.Context, to orbctl.Place, progress orbctl.Progress) (orbctl.Transfer, error) {
		return c.Orb.Copy(ctx, orbctl.Place{Machine: in.FromMachine, Path: in.Source}, to, in.Overwrite, progress)
	})
}

func exportMachine() Tool {
	return Do(Tool{
		Name: "vm_export", Title: "Export a machine to a file",
		Family: Machines, Effect: Adds, Long: true, NeedsFolder: true,
		Doc: "Writes a whole machine into an archive in an allowed folder of the Mac; the machine pauses for that time. Use when somebody wants a backup, or to move a machine.",
	}, export)
}

type exportIn struct {
	Machine string `json:"machine" jsonschema_description:"Machine name."`
	Path    string `json:"path" jsonschema_description:"New file, absolute or ~/; a folder means MACHINE.tar.zst in it."`
}

func export(ctx context.Context, c *Call, in exportIn) (fileOut, error) {
	return transfer(ctx, c, in.Machine, func(ctx context.Context, _ orbctl.Progress) (orbctl.Transfer, error) {
		return c.Orb.Export(ctx, c.Server.Folders, in.Machine, in.Path)
	})
}

func importMachine() Tool {
	return Do(Tool{
		Name: "vm_import", Title: "Import a machine from a file",
		Family: Machines, Effect: Adds, Beyond: true, Long: true, Runs: true, NeedsFolder: true,
		Doc: "Makes a machine out of an archive in an allowed folder of the Mac. Use when somebody has a backup or another Mac's machine. A person is asked: what is in it can reach the Mac unless it is isolated.",
	}, importArchive)
}

type importIn struct {
	Path string `json:"path" jsonschema_description:"Archive, absolute or ~/."`
	Name string `json:"name" jsonschema_description:"New name."`
}

func importArchive(ctx context.Context, c *Call, in importIn) (madeOut, error) {
	// Whether it is going to be isolated stands in the archive, where nobody can look.
	clearance, err := c.clearance(orbctl.MachineInfo{}, []string{"nobody knows before whether it is isolated from the Mac"},
		fmt.Sprintf("Make the machine %q out of the archive %s.\n\n", in.Name, shown(in.Path)))
	if err != nil {
		return madeOut{}, err
	}
	return inJob(ctx, c, in.Name, laterMade, func(ctx context.Context, j *job.Job) (madeOut, error) {
		j.Say("OrbStack is importing " + in.Name)
		made, err := c.Orb.Import(ctx, c.Server.Folders, in.Path, in.Name, clearance)
		if err != nil {
			return madeOut{}, err
		}
		return c.made(made), nil
	})
}
