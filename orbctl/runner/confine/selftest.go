package confine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"orbstack-mcp/orbctl/runner/confine/trial"
)

// What the self-test tries, in words.
const (
	startProcesses = "starting processes"
	useNetwork     = "using the network"
	readFiles      = "reading other files"
	writeFiles     = "writing files"
)

var tries = []struct{ try, words string }{
	{trial.Fork, startProcesses},
	{trial.Network, useNetwork},
	{trial.Read, readFiles},
	{trial.Write, writeFiles},
}

// patience bounds the self-test, which takes some ten milliseconds.
const patience = 10 * time.Second

// stands runs this program inside, which then tries what it must not be able to
// do. The error says why the wall does not stand.
func (w *wall) stands() error {
	exit, out, errOut, err := w.try()
	if err == nil && w.failed != nil {
		err = w.failed(exit, errOut)
	}
	var setup *SetupError
	switch {
	case errors.As(err, &setup):
		return fmt.Errorf("%s does not work here: %s: %w", w.name, setup.Step, setup.Err)
	case err != nil:
		return fmt.Errorf("the self-test of %s could not be run: %w", w.name, err)
	}
	return w.verdict(exit, out)
}

// try is how the self-test ends, and what it says. That is less than a pipe holds,
// so that nobody has to read it before the end.
func (w *wall) try() (exit int, said, failed string, err error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, "", "", err
	}
	defer null.Close()
	var pipes [2]struct{ r, w *os.File }
	for i := range pipes {
		if pipes[i].r, pipes[i].w, err = os.Pipe(); err != nil {
			return 0, "", "", err
		}
		defer pipes[i].r.Close()
		defer pipes[i].w.Close()
	}
	process, err := w.start(Profile{}, Command{
		Path: w.self, Argv: []string{w.self}, Env: []string{trial.Variable + "=" + w.self},
		Files: [3]*os.File{null, pipes[0].w, pipes[1].w},
	})
	if err != nil {
		return 0, "", "", err
	}
	end := time.AfterFunc(patience, func() { _ = process.Kill() })
	state, err := process.Wait()
	if !end.Stop() {
		return 0, "", "", fmt.Errorf("it did not end within %s", patience)
	}
	if err != nil {
		return 0, "", "", fmt.Errorf("its end cannot be told: %w", err)
	}
	var texts [2]string
	for i, p := range pipes {
		_ = p.w.Close()
		_ = p.r.SetReadDeadline(time.Now().Add(time.Second)) // somebody else may hold the other side
		text, _ := io.ReadAll(io.LimitReader(p.r, 64<<10))
		texts[i] = string(text)
	}
	return state.ExitCode(), texts[0], texts[1], nil
}

// verdict is what the self-test's end means.
func (w *wall) verdict(exit int, out string) error {
	refused := strings.Fields(out)
	if exit != 0 || !slices.Contains(refused, trial.Done) {
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
