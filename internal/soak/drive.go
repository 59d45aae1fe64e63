package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	inFlight = 16              // calls at once
	cancels  = 3               // of a hundred calls
	patience = 3 * time.Minute // for one answer, and for the server to come to rest
	every    = 200 * time.Millisecond
)

// A soaking is all that was seen.
type soaking struct {
	calls              int
	book               *book
	began, early, late sample // at rest: before, after a tenth of the calls, after all
	most               sample // the greatest of each while it was busy
	held               []string
	locks              int
	took               time.Duration
}

func soak(ctx context.Context, calls int, argv []string) (_ soaking, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	srv, err := start(ctx, argv)
	if err != nil {
		return soaking{}, err
	}
	defer func() { err = errors.Join(err, srv.close()) }()
	s := soaking{calls: calls, book: srv.book}
	if err := srv.hello(ctx); err != nil {
		return s, err
	}
	// The first calls open what stays open: the audit log, the poller.
	if err := drive(ctx, srv, inFlight, 0); err != nil {
		return s, err
	}
	if s.began, err = rest(ctx, srv); err != nil {
		return s, err
	}
	began := time.Now()
	watched, stop := make(chan error, 1), make(chan struct{})
	go func() { watched <- s.watch(srv, stop) }()
	err = drive(ctx, srv, calls/10, 1)
	if err == nil {
		s.early, err = rest(ctx, srv)
	}
	if err == nil {
		err = drive(ctx, srv, calls-calls/10, 2)
	}
	s.took = time.Since(began)
	close(stop)
	if err = errors.Join(err, <-watched); err != nil {
		return s, err
	}
	if s.late, err = rest(ctx, srv); err != nil {
		return s, err
	}
	folder, err := lockFolder()
	if err == nil {
		s.held, s.locks, err = held(folder)
	}
	return s, err
}

// drive makes so many calls, inFlight at a time, and waits for the answers.
func drive(ctx context.Context, srv *server, calls int, seed uint64) error {
	var left atomic.Int64
	left.Store(int64(calls))
	errs := make([]error, inFlight)
	var all sync.WaitGroup
	for i := range inFlight {
		all.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(i))) //nolint:gosec // the same calls every time
			for errs[i] == nil && left.Add(-1) >= 0 {
				errs[i] = one(ctx, srv, r)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// one makes a call, and now and then takes it back.
func one(ctx context.Context, srv *server, r *rand.Rand) error {
	tool, a := random(r)
	takeBack, after := r.IntN(100) < cancels, time.Duration(r.IntN(200))*time.Millisecond
	id, answered, err := srv.request("tools/call", map[string]any{"name": tool, "arguments": a})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("%s %v: no answer after %s", tool, a, patience))
	defer cancel()
	if !takeBack {
		return srv.wait(ctx, answered)
	}
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-answered:
		return nil
	case <-timer.C:
	}
	srv.book.cancel(id)
	return srv.send(map[string]any{"method": "notifications/cancelled", "params": map[string]any{"requestId": id, "reason": "soak"}})
}

// rest waits until the server has no child left, for a second: a call that was
// taken back may still be ending.
func rest(ctx context.Context, srv *server) (s sample, err error) {
	quiet := 0
	for until := time.Now().Add(patience); quiet < 5 && time.Now().Before(until); {
		if s, err = look(srv.cmd.Process.Pid); err != nil {
			return s, err
		}
		quiet++
		if s.Children > 0 {
			quiet = 0
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return s, context.Cause(ctx)
		}
	}
	return s, nil // with children, if it never came to rest: problems tells
}

// watch keeps the greatest of each until stop.
func (s *soaking) watch(srv *server, stop <-chan struct{}) error {
	for {
		now, err := look(srv.cmd.Process.Pid)
		if err != nil {
			return err
		}
		s.most = sample{max(s.most.RSS, now.RSS), max(s.most.Threads, now.Threads), max(s.most.Files, now.Files), max(s.most.Children, now.Children)}
		select {
		case <-time.After(every):
		case <-stop:
			return nil
		}
	}
}
