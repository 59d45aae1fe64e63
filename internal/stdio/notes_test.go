package stdio

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAThousandOfAThousandProgressNotificationsPrecedeTheReplyInOrder(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		c := serve(t, newFixture().MCPServer, Options{})
		c.begin(e)
		for run := range 20 {
			c.send(e.callWithToken(strconv.Itoa(run), `"tok"`, "progress", `{"n":1000}`))
			for i := range 1000 {
				r := c.next()
				require.Equal(t, "notifications/progress", r.Method, "run %d, after %d: %s", run, i, r.raw)
				require.Equal(t, i+1, r.Params.Progress)
				require.Equal(t, `"tok"`, string(r.Params.Token))
			}
			r := c.next()
			require.Equal(t, strconv.Itoa(run), r.id())
			require.NotNil(t, r.Result)
		}
		c.end()
	})
}

func TestPipelinedInitializeLosesNoProgress(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		for range 50 {
			got, err := exchange(t, newFixture().MCPServer, Options{}, initialize, e.callWithToken("1", "1", "progress", `{"n":3}`))
			require.NoError(t, err)
			require.Len(t, got[""], 3)
		}
	})
}

func TestMoreProgressThanTheClientReadsHoldsTheHandlerBackAndLosesNothing(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		synctest.Test(t, func(t *testing.T) {
			c := serveDeaf(t, newFixture().MCPServer, Options{})
			if !e.modern {
				c.send(initialize)
			}
			const n = 90_000
			c.send(e.callWithToken("1", `1`, "progress", fmt.Sprintf(`{"n":%d}`, n)))
			synctest.Wait()
			seen := readAll(c)
			assert.Equal(t, n, seen["progress of 1"])
			assert.Equal(t, 1, seen["1"])
		})
	})
}

func TestProgressOfConcurrentSendersOfOneCallIsAllDelivered(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		f := newFixture()
		f.tool("many", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for i := range 2000 {
						assert.NoError(t, f.SendNotificationToClient(ctx, "notifications/progress", map[string]any{"progressToken": 1, "progress": i}))
					}
				})
			}
			wg.Wait()
			return mcp.NewToolResultText("done"), nil
		})
		c := serve(t, f.MCPServer, Options{})
		c.begin(e)
		c.send(e.callWithToken("1", "1", "many", ""))
		for range 16000 {
			r := c.next()
			require.Equal(t, "notifications/progress", r.Method, r.raw)
		}
		require.Equal(t, "1", c.next().id())
		c.end()
	})
}

func TestWhatAHandlerSendsAfterItReturnedIsDropped(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture()
			late := make(chan error, 1)
			f.tool("late", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				go func() {
					<-f.release
					late <- f.SendNotificationToClient(ctx, "notifications/progress", map[string]any{"progress": 1})
				}()
				return mcp.NewToolResultText("done"), nil
			})
			c := serve(t, f.MCPServer, Options{})
			c.begin(e)
			c.send(e.call("1", "late", ""))
			require.Equal(t, "1", c.next().id())
			close(f.release)
			assert.ErrorIs(t, <-late, server.ErrNotificationChannelBlocked)
			c.end()
		})
	})
}

func TestNotificationThatCannotBeEncodedIsDroppedAndLogged(t *testing.T) {
	f := newFixture()
	f.tool("bad", func(ctx context.Context, _ mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		_ = f.SendNotificationToClient(ctx, "notifications/bad", map[string]any{"f": func() {}})
		_ = f.SendNotificationToClient(ctx, "notifications/bad", map[string]any{"f": badMarshaler{}})
		return mcp.NewToolResultText("done"), nil
	})
	logger, logged := logTo()
	got, err := exchange(t, f.MCPServer, Options{Logger: logger}, initialize, eras[0].call("1", "bad", ""))
	require.NoError(t, err)
	assert.Len(t, got, 2)
	assert.Contains(t, logged.String(), "notifications/bad")
}

func TestBroadcastsReachLegacyClientsAndNoModernOneThatDidNotAsk(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture()
			c := serve(t, f.MCPServer, Options{})
			c.begin(e)
			f.tool("new", nil)
			synctest.Wait()
			if e.modern {
				assert.Empty(t, c.lines)
			} else {
				assert.Equal(t, "notifications/tools/list_changed", c.next().Method)
			}
			c.end()
		})
	})
}

func TestBroadcastsToAClientThatDoesNotReadAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture()
		c := serveDeaf(t, f.MCPServer, Options{})
		c.send(initialize)
		synctest.Wait()
		for range 200_000 {
			f.SendNotificationToAllClients("notifications/x", map[string]any{"text": "a text that makes it at least a hundred bytes long, all in all"})
			// never blocks
		}
		c.cancel()
		require.NoError(t, <-c.ended)
	})
}
