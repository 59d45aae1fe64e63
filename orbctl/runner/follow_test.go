package runner_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"orbstack-mcp/orbctl/runner"
)

// A follow ends with its machine: it must not keep it from being stopped. But orbctl
// run starts a machine, so that one which was stopped before it came there would run
// again: until its script has begun, nobody may stop it.
func TestAFollowKeepsNobodyWaitingOnceItHasBegun(t *testing.T) {
	for name, tt := range map[string]struct {
		out   string
		begun bool
	}{
		"begun":              {string(follow("web").Mark) + " begin log journalctl\n", true},
		"begun, behind more": {"A new version of OrbStack is available!\n" + string(follow("web").Mark) + " begin log tail\n", true},
		"not yet":            {"", false},
		"orbctl speaks":      {"A new version of OrbStack is available!\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]acts{"run": {Out: tt.out, Do: "linger"}})
			r := w.runner(t)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				_, err := r.Run(ctx, follow("web"))
				ended <- err
			}()
			require.Eventually(t, func() bool { return len(w.pids(t)) == 1 }, 20*time.Second, time.Millisecond)
			stopping, giveUp := context.WithTimeout(t.Context(), time.Minute)
			if !tt.begun {
				stopping, giveUp = context.WithTimeout(t.Context(), 200*time.Millisecond)
			}
			defer giveUp()
			_, err := r.Run(stopping, named(runner.OpStop, "web"))
			if tt.begun {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Empty(t, w.calls(t, "stop"))
			}
			assert.Empty(t, ended, "it follows still")
			cancel()
			require.ErrorIs(t, <-ended, context.Canceled)
		})
	}
}

func TestACueIsHeardInAnyPieces(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringMatching(`[ab]{0,40}`).Draw(rt, "text")
		word := rapid.StringMatching(`[ab]{1,6}`).Draw(rt, "word")
		heard := 0
		hear := runner.Cue(word, func() { heard++ })
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "piece")
			hear([]byte(rest[:n]))
			rest = rest[n:]
		}
		want := 0
		if strings.Contains(text, word) {
			want = 1
		}
		require.Equal(rt, want, heard)
	})
}
