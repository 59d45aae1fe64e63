package orbsim

import (
	"context"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"time"

	"orbstack-mcp/internal/orbsim/wire"
	"orbstack-mcp/internal/orbsim/worldfile"
)

// faults strikes orbctl calls as the world file says.
type faults struct {
	mu   sync.Mutex
	list []*armed
}

type armed struct {
	worldfile.Fault
	argv    *regexp.Regexp
	matched int        // calls that matched so far
	dice    *rand.Rand // for Chance: the same throws in every life of a world
}

func newFaults(list []worldfile.Fault) *faults {
	f := &faults{}
	for i, x := range list {
		if x.Net == nil {
			f.list = append(f.list, &armed{Fault: x, argv: regexp.MustCompile(x.Argv), dice: rand.New(rand.NewPCG(1, uint64(i)))}) // checked by worldfile
		}
	}
	return f
}

// strike is the fault that hits a call, or nil. The first match of the list
// counts the call, whether it strikes or not.
func (f *faults) strike(argv []string) *worldfile.Fault {
	line := strings.Join(argv, " ")
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.list {
		if !a.argv.MatchString(line) {
			continue
		}
		a.matched++
		struck := a.matched - a.After
		if struck <= 0 || (a.Times > 0 && struck > a.Times) {
			continue
		}
		if a.Chance > 0 && a.dice.Float64() >= a.Chance {
			continue
		}
		return &a.Fault
	}
	return nil
}

// hugeSize is what the fault huge prints: several times what any client may
// keep. A log of a true GiB is a machine's logs_repeat.
const hugeSize = 64 << 20

// suffer plays a fault out; work does what the call asked for.
func (c *call) suffer(ctx context.Context, f *worldfile.Fault, work func()) wire.Outcome {
	quietly := func() {
		if f.Work {
			stdout, stderr := c.stdout, c.stderr
			c.stdout, c.stderr, c.captured = io.Discard, io.Discard, true
			work()
			c.stdout, c.stderr, c.captured = stdout, stderr, false
		}
	}
	sleep(ctx, f.Delay)
	switch f.Kind {
	case "delay":
		work()
		return wire.Outcome{Exit: c.exit}
	case "hang":
		quietly()
		<-ctx.Done() // the client's patience, or the end of the world
		return wire.Outcome{Exit: 1}
	case "garbage":
		quietly()
		text := f.Stdout
		if text == "" {
			text = "{\"\x00\xff\xfe[[[ \x1b]0;" + strings.Repeat("\xc3\x28\x80", 64) + "\n"
		}
		c.print(text, f.Stderr)
	case "huge":
		quietly()
		c.flood(ctx, f.Stdout)
	case "truncated":
		stdout := c.stdout
		var whole strings.Builder
		c.stdout, c.captured = &whole, true
		work()
		c.stdout, c.captured = stdout, false
		c.print(whole.String()[:whole.Len()/2], f.Stderr)
		return wire.Outcome{Exit: max(f.Exit, c.exit)}
	case "crash":
		quietly()
		c.print(f.Stdout, f.Stderr)
		return wire.Outcome{Exit: 137, Crash: true}
	case "empty":
		quietly()
	default: // error
		quietly()
		stderr := f.Stderr
		if stderr == "" {
			stderr = "[-32098] internal error"
		}
		c.print(f.Stdout, strings.TrimSuffix(stderr, "\n")+"\n")
		return wire.Outcome{Exit: max(f.Exit, 1)}
	}
	return wire.Outcome{Exit: f.Exit}
}

func (c *call) print(stdout, stderr string) {
	_, _ = io.WriteString(c.stdout, stdout) // a client that is gone misses it
	_, _ = io.WriteString(c.stderr, stderr)
}

// flood prints hugeSize bytes without holding them.
func (c *call) flood(ctx context.Context, line string) {
	if line == "" {
		line = "all work and no play makes Jack a dull boy\n"
	}
	repeat(ctx, c.stdout, line, int64(hugeSize/len(line)+1))
}

// sleep waits, or ends with ctx.
func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// netFaults are the faults of the network, for the engine.
func netFaults(list []worldfile.Fault) []worldfile.NetFault {
	var out []worldfile.NetFault
	for _, f := range list {
		if f.Net != nil {
			out = append(out, *f.Net)
		}
	}
	return out
}
