package stdio

import (
	"sync"

	"github.com/mark3labs/mcp-go/mcp"
)

// outbox is the notification channel of one session, with a goroutine that
// hands what comes in it to deliver, in order.
//
// mcp-go asks for the channel before each send and drops the notification if
// it is full. So each time the channel is asked for, room for one is set
// aside: waiting for it holds a handler back that is faster than the client.
type outbox struct {
	deliver func(mcp.JSONRPCNotification)
	giveUp  <-chan struct{} // ends waiting for room; nil: nobody waits
	notes   chan mcp.JSONRPCNotification
	room    chan struct{} // one token for each note on its way

	once   sync.Once
	closed chan struct{}
	done   chan struct{}
}

// newOutbox returns an outbox whose senders wait for room until giveUp is
// closed; with giveUp nil they never wait, and notifications beyond
// notesBound are dropped (mcp-go tells the sender).
func newOutbox(giveUp <-chan struct{}, deliver func(mcp.JSONRPCNotification)) *outbox {
	return &outbox{deliver: deliver, giveUp: giveUp, closed: make(chan struct{}), done: make(chan struct{})}
}

// start makes what most calls never need.
func (b *outbox) start() {
	b.notes = make(chan mcp.JSONRPCNotification, notesBound)
	b.room = make(chan struct{}, notesBound)
	go b.run()
}

// channel returns a channel with room for one notification, or nil, on which
// every send fails at once, if there is none.
func (b *outbox) channel() chan<- mcp.JSONRPCNotification {
	select {
	case <-b.closed:
		return nil
	default:
	}
	b.once.Do(b.start)
	select {
	case b.room <- struct{}{}:
		return b.notes
	default:
	}
	if b.giveUp == nil {
		return nil
	}
	select {
	case b.room <- struct{}{}:
		return b.notes
	case <-b.giveUp:
	case <-b.closed:
	}
	return nil
}

// close delivers what was sent before it was called and drops what comes
// later. It must be called once.
func (b *outbox) close() {
	close(b.closed)
	b.once.Do(func() { close(b.done) })
	<-b.done
}

func (b *outbox) run() {
	defer close(b.done)
	for {
		select {
		case n := <-b.notes:
			b.deliver(n)
			<-b.room
		case <-b.closed:
			for {
				select {
				case n := <-b.notes:
					b.deliver(n)
				default:
					return
				}
			}
		}
	}
}
