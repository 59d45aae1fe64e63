// Package cli is the simulated orbctl: the small program at the other end of the
// daemon's socket. It knows no command: it hands its words over and moves bytes.
//
// It is a leaf, so that a program of it alone starts quickly (cmd/orbsim-orbctl).
package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"orbstack-mcp/internal/orbsim/wire"
)

// Is says whether a program of that argv[0] is the simulated command line.
func Is(argv0 string) bool {
	base := filepath.Base(argv0)
	return base == "orbctl" || base == "orb"
}

// Main is the whole program. It hands the call to the daemon, moves bytes
// and gives the exit code back. Everything that it prints comes from there,
// but for what the real one does before it ever asks.
func Main(argv0 string, args []string) int {
	home, ok := os.LookupEnv("HOME")
	if !ok || home == "" { // even for version [seen]
		_, _ = os.Stderr.WriteString(PanicText("$HOME is not defined", "mustHomeDir"))
		return 2
	}
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: wire.SocketPath(home), Net: "unix"})
	if err != nil {
		return alone(args)
	}
	defer conn.Close()
	cwd, err := os.Getwd()
	if err != nil {
		cwd = "/"
	}
	c := &client{wire: wire.New(conn), sum: sha256.New()}
	hello := wire.Request{Program: filepath.Base(argv0), Argv: args, Env: os.Environ(), Cwd: cwd, UID: os.Getuid(), PID: os.Getpid()}
	if err := c.wire.SendJSON(wire.Hello, hello); err != nil {
		return alone(args)
	}
	out, err := c.converse()
	if err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "orbsim: the daemon went away: %v\n", err)
		return 1
	}
	if out.Crash {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // the signal is on its way
	}
	return out.Exit
}

// alone is the CLI that finds no daemon: OrbStack is not running, or its
// sockets are out of reach, which looks the same.
func alone(args []string) int {
	switch {
	case len(args) == 1 && args[0] == "status":
		fmt.Println("Stopped")
	case len(args) == 1 && args[0] == "version":
		fmt.Print(VersionText(Version))
		return 0
	default:
		_, _ = fmt.Fprintln(os.Stderr, "start VM: timed out waiting for VM to start")
	}
	return 1
}

// client is the other end of a call.
type client struct {
	wire    *wire.Conn
	streams sync.WaitGroup // stdout and stderr of a guest
	guest   []*os.File     // set once, before exited is closed
	exited  chan struct{}

	mu   sync.Mutex // the relay of stdin goes on until the process ends
	sum  hash.Hash
	read int64
}

func (c *client) converse() (wire.Outcome, error) {
	for {
		kind, payload, err := c.wire.Receive()
		if err != nil {
			return wire.Outcome{}, err
		}
		switch kind {
		case wire.Stdout:
			_, _ = os.Stdout.Write(payload) // a closed pipe ends the process by SIGPIPE
		case wire.Stderr:
			_, _ = os.Stderr.Write(payload)
		case wire.Ask:
			_, _ = os.Stderr.Write(payload)
			if err := c.wire.Send(wire.Answer, []byte(c.line())); err != nil {
				return wire.Outcome{}, err
			}
		case wire.Streams:
			files := c.wire.Files()
			if len(files) != 3 {
				return wire.Outcome{}, fmt.Errorf("%d streams instead of 3", len(files))
			}
			c.relay(files)
		case wire.Exit:
			return c.finish(payload)
		}
	}
}

// finish waits for the guest's last output, tells what was read of stdin and
// lets the daemon close, which it does when the call is on record.
func (c *client) finish(payload []byte) (wire.Outcome, error) {
	var out wire.Outcome
	if err := json.Unmarshal(payload, &out); err != nil {
		return out, err
	}
	if c.exited != nil {
		close(c.exited)
		for _, f := range c.guest[1:] {
			_ = f.SetReadDeadline(time.Now().Add(Idle)) // wakes a reader that waits; it sets its own from here on
		}
		c.streams.Wait()
	}
	c.mu.Lock()
	seen := wire.StdinSeen{Bytes: c.read, SHA256: hex.EncodeToString(c.sum.Sum(nil))}
	c.mu.Unlock()
	if err := c.wire.SendJSON(wire.Stdin, seen); err != nil {
		return out, nil //nolint:nilerr // the outcome is known
	}
	for {
		if _, _, err := c.wire.Receive(); err != nil {
			return out, nil //nolint:nilerr // closed, as it should be
		}
	}
}

// Idle is how long a pipe may stay silent when its end may never come: the
// output of a guest's command that has ended and left something behind, the
// input of one that a rule answers.
const Idle = 200 * time.Millisecond

func (c *client) relay(files []*os.File) {
	c.guest, c.exited = files, make(chan struct{})
	go c.relayStdin(files[0])
	c.streams.Go(func() { c.relayOut(os.Stdout, files[1]) })
	c.streams.Go(func() { c.relayOut(os.Stderr, files[2]) })
}

func (c *client) relayStdin(to *os.File) {
	defer to.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := os.Stdin.Read(buf)
		if n > 0 {
			c.count(buf[:n])
			if _, err := to.Write(buf[:n]); err != nil {
				return // the guest wants no more
			}
		}
		if err != nil {
			return
		}
	}
}

func (c *client) count(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = c.sum.Write(p) // a hash never fails
	c.read += int64(len(p))
}

// relayOut copies until the pipe ends, or is silent for a while after the
// command has ended. The time that our own reader takes does not count.
func (c *client) relayOut(to io.Writer, from *os.File) {
	buf := make([]byte, 64<<10)
	for {
		select {
		case <-c.exited:
			_ = from.SetReadDeadline(time.Now().Add(Idle))
		default:
		}
		n, err := from.Read(buf)
		if n > 0 {
			_, _ = to.Write(buf[:n])
		}
		if err != nil && (!errors.Is(err, os.ErrDeadlineExceeded) || n == 0) {
			return
		}
	}
}

// line reads stdin up to a newline, byte by byte: what follows is not ours.
func (c *client) line() string {
	var line []byte
	b := make([]byte, 1)
	for len(line) < 4096 {
		n, err := os.Stdin.Read(b)
		if n == 1 {
			c.count(b)
			if b[0] == '\n' {
				break
			}
			line = append(line, b[0])
		}
		if err != nil {
			break
		}
	}
	return string(line)
}
