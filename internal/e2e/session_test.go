package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A session is one client's connection to a server process of its own.
type session struct {
	t      testing.TB
	era    era
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr *syncBuffer
	record *record
	person person // nil: the client can't ask anybody

	mu      sync.Mutex
	waiting map[string]chan message
	notes   []message
	stray   []string // what came on stdout and is no answer to anything
	ended   chan struct{}
	next    int
	plans   []string       // what the person was asked
	answers sync.WaitGroup // to what the server asked
}

type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// open starts a server in a world: the name of a built-in one, or a YAML text.
func open(t testing.TB, world string, e era, serverArgs ...string) *session {
	t.Helper()
	return openWith(t, world, e, nil, append([]string{bin.server}, serverArgs...)...)
}

// openWith is open with flags for orbsim and a command line of one's own, which
// has to end in a server.
func openWith(t testing.TB, world string, e era, simFlags []string, command ...string) *session {
	t.Helper()
	return openTo(t, world, e, nil, simFlags, command...)
}

// openTo is openWith for a client whose user can be asked.
func openTo(t testing.TB, world string, e era, p person, simFlags []string, command ...string) *session {
	t.Helper()
	s := &session{t: t, era: e, person: p, waiting: map[string]chan message{}, ended: make(chan struct{}), stderr: &syncBuffer{}, record: &record{file: t.TempDir() + "/record.jsonl"}}
	args := append([]string{"run", worldArg(t, world), "--record", s.record.file}, simFlags...)
	s.cmd = exec.Command(bin.sim, append(append(args, "--"), command...)...)
	s.cmd.Stderr = s.stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var err error
	s.stdin, err = s.cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := s.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.cmd.Start())
	go s.read(stdout)
	t.Cleanup(s.close)
	s.initialize(t)
	return s
}

// initialize is how a legacy client begins; a modern one begins with any request.
func (s *session) initialize(t testing.TB) {
	t.Helper()
	if s.era == modern {
		return
	}
	r := s.request(t, "initialize", map[string]any{"protocolVersion": string(s.era), "capabilities": s.capabilities(), "clientInfo": map[string]any{"name": "e2e", "version": "1"}})
	require.Nil(t, r.Error, "initialize: %s", s.stderr)
	s.send(map[string]any{"jsonrpc": "2.0", "method": "notifications/initialized"})
}

func (s *session) read(stdout io.Reader) {
	defer close(s.ended)
	r := bufio.NewReaderSize(stdout, 1<<20)
	for {
		line, err := r.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			s.take(line)
		}
		if err != nil {
			return
		}
	}
}

func (s *session) take(line []byte) {
	var m message
	err := json.Unmarshal(line, &m)
	s.mu.Lock()
	defer s.mu.Unlock()
	answer, asked := s.waiting[string(m.ID)]
	switch {
	case err == nil && m.Method != "" && len(m.ID) == 0:
		s.notes = append(s.notes, m)
	case err == nil && m.Method == "elicitation/create" && s.person != nil:
		s.answers.Go(func() { s.answer(m) })
	case err == nil && asked:
		delete(s.waiting, string(m.ID))
		answer <- m
	default:
		s.stray = append(s.stray, string(line))
	}
}

func (s *session) send(m map[string]any) {
	b, err := json.Marshal(m)
	require.NoError(s.t, err)
	_, err = s.stdin.Write(append(b, '\n'))
	require.NoError(s.t, err, "the server is gone: %s", s.stderr)
}

// start sends a request and gives the channel on which its answer comes.
func (s *session) start(method string, params map[string]any) (id int, answer <-chan message) {
	s.mu.Lock()
	s.next++
	id = s.next
	c := make(chan message, 1)
	s.waiting[fmt.Sprint(id)] = c
	s.mu.Unlock()
	if s.era == modern {
		meta := map[string]any{
			"io.modelcontextprotocol/protocolVersion":    string(modern),
			"io.modelcontextprotocol/clientInfo":         map[string]any{"name": "e2e", "version": "1"},
			"io.modelcontextprotocol/clientCapabilities": s.capabilities(),
		}
		if given, ok := params["_meta"].(map[string]any); ok {
			for k, v := range given {
				meta[k] = v
			}
		}
		withMeta := map[string]any{"_meta": meta}
		for k, v := range params {
			if k != "_meta" {
				withMeta[k] = v
			}
		}
		params = withMeta
	}
	s.send(map[string]any{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
	return id, c
}

// forget makes an answer to a request a stray, which close finds.
func (s *session) forget(id int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, fmt.Sprint(id))
}

// patience is how long an answer may take before a test gives up on it; it
// bounds a failing test and measures nothing.
const patience = 90 * time.Second

func (s *session) wait(t testing.TB, answer <-chan message) message {
	t.Helper()
	select {
	case m := <-answer:
		return m
	case <-s.ended:
		select {
		case m := <-answer:
			return m
		default:
		}
		require.Fail(t, "the server ended without an answer", s.stderr.String())
	case <-time.After(patience):
		require.Fail(t, "no answer", s.stderr.String())
	}
	return message{}
}

func (s *session) request(t testing.TB, method string, params map[string]any) message {
	t.Helper()
	_, answer := s.start(method, params)
	return s.wait(t, answer)
}

// close ends the session as clients do: end of input, then wait.
func (s *session) close() {
	_ = s.stdin.Close()
	select {
	case <-s.ended:
	case <-time.After(patience):
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		s.t.Error("the server did not end at end of input")
	}
	s.answers.Wait()
	err := s.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) && !s.t.Failed() {
		s.t.Errorf("the server ended with %v: %s", err, s.stderr)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.stray) > 0 {
		s.t.Errorf("stdout carried what nobody asked for: %s", strings.Join(s.stray, ""))
	}
}

// syncBuffer collects stderr while the test may read it.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
