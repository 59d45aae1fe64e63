package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
)

// A server is the process that is soaked and the client's end of its pipes.
type server struct {
	cmd   *exec.Cmd
	book  *book
	ended chan struct{} // the reader has seen the end of stdout

	mu    sync.Mutex // one line at a time
	stdin io.WriteCloser
}

func start(ctx context.Context, argv []string) (*server, error) {
	s := &server{book: newBook(), ended: make(chan struct{})}
	s.cmd = exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // the command line is what this program is for
	s.cmd.Stderr = os.Stderr
	var err error
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	go s.read(stdout)
	return s, nil
}

// read enters every line of stdout into the book. It ends with the server.
func (s *server) read(stdout io.Reader) {
	defer close(s.ended)
	lines := bufio.NewReaderSize(stdout, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			s.book.take(line)
		}
		if err != nil {
			return
		}
	}
}

func (s *server) send(message map[string]any) error {
	message["jsonrpc"] = "2.0"
	line, err := json.Marshal(message)
	if err != nil {
		return fmt.Errorf("encode a message: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.stdin.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("the server no longer reads: %w", err)
	}
	return nil
}

// request sends a request; answered is closed by its first answer.
func (s *server) request(method string, params map[string]any) (id int, answered <-chan struct{}, err error) {
	id, answered = s.book.open()
	return id, answered, s.send(map[string]any{"id": id, "method": method, "params": params})
}

// hello opens the session.
func (s *server) hello(ctx context.Context) error {
	_, answered, err := s.request("initialize", map[string]any{
		"protocolVersion": "2025-11-25", "capabilities": map[string]any{}, "clientInfo": map[string]any{"name": "soak", "version": "1"},
	})
	if err == nil {
		err = s.wait(ctx, answered)
	}
	if err != nil {
		return fmt.Errorf("open the session: %w", err)
	}
	return s.send(map[string]any{"method": "notifications/initialized"})
}

func (s *server) wait(ctx context.Context, answered <-chan struct{}) error {
	select {
	case <-answered:
		return nil
	case <-s.ended:
		return fmt.Errorf("the server has ended")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// close ends the session as clients do, and waits for the process.
func (s *server) close() error {
	err := s.stdin.Close()
	<-s.ended
	if wait := s.cmd.Wait(); wait != nil {
		return fmt.Errorf("the server ended badly: %w", wait)
	}
	return err
}
