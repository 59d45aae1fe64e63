package stdio

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNoReplyIsLostAtEndOfInput(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		f := newFixture()
		for run := range 1000 {
			lines := []string{initialize, `{"jsonrpc":"2.0","method":"notifications/initialized"}`}
			if e.modern {
				lines = []string{e.request(`"init"`, "server/discover", "")}
			}
			lines = append(lines, e.request("1", "tools/list", ""))
			for i := range 8 {
				lines = append(lines, e.call(strconv.Itoa(i+2), "echo", fmt.Sprintf(`{"text":"%d"}`, run)))
			}
			got, err := exchange(t, f.MCPServer, Options{}, lines...)
			require.NoError(t, err)
			require.Len(t, got, 10, "run %d", run)
			for id, replies := range got {
				require.Len(t, replies, 1, "run %d: %s", run, id)
				require.NotNil(t, replies[0].Result, "run %d: %s", run, replies[0].raw)
			}
		}
	})
}

func TestLastLineWithoutNewlineIsAnswered(t *testing.T) {
	var out strings.Builder
	require.NoError(t, Serve(t.Context(), newFixture().MCPServer, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`), &out, Options{}))
	assert.Equal(t, `{"jsonrpc":"2.0","id":1,"result":{}}`+"\n", out.String())
}

func TestRunningCallsAreAnsweredAtEndOfInputAndOnSignal(t *testing.T) {
	ends := map[string]func(*client){
		"end of input": func(c *client) { _ = c.in.Close() },
		"signal":       func(c *client) { c.cancel() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			inEachEra(t, func(t *testing.T, e era) {
				synctest.Test(t, func(t *testing.T) {
					f := newFixture()
					c := serve(t, f.MCPServer, Options{MaxCalls: 2})
					c.begin(e)
					c.send(e.call("1", "slow", ""), e.call("2", "deaf", ""), e.call("3", "slow", ""), e.call("4", "echo", ""))
					<-f.started
					<-f.started
					start := time.Now()
					end(c)
					rest, err := c.rest()
					require.NoError(t, err)
					assert.Equal(t, DefaultDrain+grace, time.Since(start), "it is the deaf call that takes the time")
					byID := map[string]reply{}
					for _, r := range rest {
						byID[r.id()] = r
					}
					require.Len(t, byID, 4)
					assert.Contains(t, byID["1"].raw, "stopped: the server is shutting down")
					assert.Contains(t, byID["2"].Error.Message, "did not finish")
					assert.Equal(t, codeBusy, byID["2"].Error.Code)
					for _, id := range []string{"3", "4"} {
						assert.NotNil(t, byID[id].Error, "it never had a slot")
						assert.Contains(t, byID[id].raw, "shutting down")
					}
					close(f.release)
				})
			})
		})
	}
}

func TestCallThatEndsWithinTheDrainKeepsItsResult(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture()
			c := serve(t, f.MCPServer, Options{})
			c.begin(e)
			c.send(e.call("1", "deaf", ""))
			<-f.started
			require.NoError(t, c.in.Close())
			time.Sleep(DefaultDrain - time.Millisecond)
			close(f.release)
			rest, err := c.rest()
			require.NoError(t, err)
			require.Len(t, rest, 1)
			assert.Contains(t, rest[0].raw, "released")
		})
	})
}

func TestWithoutDrainCallsAreCancelledAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture()
		c := serve(t, f.MCPServer, Options{Drain: -1})
		c.begin(eras[0])
		c.send(eras[0].call("1", "slow", ""))
		<-f.started
		start := time.Now()
		c.cancel()
		rest, err := c.rest()
		require.NoError(t, err)
		assert.Len(t, rest, 1)
		assert.Zero(t, time.Since(start))
	})
}

func TestDuringTheDrainCancelsCountAndRequestsAreRefused(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture()
			c := serve(t, f.MCPServer, Options{})
			c.begin(e)
			c.send(e.call("1", "slow", ""))
			<-f.started
			c.cancel()
			synctest.Wait()
			c.send(e.request("2", "tools/list", ""))
			refused := c.next()
			assert.Equal(t, "2", refused.id())
			assert.Equal(t, codeBusy, refused.Error.Code)
			start := time.Now()
			c.send(cancelLine("1"))
			rest, err := c.rest()
			require.NoError(t, err)
			assert.Empty(t, rest)
			assert.Zero(t, time.Since(start), "nothing is left to wait for")
		})
	})
}

func TestClientThatDoesNotReadHoldsShutdownUpNoLongerThanTheDrain(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture()
			c := serveDeaf(t, f.MCPServer, Options{})
			if !e.modern {
				c.send(initialize)
			}
			c.send(e.call("1", "slow", ""), e.request("2", "tools/list", ""), e.callWithToken("3", "1", "progress", `{"n":5000}`))
			<-f.started
			synctest.Wait()
			start := time.Now()
			c.cancel()
			require.NoError(t, <-c.ended)
			assert.LessOrEqual(t, time.Since(start), DefaultDrain+grace+2*flush)
		})
	})
}

// So much waits for the client that nothing more is read from it, but for the end.
func TestTheEndOfInputIsSeenBehindUnreadOutput(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		synctest.Test(t, func(t *testing.T) {
			f := newFixture()
			f.tool("big", func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
				return mcp.NewToolResultText(strings.Repeat("x", maxUnreadInput)), nil
			})
			c := serveDeaf(t, f.MCPServer, Options{})
			if !e.modern {
				c.send(initialize)
			}
			c.send(e.call("1", "big", ""))
			synctest.Wait()
			c.send(e.request("2", "ping", "")) // the last that is read
			synctest.Wait()
			start := time.Now()
			_ = c.in.Close()
			select {
			case err := <-c.ended:
				require.NoError(t, err)
			case <-time.After(time.Hour):
				require.Fail(t, "the end of input was not seen")
			}
			assert.LessOrEqual(t, time.Since(start), DefaultDrain+grace+2*flush)
		})
	})
}

// stuck is a client whose pipe is full, and that can't be told to hurry.
type stuck struct {
	free  chan struct{}
	lines chan string
}

func (s stuck) Write(p []byte) (int, error) {
	<-s.free
	s.lines <- string(p)
	return len(p), nil
}

func TestNothingIsWrittenAfterServeHasReturnedButTheLineBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := stuck{make(chan struct{}), make(chan string, 10)}
		in := strings.NewReader(strings.Repeat(`{"jsonrpc":"2.0","id":1,"method":"ping"}`+"\n", 5))
		require.NoError(t, Serve(t.Context(), newFixture().MCPServer, in, out, Options{}))
		close(out.free)
		synctest.Wait()
		assert.Len(t, out.lines, 1)
	})
}

func TestBlockedSocketIsLetGo(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	c := strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}` + "\n")
	assert.NoError(t, Serve(t.Context(), newFixture().MCPServer, c, ours, Options{}))
}

type brokenWriter struct{ err error }

func (b brokenWriter) Write([]byte) (int, error) { return 0, b.err }

func TestClientThatIsGoneEndsTheCalls(t *testing.T) {
	for _, test := range []struct {
		err  error
		fail bool
	}{{syscall.EPIPE, false}, {io.ErrClosedPipe, false}, {syscall.ENOSPC, true}} {
		t.Run(test.err.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture()
				inR, inW := io.Pipe()
				ended := make(chan error)
				go func() { ended <- Serve(t.Context(), f.MCPServer, inR, brokenWriter{test.err}, Options{}) }()
				_, _ = io.WriteString(inW, eras[1].call("1", "slow", "")+"\n")
				<-f.started
				start := time.Now()
				_, _ = io.WriteString(inW, `{"jsonrpc":"2.0","id":2,"method":"ping"}`+"\n")
				err := <-ended
				assert.LessOrEqual(t, time.Since(start), grace)
				assert.Equal(t, []error{ErrClientGone}, f.causes)
				_ = inR.Close()
				if test.fail {
					require.ErrorIs(t, err, test.err)
				} else {
					require.NoError(t, err)
				}
			})
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, syscall.EIO }

func TestReadErrorIsReported(t *testing.T) {
	assert.ErrorIs(t, Serve(t.Context(), newFixture().MCPServer, brokenReader{}, io.Discard, Options{}), syscall.EIO)
}

func TestSecondServeOfOneServerAtATimeIsRefused(t *testing.T) {
	f := newFixture()
	c := serve(t, f.MCPServer, Options{})
	c.begin(eras[0])
	assert.ErrorContains(t, Serve(t.Context(), f.MCPServer, strings.NewReader(""), io.Discard, Options{}), "session")
	c.end()
}

// slowly is where a writer on a busy computer gets its turn late.
type slowly struct {
	to    strings.Builder
	pause time.Duration
}

func (s *slowly) Write(p []byte) (int, error) {
	time.Sleep(s.pause) // in the time of synctest
	return s.to.Write(p)
}

// All calls are done long before their time is over: what is left of it is the
// writer's.
func TestAReplyMayGetItsTurnToBeWrittenLate(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		synctest.Test(t, func(t *testing.T) {
			lines := []string{initialize}
			if e.modern {
				lines = []string{e.request(`"init"`, "server/discover", "")}
			}
			lines = append(lines, e.call("1", "echo", `{"text":"a"}`), e.call("2", "echo", `{"text":"b"}`))
			out := &slowly{pause: 400 * time.Millisecond}
			require.NoError(t, Serve(t.Context(), newFixture().MCPServer, strings.NewReader(strings.Join(lines, "\n")+"\n"), out, Options{}))
			assert.Equal(t, 3, strings.Count(out.to.String(), `"result"`), "%s", out.to.String())
		})
	})
}
