package orbsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// TestMain is also orbctl, and the main process of a world: worlds start this
// same binary again.
func TestMain(m *testing.M) {
	if code, done, err := Dispatch(os.Args); done {
		if err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(code)
	}
	dir, err := os.MkdirTemp("", "orbsim-orbctl-")
	if err == nil {
		orbctl = filepath.Join(dir, "orbctl")
		err = build(orbctl)
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// orbctl is the program that a world's home has, and not this test binary, which
// could be it: with the race detector that takes ten times as long to start.
var orbctl string

func build(to string) error {
	cmd := exec.Command("go", "build", "-buildvcs=false", "-ldflags", "-s -w", "-o", to, "../../cmd/orbsim-orbctl")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// sim is a world that is up, at level 4, and its command line.
type sim struct {
	t      *testing.T
	home   string
	record string
	d      *Daemon
}

func up(t *testing.T, yaml string) *sim {
	t.Helper()
	return upWith(t, yaml, func(*Options) {})
}

func upWith(t *testing.T, yaml string, change func(*Options)) *sim {
	t.Helper()
	w, err := worldfile.Parse([]byte(yaml))
	require.NoError(t, err)
	home, err := os.MkdirTemp("", "o") // t.TempDir is too long for a socket's path
	require.NoError(t, err)
	s := &sim{t: t, home: home, record: filepath.Join(home, "record.jsonl")}
	rec, err := OpenRecorder(s.record)
	require.NoError(t, err)
	o := Options{World: w, Engine: NewPlain(w, 4), Record: rec, Home: home}
	change(&o)
	s.d, err = Start(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, s.d.Close())
		require.NoError(t, rec.Close())
		require.NoError(t, os.RemoveAll(home))
	})
	return s
}

type result struct {
	out, err string
	exit     int
	signal   string
}

func (s *sim) command(args ...string) *exec.Cmd {
	return &exec.Cmd{Path: orbctl, Args: append([]string{"orbctl"}, args...), Env: []string{"HOME=" + s.home, "USER=ana", "SECRET=canary"}, Dir: "/"}
}

func (s *sim) orbctl(args ...string) result { return finish(s.t, s.command(args...), "") }

func finish(t *testing.T, cmd *exec.Cmd, stdin string) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if stdin != "" {
		cmd.Stdin = strings.NewReader(stdin)
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	r := result{out: out.String(), err: errs.String(), exit: cmd.ProcessState.ExitCode()}
	if r.exit < 0 {
		r.signal = strings.TrimPrefix(cmd.ProcessState.String(), "signal: ")
	}
	return r
}

func (s *sim) state() State { return s.d.Snapshot(s.t.Context(), false) }

func (s *sim) machine(name string) MachineState {
	for _, m := range s.state().Machines {
		if m.Name == name {
			return m
		}
	}
	require.Failf(s.t, "no such machine", "%s", name)
	return MachineState{}
}

func (s *sim) records() []Record {
	b, err := os.ReadFile(s.record)
	require.NoError(s.t, err)
	return parseRecords(s.t, b)
}

func parseRecords(t *testing.T, b []byte) []Record {
	var out []Record
	for line := range strings.Lines(string(b)) {
		var r Record
		require.NoError(t, json.Unmarshal([]byte(line), &r), line)
		out = append(out, r)
	}
	return out
}

// ended is the record of the last call's end.
func (s *sim) ended() Record {
	records := s.records()
	require.NotEmpty(s.t, records)
	last := records[len(records)-1]
	require.Equal(s.t, "end", last.Event)
	return last
}

func sample(t *testing.T, name string) string {
	b, err := os.ReadFile(filepath.Join("..", "..", "orbctl", "testdata", name))
	require.NoError(t, err)
	return string(b)
}
