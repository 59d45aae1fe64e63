package stdio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

// Serve answers the messages of in on out until in ends, out fails or ctx is
// done, and returns when every request it has read is answered.
//
// After the end of in or of ctx, running calls have o.Drain to finish; requests
// that still come are refused. Then their contexts are cancelled (cause
// [ErrShutdown]) and they have 250 ms to say so; what runs on is answered with
// an error in its stead, and left behind. A client that does not read what is
// written holds Serve up no longer than that, and 100 ms; but while 9 MiB wait for it
// nothing is read from it either, so that the end of in is seen only if all before it
// had been read. When out fails, its reader is gone, and all calls are cancelled at once
// (cause [ErrClientGone]).
//
// The error is nil after the end of in, of ctx, or of the client; it is another
// failure of in or out. Signals are the caller's: it cancels ctx, and it must
// ignore SIGPIPE (signal.Ignore), or the runtime kills the process when
// it writes to a client that is gone (os/signal, "SIGPIPE").
//
// Serve adds an error hook to srv, so nothing else may use srv when Serve is
// called. It owns out while it runs. A goroutine that waits in in.Read goes on
// waiting after Serve has returned, until in is closed or ends.
func Serve(ctx context.Context, srv *server.MCPServer, in io.Reader, out io.Writer, o Options) error {
	o = o.withDefaults()
	catchErrors(srv)
	c := &conn{srv: srv, o: o, calls: newTable(o)}
	c.out = newWriter(out, c.calls.remove)
	c.base = newSession(newAsks(c.out), func(n mcp.JSONRPCNotification) { c.send(nil, n) })
	var stop context.CancelCauseFunc
	c.ctx, stop = context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(ErrShutdown)
	if err := srv.RegisterSession(c.ctx, c.base); err != nil {
		c.out.close(0)
		return fmt.Errorf("register session: %w", err)
	}
	defer srv.UnregisterSession(context.WithoutCancel(ctx), c.base.SessionID())

	quit := make(chan struct{})
	defer close(quit)
	lines, end := make(chan line), make(chan error, 1)
	go readLines(in, o.MaxMessage, lines, end, quit)

	return c.run(ctx.Done(), lines, end, stop)
}

// The phases of a connection, in their order.
const (
	serving  = iota
	draining // no new requests; the running ones go on
	stopping // their contexts are done
)

// run accepts lines until it is time to end, and then waits for the calls. It
// goes on reading while it waits: the client may cancel, or answer us.
func (c *conn) run(done <-chan struct{}, lines <-chan line, end <-chan error, stop context.CancelCauseFunc) error {
	var (
		err    error
		phase  = serving
		idle   chan struct{}
		timer  <-chan time.Time
		failed = c.out.failed
	)
	drain := func() {
		if phase != serving {
			return
		}
		phase, c.draining = draining, true
		c.until = time.Now().Add(c.o.Drain + grace + flush)
		for _, k := range c.calls.all() {
			if k.at == listening {
				k.cancel(ErrShutdown) // it would never end by itself
			}
		}
		idle, timer = make(chan struct{}), time.After(c.o.Drain)
		go func() { c.wg.Wait(); close(idle) }()
	}
	stopCalls := func(cause error) {
		for _, k := range c.calls.giveUp() {
			c.unstarted(k, cause)
		}
		stop(cause)
		phase, timer = stopping, time.After(grace)
	}
	for {
		input, room := lines, c.out.blocked(maxUnreadInput)
		if room != nil {
			input = nil // the client must read before it is read
		}
		select {
		case <-room:
		case <-done:
			done = nil
			drain()
		case l := <-input:
			c.accept(l)
		case why := <-end:
			if !ended(why) {
				err = fmt.Errorf("read from the client: %w", why)
			}
			c.base.asks.end(errors.New("the client has closed its side, so that no answer can come"))
			drain()
		case <-failed:
			failed = nil
			drain()
			stopCalls(ErrClientGone)
		case <-timer:
			if phase == draining {
				stopCalls(ErrShutdown)
				continue
			}
			c.abandon()
			return c.finish(err)
		case <-idle:
			return c.finish(err)
		}
	}
}

// unstarted answers a call that had no slot in time.
func (c *conn) unstarted(k *call, why error) {
	c.out.push(outgoing{text: errorLine(k.id, codeErrorf(codeBusy, "%s was not started: %s", k.method, why)), call: k, reply: true})
	k.cancel(why)
}

// abandon answers the calls whose handlers do not return.
func (c *conn) abandon() {
	for _, k := range c.calls.all() {
		if k.state.Load() != stateOpen {
			continue // its answer waits for the client
		}
		c.o.Logger.Warn("a call was left behind at shutdown", "method", k.method)
		c.out.push(outgoing{text: errorLine(k.id, codeErrorf(codeBusy, "%s did not finish: %s", k.method, ErrShutdown)), call: k, reply: true})
	}
}

// finish lets what is queued leave: as long as calls would have had, who were done
// early, for on a busy computer the writer may not have had its turn yet.
func (c *conn) finish(err error) error {
	deadline := c.until
	if soon := time.Now().Add(flush); deadline.Before(soon) {
		deadline = soon
	}
	boxed := make(chan struct{})
	go func() { c.base.box.close(); close(boxed) }()
	select {
	case <-boxed:
	case <-time.After(time.Until(deadline)):
	}
	c.out.close(time.Until(deadline))
	<-boxed // nothing holds it back now
	if lost := c.out.failure(); err == nil && lost != nil && !ended(lost) {
		err = fmt.Errorf("write to the client: %w", lost)
	}
	return err
}

// ended reports whether err is how a pipe ends whose other side was closed, or
// that we gave up.
func ended(err error) bool {
	for _, end := range []error{io.EOF, io.ErrClosedPipe, os.ErrClosed, syscall.EPIPE, syscall.ECONNRESET, os.ErrDeadlineExceeded} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}
