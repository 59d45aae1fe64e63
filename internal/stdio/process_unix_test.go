//go:build unix

package stdio

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// asServer makes the test binary serve the fixture on its stdin and stdout, as
// a program that keeps the advice of [Serve] does.
const asServer = "ORBSTACK_MCP_TEST_STDIO_SERVER"

// noWait keeps a program with the race detector from waiting a second before it exits.
const noWait = "GORACE=atexit_sleep_ms=0"

// processDrain is short, to keep the tests so.
const processDrain = 200 * time.Millisecond

func TestMain(m *testing.M) {
	if os.Getenv(asServer) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	f := newFixture()
	f.DeleteTools("deaf", "exit") // the first in the list is tried with odd arguments by wire.mjs
	f.DeleteResources("test://broken", "test://lost", "test://missing")
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := Serve(ctx, f.MCPServer, os.Stdin, os.Stdout, Options{Drain: processDrain})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// process is the test binary as a server.
type process struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func startProcess(t *testing.T) *process {
	t.Helper()
	p := &process{Cmd: exec.CommandContext(t.Context(), os.Args[0])}
	p.Env = append(os.Environ(), asServer+"=1", noWait)
	p.Stderr = os.Stderr
	var err error
	p.in, err = p.StdinPipe()
	require.NoError(t, err)
	out, err := p.StdoutPipe()
	require.NoError(t, err)
	p.out = bufio.NewReader(out)
	require.NoError(t, p.Start())
	return p
}

func (p *process) exchange(t *testing.T, line string) reply {
	t.Helper()
	_, err := io.WriteString(p.in, line+"\n")
	require.NoError(t, err)
	return p.next(t)
}

func (p *process) next(t *testing.T) reply {
	t.Helper()
	text, err := p.out.ReadString('\n')
	require.NoError(t, err)
	return decode(t, text)
}

func TestProcessEndsWithStatusZero(t *testing.T) {
	for name, end := range map[string]func(*process) error{
		"end of input": func(p *process) error { return p.in.Close() },
		"SIGTERM":      func(p *process) error { return p.Process.Signal(syscall.SIGTERM) },
		"SIGINT":       func(p *process) error { return p.Process.Signal(syscall.SIGINT) },
	} {
		t.Run(name, func(t *testing.T) {
			inEachEra(t, func(t *testing.T, e era) {
				p := startProcess(t)
				p.exchange(t, initialize)
				_, err := io.WriteString(p.in, e.call("1", "slow", "")+"\n"+e.request("2", "tools/list", "")+"\n")
				require.NoError(t, err)
				require.Equal(t, "2", p.next(t).id())
				start := time.Now()
				require.NoError(t, end(p))
				assert.Contains(t, p.next(t).raw, "stopped: the server is shutting down")
				require.NoError(t, p.Wait())
				assert.GreaterOrEqual(t, time.Since(start), processDrain)
			})
		})
	}
}

func TestProcessEndsSoonAfterItsClientIsGone(t *testing.T) {
	p := &process{Cmd: exec.CommandContext(t.Context(), os.Args[0])}
	p.Env = append(os.Environ(), asServer+"=1", noWait)
	theirs, ours, err := os.Pipe()
	require.NoError(t, err)
	p.Stdout = ours
	p.in, err = p.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, p.Start())
	require.NoError(t, ours.Close())
	require.NoError(t, theirs.Close())
	_, _ = io.WriteString(p.in, initialize+"\n"+eras[0].call("1", "slow", "")+"\n")
	require.NoError(t, p.Wait(), "neither SIGPIPE nor an error, and no end of input needed")
}

// What it grows by, and not what it has: the race detector, and huge pages, take
// their own. The wall of 80 MiB stands before the real server (internal/e2e).
func TestResidentMemoryGrowsByLessThanTheLineOf64Mebibyte(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("no /proc to read the resident size from")
	}
	p := startProcess(t)
	p.exchange(t, initialize)
	before := p.peak(t)
	go func() {
		_, _ = io.Copy(p.in, filler(`{"jsonrpc":"2.0","id":"huge","method":"tools/call","params":{"name":"`, 64<<20, `"}}`+"\n"))
	}()
	r := p.next(t)
	assert.Equal(t, `"huge"`, r.id())
	assert.NotNil(t, r.Error)
	assert.Contains(t, p.exchange(t, eras[0].call("1", "echo", `{"text":"alive"}`)).raw, "alive")
	after := p.peak(t)
	require.NoError(t, p.in.Close())
	require.NoError(t, p.Wait())
	t.Logf("%d KiB resident at most before it, %d after", before, after)
	assert.Less(t, after-before, 64<<10)
}

// peak is the most KiB that were resident. Not getrusage(2): its maximum counts
// what the parent had before exec.
func (p *process) peak(t *testing.T) (kib int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Process.Pid))
	require.NoError(t, err)
	_, after, found := strings.Cut(string(status), "VmHWM:")
	require.True(t, found)
	kib, err = strconv.Atoi(strings.Fields(after)[0])
	require.NoError(t, err)
	return kib
}

func TestPipedSessionIsAnsweredWhole(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		for range 5 {
			p := startProcess(t)
			_, err := io.WriteString(p.in, strings.Join([]string{initialize, e.request("1", "tools/list", ""), e.call("2", "echo", "")}, "\n"))
			require.NoError(t, err)
			require.NoError(t, p.in.Close())
			all, err := io.ReadAll(p.out)
			require.NoError(t, err)
			require.NoError(t, p.Wait())
			assert.Equal(t, 3, strings.Count(string(all), "\n"), "%s", all)
		}
	})
}
