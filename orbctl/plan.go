package orbctl

import (
	"context"
	"strconv"
	"strings"

	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/untrusted"
)

// A ConfigPlan is a change of a setting that was checked and not made yet: what
// a dry run shows and a person is asked about.
type ConfigPlan struct {
	Entry
	Known   bool    // the key is in the catalogue
	Before  Setting // as stored now; of a machine's key as `info` says it
	Value   string  // the new value, checked, in the form that is stored; never with a password in it
	Changes bool    // false: the value is stored already, and nothing will be run

	LowersWall bool   // a person has to agree
	WallReason string // what gets through then; "" for a key that nobody knows

	Info  *MachineInfo // of a machine's key: the machine as it is now
	Users *UserCheck   // of a machine's username

	raw string // the new value as it goes to orbctl
}

// Risk is what the change may bring, "" for one that changes nothing and for a user
// that the machine was seen to have.
func (p ConfigPlan) Risk() string {
	if !p.Changes || p.Users != nil && p.Users.Checked {
		return ""
	}
	return p.Key.Risk(p.Before.raw, p.raw)
}

// A UserCheck is what became of the question whether the machine has the user.
type UserCheck struct {
	Checked bool     // false: the machine does not run, so nobody could be asked
	Users   []string // accounts of the machine that somebody may log in with, when Checked
	Probe   ProbeMeta
}

// PlanConfig checks a new value for a key and reads what is stored: one run, for
// the username of a running machine two, and once in the Client's life two more
// for a key that not every version has. Nothing is changed.
//
//   - A wrong value is InvalidArgument, without any run.
//   - A key that is not in the catalogue is allowed only if orbctl lists it, and
//     counts as one that lowers a wall, since nobody knows what it does.
//   - A machine's key needs the machine, which is read with `info`.
//   - A username needs the account, if the machine runs: GuestUserMissing.
func (c *Client) PlanConfig(ctx context.Context, key, value string) (ConfigPlan, error) {
	key = strings.TrimSpace(key)
	entry, known := Lookup(key)
	if !known {
		return c.planUnknown(ctx, key, value)
	}
	checked, err := entry.Check(value, c.mac)
	if err != nil {
		return ConfigPlan{}, err
	}
	plan := ConfigPlan{Entry: entry, Known: true, raw: checked}
	plan.Value, _ = untrusted.Redact(checked)
	if entry.Scope == MachineScope {
		err = c.planMachine(ctx, &plan)
	} else {
		plan.Before, err = c.stored(ctx, key)
	}
	if err != nil {
		return ConfigPlan{}, err
	}
	plan.Changes = !entry.same(plan.Before.raw, checked)
	if plan.Changes {
		plan.WallReason, plan.LowersWall = entry.LowersWall(checked)
	}
	return plan, nil
}

func (c *Client) planUnknown(ctx context.Context, key, value string) (ConfigPlan, error) {
	checked, why := checkText(value)
	if len(why) > 0 {
		e := invalid("value", untrusted.Line(value), why[0])
		e.Key = untrusted.Line(key)
		return ConfigPlan{}, e
	}
	before, err := c.listed(ctx, key)
	if err != nil {
		return ConfigPlan{}, err
	}
	plan := ConfigPlan{Entry: Entry{Name: before.Key}, Before: before, raw: checked}
	plan.Restart = Restart{Unclear, NoneKnown}
	plan.Value, _ = untrusted.Redact(checked)
	plan.Changes = before.raw != checked
	plan.LowersWall = plan.Changes
	return plan, nil
}

// planMachine reads the machine of the key, and plans with it.
func (c *Client) planMachine(ctx context.Context, plan *ConfigPlan) error {
	info, err := c.machineOf(ctx, plan.Entry)
	if err != nil {
		return withKey(err, plan.Name)
	}
	return c.planFor(ctx, plan, info)
}

// machineOf reads the machine of a key, if this OrbStack has such keys.
func (c *Client) machineOf(ctx context.Context, entry Entry) (MachineInfo, error) {
	if entry.Feature != "" {
		can, err := c.Capabilities(ctx)
		if err != nil {
			return MachineInfo{}, err
		}
		if err := can.Require(entry.Feature); err != nil {
			return MachineInfo{}, err
		}
	}
	return c.Machine(ctx, entry.Machine)
}

// planFor reads what the machine has now; for a username it asks for the accounts,
// for another disk limit it looks at what is in use.
func (c *Client) planFor(ctx context.Context, plan *ConfigPlan, info MachineInfo) error {
	plan.Info = &info
	plan.Before = newSetting(plan.Name, fromInfo(plan.Field, info.Config))
	switch {
	case plan.Field == "username": // one that is stored already may be missing in the machine all the same
		var err error
		plan.Users, err = c.checkUser(ctx, info, plan.raw)
		return err
	case plan.Field == diskField && !plan.same(plan.Before.raw, plan.raw):
		return fitsDisk(plan, info)
	}
	return nil
}

// fromInfo is a machine's setting as `config get` would print it
// (docs/orbctl-contract.md §3: the names differ).
func fromInfo(field string, config MachineConfig) string {
	switch field {
	case "username":
		return config.DefaultUsername
	case "cpu":
		return strconv.FormatInt(config.Limits.CPU, 10)
	case "memory_mib":
		return strconv.FormatInt(config.Limits.MemoryMiB, 10)
	case "disk_bytes":
		return strconv.FormatInt(config.Limits.DiskBytes, 10)
	case "isolated":
		return strconv.FormatBool(config.Isolated)
	case "isolate_network":
		return strconv.FormatBool(config.IsolateNetwork)
	case "forward_ssh_agent":
		return strconv.FormatBool(config.ForwardSSHAgent)
	case "http_port":
		return strconv.Itoa(config.HTTPPort)
	case "https_port":
		return strconv.Itoa(config.HTTPSPort)
	}
	var mounts []string
	for _, m := range config.Mounts {
		mounts = append(mounts, m.Source+":"+m.Destination)
	}
	return strings.Join(mounts, ",")
}

// same compares two stored values by what they mean. An int that is not set is 0
// where 0 is the default.
func (e Entry) same(a, b string) bool {
	switch {
	case a == b:
		return true
	case e.Type == IntValue && e.Default.Value == "0":
		return a == "" && b == "0" || a == "0" && b == ""
	case e.Type == BoolValue:
		x, badX := checkBool(a)
		y, badY := checkBool(b)
		return badX == nil && badY == nil && x == y
	case e.Type == ListValue || e.Type == MountsValue:
		return strings.ReplaceAll(a, " ", "") == strings.ReplaceAll(b, " ", "")
	}
	return false
}

// checkUser asks a running machine for the account: one run.
func (c *Client) checkUser(ctx context.Context, info MachineInfo, user string) (*UserCheck, error) {
	if info.State != Running {
		return &UserCheck{}, nil
	}
	report, meta, err := c.Users(ctx, info, user)
	if err != nil {
		return nil, err
	}
	check := &UserCheck{Checked: true, Users: loginNames(report.Accounts), Probe: meta}
	switch {
	case !report.Named.Known:
		return nil, &Error{
			Kind: OrbctlFailed, Op: runner.OpProbe, Machine: info.Name, User: user,
			Why: "the machine could not say whether it has this user",
		}
	case !report.Named.Exists:
		return nil, &Error{
			Kind: GuestUserMissing, Op: runner.OpProbe, Machine: info.Name, User: user,
			Have: check.Users, Nearest: Nearest(user, check.Users),
		}
	}
	return check, nil
}

// loginNames are root and the people.
func loginNames(accounts []guest.Account) []string {
	names := []string{}
	for _, a := range accounts {
		if a.UID == 0 || a.Person() {
			names = append(names, a.Name)
		}
	}
	return names
}
