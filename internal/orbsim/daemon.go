package orbsim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"orbstack-mcp/internal/orbsim/wire"
	"orbstack-mcp/internal/orbsim/worldfile"
)

// The words of `status`, as they are stored.
const (
	statusRunning  = "running"
	statusStarting = "starting"
	statusStopped  = "stopped"
)

// Daemon is the simulated OrbStack itself.
type Daemon struct {
	world  worldfile.World
	engine Engine
	record *Recorder
	faults *faults
	rules  []rule
	rootIs int // the uid inside that is the user's own: at level 1 uid 0 is no root

	calls   atomic.Int64
	life    context.Context // ends with Close
	end     context.CancelFunc
	sockets []*net.UnixListener
	work    sync.WaitGroup // connections, and what goes on after their clients have left

	mu       sync.Mutex
	status   string
	fallback string // the default machine; "none", or "" until there is one
	config   map[string]string
	machines []*machine
	resume   []*machine // ran when OrbStack was stopped
}

type rule struct {
	worldfile.GuestRule
	argv *regexp.Regexp
}

// Options of a Daemon.
type Options struct {
	World  worldfile.World // complete: from worldfile.Load, Parse or Complete
	Engine Engine
	Record *Recorder // may be nil
	Home   string    // the Mac user's home folder: sockets and orbctl go below .orbstack
	// UserUID0 says that uid 0 here is an ordinary user's in a user namespace, so
	// that a world with `uid0: refuse` does not refuse it.
	UserUID0 bool
}

// OrbctlPath is where a home has its orbctl.
func OrbctlPath(home string) string { return filepath.Join(home, ".orbstack", "bin", "orbctl") }

// Start brings a world's OrbStack up: machines boot at once, then the socket is
// there. The caller ends it with Close.
func Start(ctx context.Context, o Options) (*Daemon, error) {
	d := &Daemon{
		world: o.World, engine: o.Engine, record: o.Record, faults: newFaults(o.World.Faults),
		status: o.World.Status, fallback: o.World.Default, config: maps.Clone(o.World.Config), rootIs: -1,
	}
	if o.UserUID0 {
		d.rootIs = 0
	}
	if d.config == nil {
		d.config = map[string]string{}
	}
	for _, r := range o.World.GuestRules {
		d.rules = append(d.rules, rule{r, regexp.MustCompile(r.Argv)}) // checked by worldfile
	}
	d.life, d.end = context.WithCancel(context.WithoutCancel(ctx))
	if err := d.populate(ctx); err != nil {
		d.end()
		return nil, err
	}
	// Nobody has anything to say to vmcontrol.sock, but a program that looks
	// whether OrbStack's sockets are within its reach (§8) tries it.
	control := filepath.Join(filepath.Dir(wire.SocketPath(o.Home)), "vmcontrol.sock")
	err := d.listen(wire.SocketPath(o.Home), d.serve)
	if err == nil {
		err = d.listen(control, func(c *net.UnixConn) { _ = c.Close() })
	}
	if err != nil {
		d.end()
		return nil, errors.Join(err, d.closeSockets())
	}
	return d, nil
}

// populate makes the world's machines and boots those that run.
func (d *Daemon) populate(ctx context.Context) error {
	var running []*machine
	for _, spec := range d.world.Machines {
		state := spec.State
		m, err := d.add(spec)
		if err != nil {
			return err
		}
		if state != stateRunning {
			continue
		}
		m.spec.State = stateStopped
		if d.status == statusRunning {
			running = append(running, m)
		} else {
			d.resume = append(d.resume, m)
		}
	}
	return d.each(running, func(m *machine) error { _, err := d.boot(ctx, m); return err })
}

// maxSocketPath is what sockaddr_un takes on Linux and macOS alike, less its final zero.
const maxSocketPath = 103

// listen makes an owner-only socket and hands its connections to serve.
func (d *Daemon) listen(path string, serve func(*net.UnixConn)) error {
	if len(path) > maxSocketPath {
		return fmt.Errorf("the socket %s would be longer than %d bytes: use a shorter --home", path, maxSocketPath)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make the folder of the sockets: %w", err)
	}
	if err := removeStale(path); err != nil {
		return err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return fmt.Errorf("listen for orbctl: %w", err)
	}
	d.sockets = append(d.sockets, l)
	if err := os.Chmod(path, 0o600); err != nil {
		return fmt.Errorf("make a socket its owner's only: %w", err)
	}
	d.work.Go(func() {
		for {
			conn, err := l.AcceptUnix()
			if err != nil {
				return // closed
			}
			d.work.Go(func() { serve(conn) })
		}
	})
	return nil
}

func (d *Daemon) closeSockets() error {
	var errs []error
	for _, l := range d.sockets {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// removeStale takes a socket away that nobody listens on any more.
func removeStale(path string) error {
	c, err := net.Dial("unix", path)
	if err == nil {
		_ = c.Close()
		return fmt.Errorf("another simulator listens on %s: end it, or use another --home", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the old socket: %w", err)
	}
	return nil
}

// Close ends all calls, the machines and the socket.
func (d *Daemon) Close() error {
	err := d.closeSockets()
	d.end()
	d.work.Wait()
	return errors.Join(err, d.each(d.all(), func(m *machine) error {
		_, err := d.halt(context.WithoutCancel(d.life), m)
		return err
	}))
}

// serve answers one call.
func (d *Daemon) serve(conn *net.UnixConn) {
	defer conn.Close()
	defer context.AfterFunc(d.life, func() { _ = conn.Close() })() // a client that says nothing does not keep the daemon up
	w := wire.New(conn)
	kind, payload, err := w.Receive()
	if err != nil || kind != wire.Hello {
		return
	}
	var req wire.Request
	if err := json.Unmarshal(payload, &req); err != nil {
		return
	}
	if req.State {
		if b, err := json.Marshal(d.Snapshot(d.life, req.Files)); err == nil {
			_, _ = wire.Writer{Conn: w, Kind: wire.Stdout}.Write(append(b, '\n'))
		}
		_ = w.SendJSON(wire.Exit, wire.Outcome{})
		return
	}
	d.answer(w, req)
}

func (d *Daemon) answer(w *wire.Conn, req wire.Request) {
	start := time.Now()
	n := d.calls.Add(1)
	uid := req.UID
	if err := d.record.write(Record{Event: "start", N: n, Time: start, Argv: req.Argv, Program: req.Program, Env: req.Env, Cwd: req.Cwd, UID: &uid, PID: req.PID}); err != nil {
		_ = w.Send(wire.Stderr, []byte("orbsim: "+err.Error()+"\n"))
		_ = w.SendJSON(wire.Exit, wire.Outcome{Exit: 1})
		return
	}
	ctx, gone := context.WithCancelCause(d.life)
	defer gone(nil)
	c := &call{d: d, req: req, wire: w, stdout: wire.Writer{Conn: w, Kind: wire.Stdout}, stderr: wire.Writer{Conn: w, Kind: wire.Stderr}, answers: make(chan string), seen: make(chan wire.StdinSeen, 1)}
	reader := make(chan struct{})
	go func() { // d.work holds it: answer waits for reader below
		defer close(reader)
		gone(c.listen(ctx))
	}()
	out := c.handle(ctx)
	end := Record{Event: "end", N: n, Argv: req.Argv, Exit: &out.Exit, Effects: c.effects, Gap: c.gap, GuestRule: c.rule, Fault: c.fault}
	if out.Crash {
		end.Signal = "killed"
	}
	if err := w.SendJSON(wire.Exit, out); err == nil {
		select {
		case seen := <-c.seen:
			end.StdinBytes, end.StdinSHA256 = &seen.Bytes, seen.SHA256
		case <-reader:
		}
	}
	select {
	case seen := <-c.seen:
		end.StdinBytes, end.StdinSHA256 = &seen.Bytes, seen.SHA256
	default:
	}
	end.ClientGone = end.StdinBytes == nil
	end.Time = time.Now()
	ms := end.Time.Sub(start).Milliseconds()
	end.Millis = &ms
	_ = d.record.write(end) // the start of this call could be written; there is nobody left to tell
	_ = w.Close()
	<-reader
}

var errClientGone = errors.New("the client has gone")

// listen reads what the client says while its call runs.
func (c *call) listen(ctx context.Context) error {
	for {
		kind, payload, err := c.wire.Receive()
		if err != nil {
			return errClientGone
		}
		switch kind {
		case wire.Answer:
			select {
			case c.answers <- string(payload):
			case <-ctx.Done():
			}
		case wire.Stdin:
			var seen wire.StdinSeen
			if json.Unmarshal(payload, &seen) == nil {
				select {
				case c.seen <- seen:
				default:
				}
			}
		}
	}
}

// has says whether the simulated version is at least since.
func (d *Daemon) has(since string) bool { return number(d.world.Version) >= number(since) }

func number(version string) int {
	n := 0
	for part := range strings.SplitSeq(version, ".") {
		v, err := strconv.Atoi(part)
		if err != nil {
			return 0
		}
		n = n*1000 + v
	}
	return n
}

// Calls is how many calls have reached orbctl.
func (d *Daemon) Calls() int64 { return d.calls.Load() }

// WriteState writes the state as one line of JSON.
func (d *Daemon) WriteState(ctx context.Context, w io.Writer, files bool) error {
	b, err := json.Marshal(d.Snapshot(ctx, files))
	if err != nil {
		return fmt.Errorf("encode the state: %w", err)
	}
	_, err = w.Write(append(b, '\n'))
	return err
}
