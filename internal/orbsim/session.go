package orbsim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"orbstack-mcp/internal/orbsim/namespaces"
	"orbstack-mcp/internal/orbsim/worldfile"
)

// ExitOwn is the exit code when orbsim itself failed, as env and docker have
// it; every other code is COMMAND's.
const ExitOwn = 125

// VerbInside is the hidden verb with which Run starts itself again as the main
// process of a world of namespaces.
const VerbInside = "__inside"

// Session is one `orbsim run` or `orbsim up`.
type Session struct {
	World       string   // a built-in world's name or a file
	Record      string   // "" keeps none
	State       string   // file for the state at the end; "" none
	StateBefore string   // file for the state at the start; "" none
	Files       bool     // the states hold guest files too
	Home        string   // the Mac user's home; "" is a fresh one, removed at the end
	Command     []string // empty: stay up until a signal
	Level       int      // 0: the best there is; 4 forces the engine without namespaces
	UserUID0    bool     // see Options; set on the way into a user namespace
}

// Run brings a world up, runs the command as the Mac and takes the world down.
// The exit code is the command's, or ExitOwn with an error that says why, or
// 127 and 126 when the command could not be started.
func (s Session) Run(ctx context.Context) (int, error) {
	w, err := worldfile.Load(s.World)
	if err != nil {
		return ExitOwn, err
	}
	if s.Level != 0 && s.Level != namespaces.LevelNone {
		return ExitOwn, fmt.Errorf("level %d can't be asked for: 0 is the best there is, %d does without namespaces", s.Level, namespaces.LevelNone)
	}
	level, why := s.level()
	var sweep *sweeper
	if s.Home == "" && (level > namespaces.LevelRoot || len(s.Command) == 0) {
		if sweep, err = newSweeper(); err != nil {
			return ExitOwn, err
		}
		defer sweep.close()
		s.Home = sweep.home
	}
	if level > namespaces.LevelRoot {
		warn(w, level, why)
		engine := NewPlain(w, level)
		engine.started = sweep.watch
		return s.up(ctx, w, engine, s.Home)
	}
	if err := namespaces.Prepare(ctx, w); err != nil {
		return ExitOwn, err
	}
	s.UserUID0 = level == namespaces.LevelUser && os.Getuid() != 0
	return namespaces.Launch(ctx, namespaces.LaunchOptions{Args: append([]string{VerbInside}, s.encode()...)})
}

// level is the level to bring the world up at, and why it is not a better one.
// Where the environment requires namespaces, a host that refuses them is an error
// and nothing to find out beforehand: the world comes up in half the time.
func (s Session) level() (level int, why string) {
	if s.Level != 0 {
		return s.Level, "it was asked for"
	}
	if worst, err := strconv.Atoi(os.Getenv(namespaces.RequireEnv)); err != nil || worst > namespaces.LevelRoot {
		return namespaces.Probe()
	}
	if os.Getuid() != 0 {
		return namespaces.LevelUser, ""
	}
	return namespaces.LevelRoot, ""
}

// warn says what a world loses without namespaces.
func warn(w worldfile.World, level int, why string) {
	_, _ = fmt.Fprintf(os.Stderr, "orbsim: level %d of 4 (%s): no packets and no programs in machines, only guest_rules; see orbsim doctor\n", level, why)
	if faults := netFaults(w.Faults); len(faults) > 0 {
		_, _ = fmt.Fprintf(os.Stderr, "orbsim: %d network faults of the world are not in force\n", len(faults))
	}
}

// Inside is the other half of Run, in the main process of a new world.
func Inside(ctx context.Context, args []string) (int, error) {
	s, err := decodeSession(args)
	if err != nil {
		return ExitOwn, err
	}
	w, err := worldfile.Load(s.World)
	if err != nil {
		return ExitOwn, err
	}
	engine, err := OpenNamespaces(w)
	if err != nil {
		return ExitOwn, err
	}
	home := s.Home
	if home == "" {
		home = engine.Dir()
	}
	return s.up(ctx, w, engine, home)
}

// up is the life of a world: machines, daemon, command, end.
func (s Session) up(ctx context.Context, w worldfile.World, engine Engine, home string) (exit int, err error) {
	defer func() { err = errors.Join(err, engine.Close()) }()
	var record *Recorder
	if s.Record != "" {
		if record, err = OpenRecorder(s.Record); err != nil {
			return ExitOwn, err
		}
		defer record.Close()
	}
	installed := make(chan error, 1) // copying the binary and booting machines take the same time
	go func() { installed <- install(home) }()
	d, err := Start(ctx, Options{World: w, Engine: engine, Record: record, Home: home, UserUID0: s.UserUID0})
	if err := errors.Join(err, <-installed); err != nil {
		if d != nil {
			err = errors.Join(err, d.Close())
		}
		return ExitOwn, err
	}
	defer func() {
		if stateErr := s.writeState(ctx, d, s.State); stateErr != nil {
			exit, err = ExitOwn, errors.Join(err, stateErr)
		}
		err = errors.Join(err, d.Close())
	}()
	if err := s.writeState(ctx, d, s.StateBefore); err != nil {
		return ExitOwn, err
	}
	if len(s.Command) == 0 {
		return 0, stay(ctx, w, engine.Level(), home)
	}
	return engine.Foreground(s.Command, macEnv(home))
}

func (s Session) writeState(ctx context.Context, d *Daemon, path string) error {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return errors.Join(d.WriteState(context.WithoutCancel(ctx), f, s.Files), f.Close())
}

// macEnv is the environment of COMMAND: this process's own, but for the home
// and the place of orbctl.
func macEnv(home string) []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "HOME=") || strings.HasPrefix(kv, "ORBSTACK_MCP_ORBCTL=") || strings.HasPrefix(kv, "ORBSIM_")
	})
	return append(env, "HOME="+home, "ORBSTACK_MCP_ORBCTL="+OrbctlPath(home))
}

// stay says how to use the world and waits for a signal.
func stay(ctx context.Context, w worldfile.World, level int, home string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer stop()
	_, err := fmt.Printf(`OrbStack %s (simulated, level %d) is up with %d machines. Ctrl-C ends it.

  export HOME=%s ORBSTACK_MCP_ORBCTL=%s
  $ORBSTACK_MCP_ORBCTL list
  orbsim state

Programs started from another shell are outside the world's network; what must
reach machines as the Mac does, start with: orbsim run WORLD -- COMMAND
`, w.Version, level, len(w.Machines), home, OrbctlPath(home))
	<-ctx.Done()
	return err
}

// program is what becomes orbctl: orbsim-orbctl where it stands beside this
// program, else this program itself, which is the same and slower to start.
func program() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	alone := filepath.Join(filepath.Dir(self), "orbsim-orbctl")
	if st, err := os.Stat(alone); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
		return alone, nil
	}
	return self, nil
}

// install puts orbctl and orb into the home.
func install(home string) error {
	orbctl := OrbctlPath(home)
	if err := os.MkdirAll(home, 0o755); err != nil {
		return fmt.Errorf("make the home: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(orbctl), 0o755); err != nil {
		return fmt.Errorf("make the folder of orbctl: %w", err)
	}
	from, err := program()
	if err != nil {
		return err
	}
	for _, p := range []string{orbctl, filepath.Join(filepath.Dir(orbctl), "orb")} {
		if err := os.Remove(p); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("replace orbctl: %w", err)
		}
		if err := os.Link(from, p); err == nil {
			continue
		}
		if err := copyProgram(from, p); err != nil {
			return fmt.Errorf("install orbctl: %w", err)
		}
		from = p // the second name is a link to the first copy
	}
	return nil
}

func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
