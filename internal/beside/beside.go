// Package beside runs functions beside their caller. A panic in a goroutine ends
// the whole process, and with it the answers of all calls; one that runs here ends
// no more than the call that waits for it.
package beside

import (
	"runtime/debug"
	"sync"
)

// A PanicError is what a function broke down with. Value and Stack are for the log:
// either may hold text from outside.
type PanicError struct {
	Value any
	Stack []byte
}

func (*PanicError) Error() string { return "a function of this server broke down" }

// Caught runs f. The error is a *PanicError if f panicked, and nil otherwise.
func Caught(f func()) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case *PanicError: // of a goroutine further down: where it happened is what counts
			err = p
		default:
			err = &PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	f()
	return nil
}

// A Group is functions that run beside each other. The zero value is ready, and a
// Group must not be copied.
type Group struct {
	wg    sync.WaitGroup
	mu    sync.Mutex
	first error // a *PanicError
}

// Go runs f in a goroutine.
func (g *Group) Go(f func()) {
	g.wg.Go(func() {
		if err := Caught(f); err != nil {
			g.mu.Lock()
			defer g.mu.Unlock()
			if g.first == nil {
				g.first = err
			}
		}
	})
}

// Wait returns when all of them have. If one has panicked, Wait does so with its
// *PanicError: whoever waits has the net of the call under it.
func (g *Group) Wait() {
	g.wg.Wait()
	if g.first != nil {
		panic(g.first)
	}
}
