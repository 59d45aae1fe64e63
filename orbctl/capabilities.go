package orbctl

import (
	"context"
	"regexp"
	"strings"

	"orbstack-mcp/orbctl/runner"
)

// A Feature is something that not every version of OrbStack has.
type Feature string

// The features, and the first version known to have each
// (docs/orbctl-contract.md §2, create).
const (
	Isolation        Feature = "isolated"          // 2.1.0
	MachineLimits    Feature = "limits"            // 2.2.0
	NetworkIsolation Feature = "isolate_network"   // seen in 2.2.1, absent in 2.0.4
	MachineMounts    Feature = "mounts"            // likewise
	AgentForwarding  Feature = "forward_ssh_agent" // likewise
	WebPorts         Feature = "web_ports"         // 2.2 (docs/orbctl-contract.md §3)
)

// features are known by a flag in the help of create. WebPorts has none of its own:
// 2.2 brought it together with AgentForwarding.
var features = []struct {
	feature Feature
	flag    string
	needs   string
}{
	{Isolation, "isolated", "2.1.0"},
	{MachineLimits, "memory", "2.2.0"},
	{NetworkIsolation, "isolate-network", "2.2.0"},
	{MachineMounts, "mount", "2.2.0"},
	{AgentForwarding, "forward-ssh-agent", "2.2.0"},
	{WebPorts, "forward-ssh-agent", "2.2.0"},
}

// Capabilities are what the orbctl that runs can do, asked of itself.
type Capabilities struct {
	Version Version
	has     map[Feature]bool
}

// Has reports whether this orbctl has the feature.
func (c Capabilities) Has(f Feature) bool { return c.has[f] }

// Require is UnsupportedVersion with the facts if this orbctl lacks the feature.
func (c Capabilities) Require(f Feature) error {
	if c.has[f] {
		return nil
	}
	e := &Error{Kind: UnsupportedVersion, Feature: string(f), Running: c.Version}
	for _, known := range features {
		if known.feature == f {
			e.Needs = known.needs
		}
	}
	return e
}

// Version asks orbctl for its version: one run, even when OrbStack is down.
func (c *Client) Version(ctx context.Context) (Version, error) {
	return read(ctx, c, runner.Call{Op: runner.OpVersion}, func(res runner.Result) (Version, error) {
		return ParseVersion(res.Stdout)
	})
}

// Capabilities asks what this orbctl can do: two runs (`version`, `create
// --help`), once in the life of the Client. Callers at the same time share one
// asking. After a failure the next caller asks again.
func (c *Client) Capabilities(ctx context.Context) (Capabilities, error) {
	if known := c.capabilities.Load(); known != nil {
		return *known, nil
	}
	select {
	case c.probing <- struct{}{}:
		defer func() { <-c.probing }()
	case <-ctx.Done():
		return Capabilities{}, ended(ctx, runner.Call{Op: runner.OpHelp}, runner.Result{}, context.Cause(ctx))
	}
	if known := c.capabilities.Load(); known != nil {
		return *known, nil
	}
	version, err := c.Version(ctx)
	if err != nil {
		return Capabilities{}, c.orNotRunning(ctx, err)
	}
	call := runner.Call{Op: runner.OpHelp, Args: []string{"create"}}
	has, err := read(ctx, c, call, func(res runner.Result) (map[Feature]bool, error) {
		return parseCreateHelp(res.Stdout)
	})
	if err != nil {
		return Capabilities{}, c.orNotRunning(ctx, err)
	}
	known := Capabilities{Version: version, has: has}
	c.capabilities.Store(&known)
	return known, nil
}

// orNotRunning is what a failure means of an orbctl that was only asked about itself:
// one that is kept from OrbStack may say anything, and status tells why.
func (c *Client) orNotRunning(ctx context.Context, failed error) error {
	if !isKind(failed, OrbctlFailed) && !isKind(failed, OrbStackStarting) {
		return failed
	}
	if status, err := c.Status(ctx); err == nil && status != runner.Running {
		return NotRunning(status)
	}
	return failed
}

// helpFlag finds the long flags in a cobra help text.
var helpFlag = regexp.MustCompile(`(?m)^\s+(?:-\w, )?--([a-z][a-z-]*)`)

// parseCreateHelp reads what `create --help` printed. Every version has the flags
// --arch and --user: a text without the first is not that help, and one without
// the second is not all of it, for the flags are sorted and all features stand
// between the two.
func parseCreateHelp(stdout string) (map[Feature]bool, error) {
	flags := map[string]bool{}
	for _, m := range helpFlag.FindAllStringSubmatch(stdout, -1) {
		flags[m[1]] = true
	}
	if !flags["arch"] || !flags["user"] {
		return nil, unreadable(runner.OpHelp, strings.TrimSpace(stdout), "it is not the help of create, or not all of it")
	}
	has := map[Feature]bool{}
	for _, f := range features {
		has[f.feature] = flags[f.flag]
	}
	return has, nil
}
