package stdio

import (
	"io"
	"sync"
	"time"
)

// outgoing is one line on its way to the client.
type outgoing struct {
	text  []byte
	call  *call // whose it is; nil: nobody's
	reply bool  // the reply of call; if not, something that must precede it
}

// writer owns the pipe to the client: one goroutine writes, everybody else
// queues. What waits is bounded in bytes, by holding back who produces it.
type writer struct {
	out  io.Writer
	sent func(*call) // called just before its reply is written

	mu      sync.Mutex
	queue   []outgoing
	bytes   int           // queued, and being written
	room    chan struct{} // closed when bytes falls; nil while nobody waits for that
	closing bool
	err     error // of the first write that failed

	wake   chan struct{} // capacity 1: there is something to do
	failed chan struct{} // closed after err is set
	done   chan struct{} // closed when the goroutine has ended
	gone   chan struct{} // closed by abandon: nobody waits for room any more
}

func newWriter(out io.Writer, sent func(*call)) *writer {
	w := &writer{
		out: out, sent: sent, wake: make(chan struct{}, 1),
		failed: make(chan struct{}), done: make(chan struct{}), gone: make(chan struct{}),
	}
	go w.run()
	return w
}

// push queues a line at once.
func (w *writer) push(l outgoing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.append(l)
}

// put queues a line when the client has read enough of what came before. It
// reports whether the line was queued; if not, the call was cancelled or the
// client is gone.
func (w *writer) put(l outgoing) bool {
	var over <-chan struct{}
	if l.call != nil {
		over = l.call.ctx.Done()
	}
	for {
		w.mu.Lock()
		if w.bytes < maxUnread || l.dropped() {
			ok := w.append(l)
			w.mu.Unlock()
			return ok
		}
		room := w.roomLocked()
		w.mu.Unlock()
		select {
		case <-room:
		case <-over:
			over = nil // look once more: is it cancelled? if not, wait on
		case <-w.failed:
			return false
		case <-w.gone:
			return false
		}
	}
}

// append queues l unless nobody may see it. That the call is answered becomes
// true and its reply is queued under one lock: so no call has two replies, none
// counts as answered whose reply could still be lost, and nothing of a call
// is queued after its reply.
func (w *writer) append(l outgoing) bool {
	if w.closing || w.err != nil || l.dropped() || l.reply && !l.call.state.CompareAndSwap(stateOpen, stateAnswered) {
		return false
	}
	w.queue = append(w.queue, l)
	w.bytes += len(l.text)
	w.signal()
	return true
}

// dropped reports whether l comes too late: its call was answered or cancelled.
func (l outgoing) dropped() bool { return l.call != nil && l.call.state.Load() != stateOpen }

// blocked returns nil if less than limit bytes wait, and else a channel that
// is closed when that may have changed.
func (w *writer) blocked(limit int) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bytes < limit {
		return nil
	}
	return w.roomLocked()
}

func (w *writer) roomLocked() <-chan struct{} {
	if w.room == nil {
		w.room = make(chan struct{})
	}
	return w.room
}

// close lets the goroutine end once all that is queued is written, and waits
// for that at most d. Then it gives up: a goroutine stuck in Write ends when
// Write does.
func (w *writer) close(d time.Duration) {
	w.mu.Lock()
	w.closing = true
	w.mu.Unlock()
	w.signal()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-w.done:
	case <-timer.C:
		if p, ok := w.out.(interface{ SetWriteDeadline(time.Time) error }); ok && p.SetWriteDeadline(time.Now()) == nil {
			<-w.done // sockets, and pipes that the runtime polls, let go
		}
		w.mu.Lock()
		w.queue = nil // out is not ours any more
		w.mu.Unlock()
	}
	close(w.gone)
}

// failure returns the error of the write that failed, if one did.
func (w *writer) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *writer) run() {
	defer close(w.done)
	for {
		l, ok := w.next()
		if !ok {
			return
		}
		if l.reply {
			w.sent(l.call) // first: when the client has it, the id may come again
		}
		if _, err := w.out.Write(l.text); err != nil {
			w.fail(err)
			return
		}
		w.release(len(l.text))
	}
}

// next waits for a line; false means that there will be none.
func (w *writer) next() (outgoing, bool) {
	for {
		w.mu.Lock()
		for len(w.queue) > 0 {
			l := w.queue[0]
			w.queue[0] = outgoing{}
			w.queue = w.queue[1:]
			if l.call == nil || l.call.state.Load() != stateSilenced {
				w.mu.Unlock()
				return l, true
			}
			w.free(len(l.text)) // it was cancelled while it waited
		}
		closing := w.closing
		w.mu.Unlock()
		if closing {
			return outgoing{}, false
		}
		<-w.wake
	}
}

func (w *writer) release(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.free(n)
}

func (w *writer) free(n int) {
	w.bytes -= n
	if w.room != nil {
		close(w.room)
		w.room = nil
	}
}

func (w *writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err, w.queue = err, nil
	w.free(w.bytes)
	close(w.failed)
}
