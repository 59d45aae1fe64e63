package orbctl_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
)

// What orbctl prints before a command's own output is none of it, on either stream.
func TestAnUpdateBannerIsNoOutputOfACommand(t *testing.T) {
	banner := sample(t, "update-banner.txt")
	for name, tt := range map[string]struct{ before, stdout string }{
		"a banner":                      {banner, "out\n"},
		"a banner, and the same again":  {banner, banner},
		"nothing":                       {"", "out\n"},
		"a line without its end":        {"Warning: old", "out\n"},
		"more than anybody reads":       {strings.Repeat("x", 200<<10) + "\n", "out\n"},
		"a command that prints nothing": {banner, ""},
	} {
		t.Run(name, func(t *testing.T) {
			run := step{op: runner.OpExec, also: func(_ context.Context, call runner.Call, res *runner.Result) {
				text := []byte(tt.before + string(call.Mark) + " output\n" + tt.stdout)
				for piece := range slices.Chunk(text, max(7, len(text)/100)) {
					_, err := call.Stdout.Write(piece)
					assert.NoError(t, err)
				}
				if strings.HasSuffix(tt.before, "\n") {
					res.Stderr = tt.before
				}
				res.Stderr += string(call.Mark) + " began\nerr\n"
				_, _ = call.Stderr.Write([]byte(res.Stderr))
			}}
			c, _ := expect(t, run)
			var seen strings.Builder
			asked := command("true")
			asked.Out = &seen
			done, err := c.Exec(t.Context(), machineFor(t, "running"), asked)
			require.NoError(t, err)
			assert.Equal(t, tt.stdout, done.Stdout)
			assert.Equal(t, "err\n", done.Stderr)
			assert.Equal(t, tt.stdout+"err\n", seen.String())
		})
	}
}

func TestAnUpdateBannerIsNoPartOfAFile(t *testing.T) {
	c, h, mac, open := filesWorld(t)
	h.before = sample(t, "update-banner.txt")
	for _, text := range []string{"text\n", "", h.before} {
		within(t, h.home+"/file", text)
		_, err := c.Pull(t.Context(), mac, orbctl.Place{Machine: "web", Path: "file"}, open+"/back", true, nil)
		require.NoError(t, err)
		assert.Equal(t, text, content(t, open+"/back"))
		require.NoError(t, os.Remove(open+"/back"))
	}
}
