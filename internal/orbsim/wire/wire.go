// Package wire is what the simulated orbctl and its daemon say to each other, over
// one connection per call in $HOME/.orbstack/run.
//
// It is a leaf, and small: orbctl starts thousands of times in a test.
package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"
)

// The kinds of frames. Frames go both ways: a kind, a length of four bytes, a
// payload.
//
//	client → hello (a request)
//	daemon → stdout, stderr …, ask, streams (with descriptors)
//	client → answer
//	daemon → exit
//	client → stdin (what it read of its own stdin)
//	daemon closes, the client ends
//
// The client owns its descriptors alone: nobody else keeps the reader of its
// output waiting once it is killed. The data of `run` does not pass through
// frames: the daemon hands over the ends of the guest's own pipes (SCM_RIGHTS).
const (
	Hello   = 'h' // client: Request
	Stdout  = 'o' // daemon: bytes to print
	Stderr  = 'e'
	Ask     = '?' // daemon: a prompt, with the client's stdin to be read for one line
	Answer  = 'a' // client: that line, empty at end of file
	Streams = 's' // daemon: three descriptors, the guest's stdin, stdout and stderr
	Exit    = 'x' // daemon: Outcome
	Stdin   = 'i' // client: StdinSeen
)

// SocketPath is where the daemon of a home listens.
func SocketPath(home string) string { return filepath.Join(home, ".orbstack", "run", "sconrpc.sock") }

const maxFrame = 8 << 20 // a hello holds argv and environment: 2 MiB each at most on Linux

// Request is what the client knows: everything about the call but its data.
type Request struct {
	Program string   `json:"program"`
	Argv    []string `json:"argv"`
	Env     []string `json:"env"`
	Cwd     string   `json:"cwd"`
	UID     int      `json:"uid"`
	PID     int      `json:"pid"`
	State   bool     `json:"state,omitempty"` // not a call: orbsim asks for the state
	Files   bool     `json:"files,omitempty"` // with State: read guest files too
}

// Outcome ends a call.
type Outcome struct {
	Exit  int  `json:"exit"`
	Crash bool `json:"crash,omitempty"` // the client dies by SIGKILL
}

// StdinSeen is what the client passed on of its stdin.
type StdinSeen struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Conn is one end of a connection. Writes may come from several goroutines,
// reads from one.
type Conn struct {
	conn *net.UnixConn
	wmu  sync.Mutex

	buf     []byte // bytes read and not yet used
	handed  []*os.File
	scratch [64 << 10]byte
}

// New is an end of a connection.
func New(c *net.UnixConn) *Conn { return &Conn{conn: c} }

// Send writes a frame, and hands descriptors over with it.
func (w *Conn) Send(kind byte, payload []byte, fds ...int) error {
	frame := make([]byte, 5, 5+len(payload))
	frame[0] = kind
	binary.BigEndian.PutUint32(frame[1:], uint32(len(payload)))
	frame = append(frame, payload...)
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	w.wmu.Lock()
	defer w.wmu.Unlock()
	n, _, err := w.conn.WriteMsgUnix(frame, rights, nil)
	if err == nil && n < len(frame) {
		_, err = w.conn.Write(frame[n:])
	}
	return err
}

// SendJSON writes a frame of v as JSON.
func (w *Conn) SendJSON(kind byte, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.Send(kind, b)
}

// Receive reads the next frame; io.EOF when the other side has closed.
func (w *Conn) Receive() (kind byte, payload []byte, err error) {
	if err := w.fill(5); err != nil {
		return 0, nil, err
	}
	n := int(binary.BigEndian.Uint32(w.buf[1:5]))
	if n > maxFrame {
		return 0, nil, fmt.Errorf("a frame of %d bytes is over the limit of %d", n, maxFrame)
	}
	if err := w.fill(5 + n); err != nil {
		return 0, nil, err
	}
	kind, payload = w.buf[0], append([]byte(nil), w.buf[5:5+n]...)
	w.buf = w.buf[:copy(w.buf, w.buf[5+n:])]
	return kind, payload, nil
}

func (w *Conn) fill(need int) error {
	oob := make([]byte, unix.CmsgSpace(3*4))
	for len(w.buf) < need {
		n, oobn, _, _, err := w.conn.ReadMsgUnix(w.scratch[:], oob)
		if err != nil {
			return err
		}
		if oobn > 0 {
			if err := w.take(oob[:oobn]); err != nil {
				return err
			}
		}
		if n == 0 {
			if len(w.buf) > 0 {
				return io.ErrUnexpectedEOF
			}
			return io.EOF
		}
		w.buf = append(w.buf, w.scratch[:n]...)
	}
	return nil
}

func (w *Conn) take(oob []byte) error {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return fmt.Errorf("descriptors of the daemon: %w", err)
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			return fmt.Errorf("descriptors of the daemon: %w", err)
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			_ = unix.SetNonblock(fd, true) // so that reads of the pipe can have a deadline
			w.handed = append(w.handed, os.NewFile(uintptr(fd), "guest"))
		}
	}
	return nil
}

// Files takes the descriptors that came with the frame last received.
func (w *Conn) Files() []*os.File {
	f := w.handed
	w.handed = nil
	return f
}

// A Writer turns writes into frames of one kind.
type Writer struct {
	Conn *Conn
	Kind byte
}

// Write sends frames of p's bytes.
func (f Writer) Write(p []byte) (int, error) {
	const chunk = 256 << 10
	for n := 0; n < len(p); n += chunk {
		if err := f.Conn.Send(f.Kind, p[n:min(n+chunk, len(p))]); err != nil {
			return n, err
		}
	}
	return len(p), nil
}

// Close closes the connection.
func (w *Conn) Close() error { return w.conn.Close() }

// SendFiles hands descriptors over. The files stay open here, and in the mode
// that they are in.
func (w *Conn) SendFiles(kind byte, files [3]*os.File) error {
	var fds [3]int
	var send func(i int) error
	send = func(i int) error {
		if i == len(files) {
			return w.Send(kind, nil, fds[:]...)
		}
		raw, err := files[i].SyscallConn()
		if err != nil {
			return err
		}
		var inner error
		err = raw.Control(func(fd uintptr) { fds[i] = int(fd); inner = send(i + 1) })
		return errors.Join(err, inner)
	}
	return send(0)
}
