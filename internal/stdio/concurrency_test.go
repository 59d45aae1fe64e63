package stdio

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestThreeHundredCallsAtOnceAreEachAnsweredOnce(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		lines := []string{initialize}
		for i := range 300 {
			lines = append(lines, e.call(strconv.Itoa(i), "echo", `{"text":"`+strconv.Itoa(i)+`."}`))
		}
		got, err := exchange(t, newFixture().MCPServer, Options{}, lines...)
		require.NoError(t, err)
		for i := range 300 {
			replies := got[strconv.Itoa(i)]
			require.Len(t, replies, 1)
			require.Contains(t, replies[0].raw, `"`+strconv.Itoa(i)+`."`)
		}
	})
}

func TestNoMoreThanMaxCallsRunAndNoMoreThanMaxQueuedWait(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture()
			var running, most atomic.Int32
			f.tool("count", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				most.Store(max(most.Load(), running.Add(1)))
				time.Sleep(time.Second)
				running.Add(-1)
				return mcp.NewToolResultText("counted"), nil
			})
			c := serve(t, f.MCPServer, Options{MaxCalls: 3, MaxQueued: 5})
			c.begin(e)
			start := time.Now()
			for i := range 10 {
				c.send(e.call(strconv.Itoa(i), "count", ""))
			}
			for _, id := range []string{"8", "9"} {
				r := c.next()
				assert.Equal(t, id, r.id())
				assert.Equal(t, codeBusy, r.Error.Code)
				assert.Contains(t, r.Error.Message, "too many requests are waiting")
			}
			for range 8 {
				assert.NotNil(t, c.next().Result)
			}
			assert.EqualValues(t, 3, most.Load())
			assert.Equal(t, 3*time.Second, time.Since(start))
			c.send(e.call(`"again"`, "count", ""))
			assert.NotNil(t, c.next().Result, "there is room again")
			c.end()
		})
	})
}

func TestWaitingCallsAreBoundedInBytesToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := eras[0]
		f := newFixture()
		c := serve(t, f.MCPServer, Options{MaxMessage: 1000, MaxCalls: 1})
		c.begin(e)
		big := strings.Repeat("x", 800)
		for i := range 10 {
			c.send(e.call(strconv.Itoa(i), "deaf", `{"x":"`+big+`"}`))
		}
		r := c.next()
		assert.Equal(t, "8", r.id(), "eight times MaxMessage is full")
		assert.Equal(t, codeBusy, r.Error.Code)
		assert.Equal(t, "9", c.next().id())
		close(f.release)
		for range 8 {
			assert.NotNil(t, c.next().Result)
		}
		c.end()
	})
}

func TestQuickMethodsDoNotWaitBehindSlowCalls(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture()
			c := serve(t, f.MCPServer, Options{MaxCalls: 1})
			c.begin(e)
			for i := range 20 {
				c.send(e.call(strconv.Itoa(100+i), "deaf", ""))
			}
			quick := []string{"tools/list", "prompts/list", "resources/list", "resources/templates/list", "no/such/method"}
			if e.modern {
				quick = append(quick, "server/discover")
			} else {
				quick = append(quick, "ping")
			}
			for i, method := range quick {
				c.send(e.request(strconv.Itoa(i), method, ""))
				r := c.next()
				assert.Equal(t, strconv.Itoa(i), r.id(), method)
				assert.Equal(t, method == "no/such/method", r.Error != nil)
			}
			if !e.modern {
				c.send(strings.Replace(initialize, `"init"`, `"init2"`, 1))
				assert.Equal(t, `"init2"`, c.next().id())
			}
			close(f.release)
			for range 20 {
				c.next()
			}
			c.end()
		})
	})
}

func TestAnswersFromMemoryKeepTheOrderOfTheInput(t *testing.T) {
	c := serve(t, newFixture().MCPServer, Options{})
	c.begin(eras[0])
	for i := range 200 {
		method := []string{"ping", "tools/list", "logging/setLevel"}[i%3]
		c.send(eras[0].request(strconv.Itoa(i), method, `{"level":"debug"}`))
	}
	for i := range 200 {
		require.Equal(t, strconv.Itoa(i), c.next().id())
	}
	c.end()
}

func TestReadingPausesOnlyWhenTheClientLeavesTooMuchUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := serveDeaf(t, newFixture().MCPServer, Options{})
		sent := make(chan int, 1)
		go func() {
			n := 0
			defer func() { sent <- n }()
			for ; n < 1_000_000; n++ {
				if _, err := fmt.Fprintf(c.in, `{"jsonrpc":"2.0","id":"%0900d","method":"ping"}`+"\n", n); err != nil {
					return
				}
			}
		}()
		synctest.Wait() // the writer blocks: what waits is bounded
		require.Empty(t, sent)
		c.cancel()
		require.NoError(t, <-c.ended)
		n := <-sent
		assert.Greater(t, n, maxUnreadInput/1000)
		assert.Less(t, n, maxUnreadInput/900+100)
	})
}
