package confine

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"orbstack-mcp/orbctl/runner/confine/stage"
)

// What the self-test tries, in words.
const (
	startProcesses = "starting processes"
	useNetwork     = "using the network"
	readFiles      = "reading other files"
	writeFiles     = "writing files"
)

var tries = []struct{ try, words string }{
	{stage.TryFork, startProcesses},
	{stage.TrySocket, useNetwork},
	{stage.TryRead, readFiles},
	{stage.TryWrite, writeFiles},
}

// patience bounds the self-test, which takes some ten milliseconds.
const patience = 10 * time.Second

// stands runs this program inside, which then tries what it must not be able to
// do. The error says why the wall does not stand.
func (w *wall) stands() error {
	c, err := w.wrap(Profile{}, command{path: w.self, argv: []string{w.self}, env: []string{stage.SelfTest + "=1"}})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var out, errOut strings.Builder
	cmd := exec.CommandContext(ctx, c.path) //nolint:gosec // ourselves, or the system's sandbox-exec
	cmd.Args, cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = c.argv, c.env, "/", &out, &errOut
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	var ended *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("the self-test of %s did not end within %s", w.name, patience)
	case errors.As(err, &ended):
		return w.verdict(ended.ExitCode(), out.String(), errOut.String())
	case err != nil:
		return fmt.Errorf("the self-test of %s could not be run: %w", w.name, err)
	}
	return w.verdict(0, out.String(), errOut.String())
}

// verdict is what the self-test's end means.
func (w *wall) verdict(exit int, out, errOut string) error {
	if err := w.failed(exit, errOut); err != nil {
		var setup *SetupError
		if errors.As(err, &setup) {
			return fmt.Errorf("%s does not work here: %s: %w", w.name, setup.Step, setup.Err)
		}
		return err
	}
	refused := strings.Fields(out)
	if exit != 0 || !slices.Contains(refused, stage.Tried) {
		return fmt.Errorf("the self-test of %s came to no end (exit %d)", w.name, exit)
	}
	var open []string
	for _, t := range tries {
		if !slices.Contains(refused, t.try) && !slices.Contains(w.misses, t.words) {
			open = append(open, t.words)
		}
	}
	if len(open) > 0 {
		return fmt.Errorf("%s is set up but keeps nobody from this: %s", w.name, strings.Join(open, ", "))
	}
	return nil
}
