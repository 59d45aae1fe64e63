package orbctl_test

import (
	"context"
	"errors"
	"fmt"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
)

// The real runner is one.
var _ orbctl.Runner = (*runner.Runner)(nil)

// An OrbStack in which `info` finds nothing.
type nothing struct{}

func (nothing) Status(context.Context) (runner.Status, error) { return runner.Running, nil }

func (nothing) Edition(string) runner.Edition { return "" }

func (nothing) Places(context.Context, int) (*runner.Places, error) { return nil, nil }

func (nothing) Hold(context.Context, ...runner.Call) (*runner.Hold, error) { return nil, nil }

func (nothing) Run(_ context.Context, call runner.Call) (runner.Result, error) {
	if call.Op == runner.OpInfo {
		return runner.Result{Exit: 1, Stderr: "[-32098] machine not found: '" + call.Machine + "'\n"}, nil
	}
	return runner.Result{Stdout: `[{"name":"web","state":"running"}]`}, nil
}

func ExampleClient_Machine() {
	client := orbctl.New(nothing{}, orbctl.Mac{CPUs: 8, MemoryBytes: 16 << 30}) // in the program: runner.New, orbctl.ReadMac
	_, err := client.Machine(context.Background(), "wbe")

	var missing *orbctl.Error
	if errors.As(err, &missing) {
		fmt.Println(missing.Kind, missing.Machine, missing.Have, missing.Nearest)
	}
	// Output: machine_not_found wbe [web] [web]
}
