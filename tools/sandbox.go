package tools

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/tools/job"
)

func createSandbox() Tool {
	return Do(Tool{
		Name: "vm_sandbox_create", Title: "Create a sandbox",
		Family: Sandbox, Effect: Adds, Beyond: true, Long: true,
		Doc: "Makes a machine to try things in: isolated from the Mac and from its network, with limits, and probed from inside. " +
			"Use when code that nobody trusts is to run. All machines share one kernel: it is no wall against an attack on that.",
	}, sandbox)
}

type sandboxIn struct {
	Name     string `json:"name" jsonschema_description:"New name."`
	Distro   string `json:"distro,omitempty" jsonschema_description:"Default: ubuntu."`
	CPUs     string `json:"cpus,omitempty" jsonschema_description:"Default: 2."`
	Memory   string `json:"memory,omitempty" jsonschema_description:"Default: 4G."`
	Disk     string `json:"disk,omitempty" jsonschema_description:"Default: 20G."`
	UserData string `json:"user_data,omitempty" jsonschema_description:"cloud-init text."`
}

type sandboxOut struct {
	Machine   *machineRow `json:"machine,omitempty"`
	Sound     *bool       `json:"sound,omitempty" jsonschema_description:"Every wall was tried and holds; absent as long as nobody has looked."`
	Posture   []posture   `json:"posture,omitzero" jsonschema_description:"What was tried from inside; absent likewise."`
	StillOpen []string    `json:"still_open" jsonschema_description:"What no setting closes."`
	Job       string      `json:"job,omitempty" jsonschema_description:"It is not done yet: call vm_job."`
	Note      string      `json:"note,omitempty"`
}

// stillOpen is what an isolated machine does not keep apart.
var stillOpen = []string{
	"All machines and the Docker engine share one Linux kernel: a hole in it is a way out.",
	"The sandbox reaches the internet, unless the network around the Mac forbids it.",
	"It can use up disk, memory and CPU time to its limits.",
}

func sandbox(ctx context.Context, c *Call, in sandboxIn) (sandboxOut, error) {
	yes := true
	plan, err := c.plan(ctx, createIn{
		Name: in.Name, Distro: orElse(in.Distro, "ubuntu"), CPUs: orElse(in.CPUs, "2"), Memory: orElse(in.Memory, "4G"), Disk: orElse(in.Disk, "20G"),
		Isolated: true, IsolateNetwork: &yes, UserData: in.UserData,
	})
	if err != nil {
		return sandboxOut{}, err
	}
	return inJob(ctx, c, in.Name, laterSandbox, func(ctx context.Context, j *job.Job) (sandboxOut, error) {
		made, err := makeMachine(ctx, c, j, plan)
		if err != nil {
			return sandboxOut{}, err
		}
		return judge(made), nil
	})
}

// laterSandbox is one that nobody has looked at yet.
func laterSandbox(handle, note string) sandboxOut {
	return sandboxOut{StillOpen: stillOpen, Job: handle, Note: note}
}

// judge says whether every wall of a new sandbox was tried and holds.
func judge(made madeOut) sandboxOut {
	sound := len(made.Posture) > 0
	for _, p := range made.Posture {
		sound = sound && p.Holds == "yes"
	}
	out := sandboxOut{Machine: made.Machine, Posture: made.Posture, StillOpen: stillOpen, Note: made.Note, Sound: &sound}
	if !sound {
		out.Note = strings.TrimSpace("Not every wall was seen to hold: do not run in it what must not reach the Mac. " + out.Note)
	}
	if out.Posture == nil {
		out.Posture = []posture{}
	}
	return out
}

func checkpointMachine() Tool {
	return Do(Tool{
		Name: "vm_checkpoint", Title: "Remember a machine as it is",
		Family: Sandbox, Effect: Adds, Beyond: true, Long: true,
		Doc: "Keeps a machine as it is now, as a stopped clone that vm_rollback can bring back. Use when something risky is about to be done in it. It takes disk like any machine; vm_delete ends it.",
	}, checkpoint)
}

type checkpointIn struct {
	Machine string `json:"machine" jsonschema_description:"Machine name."`
	Label   string `json:"label,omitempty" jsonschema_description:"Default: the time."`
}

type checkpointOut struct {
	Machine    string `json:"machine"`
	Checkpoint string `json:"checkpoint" jsonschema_description:"The clone's name, for vm_rollback."`
	DiskBytes  int64  `json:"disk_bytes,omitempty"`
	Job        string `json:"job,omitempty" jsonschema_description:"It is not done yet: call vm_job."`
	Note       string `json:"note,omitempty"`
}

func checkpoint(ctx context.Context, c *Call, in checkpointIn) (checkpointOut, error) {
	name := in.Machine + "-cp-" + orElse(in.Label, time.Now().UTC().Format("20060102-150405"))
	return inJob(ctx, c, in.Machine, func(handle, note string) checkpointOut {
		return checkpointOut{Machine: in.Machine, Checkpoint: name, Job: handle, Note: note}
	}, func(ctx context.Context, j *job.Job) (checkpointOut, error) {
		j.Say("OrbStack is cloning " + in.Machine)
		made, err := c.Orb.Clone(ctx, in.Machine, name)
		if err != nil {
			return checkpointOut{}, ofLabel(err)
		}
		out := checkpointOut{Machine: in.Machine, Checkpoint: made.Machine.Name, DiskBytes: made.Machine.DiskSize}
		if made.Complaint != nil {
			out.Note = "OrbStack's command failed or was late, and yet the clone is there: " + explain(made.Complaint).Message
		}
		return out, nil
	})
}

// ofLabel names the argument that a clone's wrong name comes from.
func ofLabel(err error) error {
	if e, ok := errors.AsType[*orbctl.Error](err); ok {
		for i, p := range e.Problems {
			if p.Field == "new_name" {
				e.Problems[i].Field, e.Problems[i].Why = "label", "is the end of the clone's name, which "+p.Why
			}
		}
	}
	return err
}

func rollbackMachine() Tool {
	return Do(Tool{
		Name: "vm_rollback", Title: "Bring a machine back to a checkpoint",
		Family: Sandbox, Effect: Destroys, Beyond: true, Long: true, Interactive: true,
		Doc: "Replaces a machine by a clone of a checkpoint; what changed since then is lost. Use when something risky went wrong. A person is asked first. The checkpoint stays.",
	}, rollback)
}

type rollbackIn struct {
	Machine    string `json:"machine" jsonschema_description:"Machine name."`
	Checkpoint string `json:"checkpoint" jsonschema_description:"As vm_checkpoint named it."`
}

type rollbackOut struct {
	Machine  string `json:"machine"`
	State    string `json:"state,omitempty"`
	OldID    string `json:"old_id,omitempty"`
	NewID    string `json:"new_id,omitempty"`
	LeftOver string `json:"left_over,omitempty" jsonschema_description:"The machine as it was, if it could not be deleted."`
	Job      string `json:"job,omitempty" jsonschema_description:"It is not done yet: call vm_job."`
	Note     string `json:"note,omitempty"`
}

func rollback(ctx context.Context, c *Call, in rollbackIn) (rollbackOut, error) {
	agree := func(m, checkpoint orbctl.MachineInfo) error {
		return c.Confirm(Question{
			About:   m.ID + "," + checkpoint.ID,
			Plan:    fmt.Sprintf("Replace this machine, with all that changed in it since: %s. In its place comes a clone of the checkpoint %s.", describe(m), describe(checkpoint)),
			Instead: "vm_clone of the checkpoint makes a machine under another name and asks nobody.",
		})
	}
	// The question is for the call, not for its job: so it is asked before.
	m, err := c.Orb.Machine(ctx, in.Machine)
	if err != nil {
		return rollbackOut{}, err
	}
	kept, err := c.Orb.Machine(ctx, in.Checkpoint)
	if err != nil {
		return rollbackOut{}, err
	}
	if err := agree(m, kept); err != nil {
		return rollbackOut{}, err
	}
	return inJob(ctx, c, in.Machine, func(handle, note string) rollbackOut {
		return rollbackOut{Machine: in.Machine, Job: handle, Note: note}
	}, func(ctx context.Context, j *job.Job) (rollbackOut, error) {
		j.Say("putting a clone of " + in.Checkpoint + " in the place of " + in.Machine)
		done, err := c.Orb.Rollback(ctx, in.Machine, in.Checkpoint, func(now, checkpoint orbctl.MachineInfo) error {
			return stillThese([2]orbctl.MachineInfo{m, kept}, [2]orbctl.MachineInfo{now, checkpoint})
		})
		if err != nil {
			return rollbackOut{}, err
		}
		out := rollbackOut{Machine: in.Machine, State: done.After.State, OldID: done.Before.ID, NewID: done.After.ID, LeftOver: done.Aside}
		if done.Complaint != nil {
			out.Note = "The machine is rolled back, but not all went well: " + explain(done.Complaint).Message
		}
		return out, nil
	})
}

// stillThese is MachineChanged if a machine is another one than was asked about.
func stillThese(asked, now [2]orbctl.MachineInfo) error {
	for i, m := range asked {
		if m.ID != now[i].ID {
			return &orbctl.Error{Kind: orbctl.MachineChanged, Op: runner.OpInfo, Machine: m.Name, WantID: m.ID, HaveID: now[i].ID}
		}
	}
	return nil
}
