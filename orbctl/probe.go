package orbctl

import (
	"context"
	"errors"
	"regexp"
	"time"

	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/untrusted"
)

// ProbeMeta is how a machine was asked.
type ProbeMeta struct {
	User     string // the account that the script ran as
	FellBack bool   // that is root, since the machine's default user could not be used
	Reason   string // why, when FellBack
	Took     time.Duration
}

// margin is what a probe gets beyond its own limit.
const margin = 5 * time.Second

// ask puts one question to a machine that runs: one run of orbctl, two if the
// machine's default user does not exist there. The machine is as the caller has just
// read it; one that does not run is not woken.
//
// What the script printed before it was cut off is parsed all the same; the
// report then says what is missing.
func ask[R any](
	ctx context.Context, c *Client, m MachineInfo, script guest.Script, args []string, limit time.Duration,
	parse func(guest.Transcript) (R, error),
) (R, ProbeMeta, error) {
	var none R
	call := runner.Call{
		Op: runner.OpProbe, Machine: m.Name,
		Script: script, Mark: guest.NewMark(), Guest: args, Deadline: limit + margin,
	}
	var report R
	var parseErr error
	meta, err := c.inMachine(ctx, m, call, func(res runner.Result) bool {
		report, parseErr = parse(guest.ParseTranscript(call.Mark, res.Stdout))
		return !errors.Is(parseErr, guest.ErrNoAnswer)
	})
	if err != nil {
		return none, meta, err
	}
	if parseErr != nil {
		return none, meta, explain(call, runner.Result{}, parseErr)
	}
	return report, meta, nil
}

// inMachine runs a script in a machine. answered reads the output and says
// whether it answers anything: then neither exit code nor deadline is a failure.
// If the script did not come to run because the default user is missing, it is
// run once more as root, which every Linux has.
func (c *Client) inMachine(
	ctx context.Context, m MachineInfo, call runner.Call, answered func(runner.Result) bool,
) (ProbeMeta, error) {
	meta := ProbeMeta{User: call.User}
	if meta.User == "" {
		meta.User = m.Config.DefaultUsername
	}
	res, err := c.inside(ctx, m, call)
	meta.Took = res.Took
	ok := answered(res)
	if !ok && err == nil && call.User == "" && meta.User != "root" && userIsMissing(res) {
		meta.FellBack, meta.Reason = true, "the machine has no user "+quoted(meta.User)
		meta.User, call.User = "root", "root"
		res, err = c.inside(ctx, m, call)
		meta.Took += res.Took
		ok = answered(res)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return meta, ended(ctx, call, res, err)
	case ok:
		return meta, nil
	case err != nil:
		return meta, explain(call, res, err)
	}
	return meta, c.withNames(ctx, noAnswer(call, res))
}

func quoted(name string) string {
	if name == "" {
		return "of its default name"
	}
	return `"` + untrusted.Line(name) + `"`
}

// missingUser are the ways in which Go (os/user), getpwnam's callers and su say
// that an account is not there. OrbStack's own text is not known, so they are
// only a reason to try once more as root, never an answer.
var missingUser = regexp.MustCompile(`(?i)unknown user|user: lookup|no such user|user .{0,64}(?:does not exist|not found|doesn't exist)|unable to find user|invalid user|getpwnam|no passwd entry`)

func userIsMissing(res runner.Result) bool {
	return res.Exit != 0 && (missingUser.MatchString(res.Stderr) || missingUser.MatchString(res.Stdout))
}

// noAnswer is a run of which our script printed nothing.
func noAnswer(call runner.Call, res runner.Result) *Error {
	e := classify(call, res)
	switch {
	case e.Kind != OrbctlFailed || e.Crashed || e.Signal != "":
	case e.Exit == 126 || e.Exit == 127:
		e.Kind, e.Tools = GuestToolMissing, []string{"sh"}
	case e.Exit == 0:
		e.Why = "the script in the machine printed nothing"
	}
	return e
}

// NetworkFacts asks a machine for its interfaces, routes and name servers.
func (c *Client) NetworkFacts(ctx context.Context, m MachineInfo) (guest.NetworkFactsReport, ProbeMeta, error) {
	script, args, limit := guest.NetworkFacts()
	return ask(ctx, c, m, script, args, limit, guest.ParseNetworkFacts)
}

// StatusFacts asks a machine for its system, load, memory, services and ports.
func (c *Client) StatusFacts(ctx context.Context, m MachineInfo, q guest.StatusQuery) (guest.StatusFactsReport, ProbeMeta, error) {
	script, args, limit := guest.StatusFacts(q)
	return ask(ctx, c, m, script, args, limit, func(t guest.Transcript) (guest.StatusFactsReport, error) {
		return guest.ParseStatusFacts(q, t)
	})
}

// Users asks a machine for its accounts, and whether it has the named one; name
// may be "".
func (c *Client) Users(ctx context.Context, m MachineInfo, name string) (guest.UsersReport, ProbeMeta, error) {
	script, args, limit := guest.Users(name)
	return ask(ctx, c, m, script, args, limit, func(t guest.Transcript) (guest.UsersReport, error) {
		return guest.ParseUsers(name, t)
	})
}
