package orbctl

import (
	"context"
	"sync/atomic"
	"time"

	"orbstack-mcp/orbctl/managed"
	"orbstack-mcp/orbctl/runner"
)

// A Runner runs orbctl: *runner.Runner, or a fake in the tests.
type Runner interface {
	Run(ctx context.Context, call runner.Call) (runner.Result, error)
	Status(ctx context.Context) (runner.Status, error)
	Hold(ctx context.Context, calls ...runner.Call) (*runner.Hold, error)
	Places(ctx context.Context, n int) (*runner.Places, error)
	Edition(machine string) runner.Edition
}

// A Client asks OrbStack and changes its settings. It keeps nothing but the
// capabilities of the orbctl that runs and whether an update banner was seen. It
// may be used by many goroutines.
type Client struct {
	runner Runner
	mac    Mac
	*memory
	machines []string      // the only ones that it knows; none: all there are
	managed  *managed.File // changes are for machines in it only; nil: for all
	hold     *runner.Hold  // locks that all runs of this Client are under; nil: each takes its own
}

// memory is what all copies of a Client share.
type memory struct {
	banner       atomic.Int32  // an Update
	probing      chan struct{} // a lock that a caller can stop waiting for
	capabilities atomic.Pointer[Capabilities]
}

// New makes a Client. The Mac's cores and memory bound what settings may be. With
// machines it is as if there were no others. Nothing is run before the first call.
func New(r Runner, mac Mac, machines ...string) *Client {
	return &Client{runner: r, mac: mac, machines: machines, memory: &memory{probing: make(chan struct{}, 1)}}
}

// Managing is a Client that changes only machines that it, or another one with the
// same record, has made.
func (c *Client) Managing(record *managed.File) *Client {
	limited := *c
	limited.managed = record
	return &limited
}

// notOurs is NotAllowed for what a Client that changes only its own machines may
// not do.
func notOurs(op runner.Op, why string) *Error {
	const flag = "--managed-only"
	return &Error{Kind: NotAllowed, Op: op, Why: "the server was started with " + flag + ", and " + why, Flag: flag}
}

// mine is NotAllowed for a machine that this Client may not change.
func (c *Client) mine(op runner.Op, m Machine) error {
	if c.managed == nil {
		return nil
	}
	created, _ := m.CreatedAt()
	ok, err := c.managed.Has(m.ID, m.Name, created)
	if err == nil && ok {
		return nil
	}
	no := notOurs(op, "it has not made this machine")
	if no.Machine = m.Name; err != nil {
		no.Why, no.Err = err.Error(), err
	}
	return no
}

// holding calls f with a Client under whose runs nobody else changes what the
// calls are about, in this process or another server's.
func (c *Client) holding(ctx context.Context, f func(*Client) error, calls ...runner.Call) error {
	if c.hold != nil { // who holds has said for what
		return f(c)
	}
	hold, err := c.runner.Hold(ctx, calls...)
	if err != nil {
		return ended(ctx, calls[0], runner.Result{}, err)
	}
	defer hold.Release()
	under := *c
	under.hold = hold
	return f(&under)
}

// Status says whether OrbStack runs. The runner caches it for 2 s. It never
// starts OrbStack (docs/orbctl-contract.md §1.6).
func (c *Client) Status(ctx context.Context) (runner.Status, error) {
	status, err := c.runner.Status(ctx)
	if err != nil {
		return status, ended(ctx, runner.Call{Op: runner.OpStatus}, runner.Result{}, err)
	}
	return status, nil
}

// An Update is what is known of a newer OrbStack.
type Update int32

// Without `update --check`, which this program never runs, the banner is the only
// sign, and it may be kept back where there is no terminal
// (docs/orbctl-contract.md §1.11): so its absence proves nothing.
const (
	UpdateUnknown      Update = iota // no banner so far
	UpdateSeenOnStdout               // the banner came on stdout
	UpdateSeenOnStderr               // the banner came on stderr
)

// Seen reports whether a newer OrbStack is to be had.
func (u Update) Seen() bool { return u != UpdateUnknown }

// Update is what the calls so far have shown.
func (c *Client) Update() Update { return Update(c.banner.Load()) }

// pauses stand before the repeats of a read that failed for no known reason: one
// `list` can fail while another orbctl runs (docs/orbctl-contract.md §1.7).
var pauses = [...]time.Duration{150 * time.Millisecond, 500 * time.Millisecond}

// read runs a call that changes nothing and parses what it printed. It repeats
// a call that failed or could not be read, at most twice, unless the failure is
// definite: not found, refused, late.
func read[T any](ctx context.Context, c *Client, call runner.Call, parse func(runner.Result) (T, error)) (T, error) {
	for attempt := 0; ; attempt++ {
		res, err := c.run(ctx, call)
		if err == nil {
			var v T
			if v, err = parse(res); err == nil {
				return v, nil
			}
			err = explain(call, res, err)
		}
		if attempt == len(pauses) || !mayPass(err) || !wait(ctx, pauses[attempt]) {
			var none T
			return none, err
		}
	}
}

// run runs a call once. Besides the runner's errors, a failed exit is one.
func (c *Client) run(ctx context.Context, call runner.Call) (runner.Result, error) {
	res, err := c.start(ctx, call)
	if err != nil {
		return res, ended(ctx, call, res, err)
	}
	if (res.Exit != 0 || res.Signal != "") && !isEmptyInstallation(call, res) {
		return res, classify(call, res)
	}
	return res, nil
}

// start is every run of this package.
func (c *Client) start(ctx context.Context, call runner.Call) (runner.Result, error) {
	call.Under = c.hold
	res, err := c.runner.Run(ctx, call)
	c.note(res)
	return res, err
}

// note remembers an update banner.
func (c *Client) note(res runner.Result) {
	if _, seen := StripBanner(res.Stdout); seen {
		c.banner.CompareAndSwap(int32(UpdateUnknown), int32(UpdateSeenOnStdout))
	}
	if _, seen := StripBanner(res.Stderr); seen {
		c.banner.CompareAndSwap(int32(UpdateUnknown), int32(UpdateSeenOnStderr))
	}
}

// wait lets d pass, or returns false as soon as ctx ends.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
