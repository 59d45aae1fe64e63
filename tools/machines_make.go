package tools

import (
	"context"
	"fmt"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/tools/job"
)

func createMachine() Tool {
	return Do(Tool{
		Name: "vm_create", Title: "Create a machine",
		Family: Machines, Effect: Adds, Beyond: true, Long: true,
		Doc: "Makes and starts a Linux machine; 30 seconds to 3 minutes. Use when somebody wants a new machine. " +
			"isolated keeps it from the Mac's files and programs, so that vm_exec needs no asking.",
	}, create)
}

type createIn struct {
	Name           string   `json:"name" jsonschema_description:"New name."`
	Distro         string   `json:"distro" jsonschema_description:"ubuntu, debian:trixie …"`
	Arch           string   `json:"arch,omitempty" jsonschema:"enum=arm64,enum=amd64" jsonschema_description:"Default: the Mac's."`
	User           string   `json:"user,omitempty" jsonschema_description:"Default: the Mac user's name."`
	CPUs           string   `json:"cpus,omitempty" jsonschema_description:"2"`
	Memory         string   `json:"memory,omitempty" jsonschema_description:"4G"`
	Disk           string   `json:"disk,omitempty" jsonschema_description:"64G"`
	Isolated       bool     `json:"isolated,omitempty" jsonschema_description:"From the Mac."`
	IsolateNetwork *bool    `json:"isolate_network,omitempty" jsonschema_description:"Default: as isolated."`
	Mounts         []string `json:"mounts,omitempty" jsonschema:"maxItems=10" jsonschema_description:"SRC or SRC:DEST; isolated only, in allowed folders."`
	UserData       string   `json:"user_data,omitempty" jsonschema_description:"cloud-init text."`
}

type madeOut struct {
	Machine *machineRow `json:"machine,omitempty"`
	Exec    string      `json:"exec,omitempty" jsonschema_description:"Whether vm_exec is free there."`
	Posture []posture   `json:"posture,omitempty" jsonschema_description:"Of an isolated machine: what was tried from inside."`
	Job     string      `json:"job,omitempty" jsonschema_description:"It is not done yet: call vm_job."`
	Note    string      `json:"note,omitempty"`
}

func create(ctx context.Context, c *Call, in createIn) (madeOut, error) {
	plan, err := c.plan(ctx, in)
	if err != nil {
		return madeOut{}, err
	}
	return inJob(ctx, c, in.Name, laterMade, func(ctx context.Context, j *job.Job) (madeOut, error) {
		return makeMachine(ctx, c, j, plan)
	})
}

// plan checks what the tool knows of, and asks where a person has to agree.
func (c *Call) plan(ctx context.Context, in createIn) (orbctl.Plan, error) {
	limits, err := c.Orb.LimitFlags(orbctl.LimitsWanted{CPUs: in.CPUs, Memory: in.Memory, Disk: in.Disk})
	if err != nil {
		return orbctl.Plan{}, err
	}
	plan := orbctl.Plan{Name: in.Name, UserData: in.UserData, Create: runner.Create{
		Distro: in.Distro, Arch: in.Arch, User: in.User, CPUs: limits.CPUs, Memory: limits.Memory, Disk: limits.Disk,
		Isolated: in.Isolated, IsolateNetwork: in.Isolated, Mounts: in.Mounts,
	}}
	if in.IsolateNetwork != nil {
		plan.IsolateNetwork = *in.IsolateNetwork
	} else if in.Isolated {
		known, err := c.Orb.Capabilities(ctx)
		if err != nil {
			return orbctl.Plan{}, err
		}
		plan.IsolateNetwork = known.Has(orbctl.NetworkIsolation) // a wish of ours and not of the caller's
	}
	if len(in.Mounts) > 0 && !in.Isolated { // no flag of this server's would help
		return orbctl.Plan{}, invalid("mounts need isolated: other machines see the Mac's files anyway")
	}
	for _, mount := range in.Mounts {
		folder, _, err := runner.ParseMount(mount)
		if err != nil {
			return orbctl.Plan{}, invalid(err.Error())
		}
		if !c.Server.allowed(folder) {
			return orbctl.Plan{}, &failure{
				Code: notAllowed, Message: fmt.Sprintf("This server may not let a machine mount %s. Nothing was made.", shown(folder)),
				Hint: "The user can allow a folder with --allow-path FOLDER when starting the server.", Details: details{Flag: "--allow-path"},
			}
		}
	}
	if in.UserData == "" {
		return plan, nil
	}
	plan.Clearance, err = c.clearanceFor(in)
	return plan, err
}

// makeMachine makes what was planned, and looks at an isolated one from inside.
func makeMachine(ctx context.Context, c *Call, j *job.Job, plan orbctl.Plan) (madeOut, error) {
	j.Say("OrbStack is making " + plan.Name)
	made, err := c.Orb.Create(ctx, plan)
	if err != nil {
		return madeOut{}, err
	}
	out := c.made(made)
	if made.Machine.Config.Isolated && !made.NoAddress {
		j.Say("looking at " + plan.Name + " from inside")
		out.Posture = probePosture(ctx, c, made.Machine)
	}
	return out, nil
}

// clearanceFor is clearance for user data, which runs as root in a machine that is
// not there yet.
func (c *Call) clearanceFor(in createIn) (runner.Clearance, error) {
	var why []string
	if !in.Isolated {
		why = append(why, "it will not be isolated, so that this can read and change the Mac's files and run programs there")
	}
	plan := fmt.Sprintf("Make the machine %q and run this in it as root at its first start:\n\n%s\n\n", in.Name, shown(in.UserData))
	return c.clearance(orbctl.MachineInfo{}, why, plan)
}

func laterMade(handle, note string) madeOut { return madeOut{Job: handle, Note: note} }

// made is a machine that was not there before.
func (c *Call) made(made orbctl.Made) madeOut {
	r := row(made.Machine)
	out := madeOut{Machine: &r, Exec: c.execThere(made.Machine)}
	switch {
	case made.Complaint != nil:
		out.Note = "OrbStack's command failed or was late, and yet the machine is there: " + explain(made.Complaint).Message
	case made.NoAddress:
		out.Note = "It runs and has no address yet: look again with vm_network_details in a moment."
	case made.Machine.State == orbctl.Stopped:
		out.Note = "It is stopped; vm_start starts it."
	}
	return out
}

// execThere says how vm_exec is dealt with in a machine.
func (c *Call) execThere(m orbctl.MachineInfo) string {
	switch {
	case c.Server.ReadOnly || c.Server.Exec == runner.ExecOff || c.Server.Exec == "":
		return "off"
	case c.Server.Exec == runner.ExecAll || len(m.Exposure(c.Server.allowed)) == 0:
		return "free"
	}
	return "a person is asked for each command"
}

func cloneMachine() Tool {
	return Do(Tool{
		Name: "vm_clone", Title: "Clone a machine",
		Family: Machines, Effect: Adds, Beyond: true, Long: true,
		Doc: "Copies a machine, with all its files and settings, under a new name; the copy is stopped. Use when somebody wants to try something without risk to the original, which pauses for a moment.",
	}, clone)
}

type cloneIn struct {
	Machine string `json:"machine" jsonschema_description:"Machine name."`
	NewName string `json:"new_name" jsonschema_description:"The copy's name."`
}

func clone(ctx context.Context, c *Call, in cloneIn) (madeOut, error) {
	return inJob(ctx, c, in.Machine, laterMade, func(ctx context.Context, j *job.Job) (madeOut, error) {
		j.Say("OrbStack is cloning " + in.Machine)
		made, err := c.Orb.Clone(ctx, in.Machine, in.NewName)
		if err != nil {
			return madeOut{}, err
		}
		return c.made(made), nil
	})
}
