package stdio

import (
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCancelledCallIsNotAnswered(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture()
			c := serve(t, f.MCPServer, Options{})
			c.begin(e)
			c.send(e.call("1", "slow", ""))
			<-f.started
			c.send(cancelLine("1"))
			synctest.Wait()
			assert.Equal(t, []error{ErrCancelled}, f.causes)
			c.end()
		})
	})
}

func TestQueuedCallThatIsCancelledNeverStarts(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture()
			c := serve(t, f.MCPServer, Options{MaxCalls: 1})
			c.begin(e)
			c.send(e.call("1", "deaf", ""))
			<-f.started
			c.send(e.call("2", "slow", ""), cancelLine("2"))
			synctest.Wait()
			close(f.release)
			assert.Equal(t, "1", c.next().id())
			c.end()
			assert.Empty(t, f.started)
			assert.Empty(t, f.causes)
		})
	})
}

func TestOneAndQuotedOneAreDifferentCalls(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture()
			c := serve(t, f.MCPServer, Options{})
			c.begin(e)
			c.send(e.call("1", "deaf", ""), e.call(`"1"`, "deaf", ""), cancelLine("1"))
			synctest.Wait()
			close(f.release)
			r := c.next()
			assert.Equal(t, `"1"`, r.id())
			assert.NotNil(t, r.Result)
			c.end()
		})
	})
}

func TestCancelOfWhatIsUnknownOrMalformedIsIgnored(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		c := serve(t, newFixture().MCPServer, Options{})
		c.begin(e)
		c.send(cancelLine(`"never"`), cancelLine("null"), cancelLine("{}"),
			`{"jsonrpc":"2.0","method":"notifications/cancelled"}`, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":7}`)
		c.send(e.call("1", "echo", `{"text":"alive"}`))
		assert.Contains(t, c.next().raw, "alive")
		c.send(cancelLine("1")) // opencode cancels what is finished
		c.end()
	})
}

func TestProgressAfterCancelIsDropped(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture()
			c := serveDeaf(t, f.MCPServer, Options{})
			// The client reads nothing: what the call sends waits in the server.
			if !e.modern {
				c.send(initialize)
			}
			c.send(e.request(`"first"`, "tools/list", ""), e.callWithToken("1", `"t"`, "progress", `{"n":500}`), e.callWithToken("2", `"u"`, "progress", `{"n":5}`))
			synctest.Wait()
			c.send(cancelLine("1"))
			synctest.Wait()
			seen := readAll(c)
			assert.Zero(t, seen["progress of \"t\""])
			assert.Equal(t, 5, seen["progress of \"u\""])
			assert.Equal(t, 1, seen["2"])
			assert.Equal(t, 1, seen[`"first"`])
		})
	})
}

// An answer that is made may be on its way already; that is the client's race
// (MCP, "Cancellation", timing). So what is asserted above holds where the
// call was not answered when the cancel was read.

func TestCancelledIdMayBeUsedAgain(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture()
			c := serve(t, f.MCPServer, Options{})
			c.begin(e)
			c.send(e.call("1", "deaf", ""))
			<-f.started
			c.send(cancelLine("1"), e.call("1", "echo", `{"text":"again"}`))
			assert.Contains(t, c.next().raw, "again")
			close(f.release)
			c.end()
		})
	})
}

func TestCancelWorksAtAnyLoad(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture()
			c := serveDeaf(t, f.MCPServer, Options{MaxCalls: 4, MaxQueued: 600})
			if !e.modern {
				c.send(initialize)
			}
			for i := range 500 {
				c.send(e.call(strconv.Itoa(i), "slow", ""))
			}
			for i := range 20000 { // nobody reads these
				c.send(fmt.Sprintf(`{"jsonrpc":"2.0","id":"p%d","method":"ping"}`, i))
			}
			for i := range 500 {
				c.send(cancelLine(strconv.Itoa(i)))
			}
			synctest.Wait()
			seen := readAll(c)
			for i := range 500 {
				require.Zero(t, seen[strconv.Itoa(i)])
			}
			require.Equal(t, 1, seen[`"p19999"`])
			for _, cause := range f.causes {
				require.Equal(t, ErrCancelled, cause)
			}
		})
	})
}
