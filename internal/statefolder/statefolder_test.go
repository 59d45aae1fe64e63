package statefolder_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"orbstack-mcp/internal/statefolder"
)

func TestEachSystemHasItsPlaceForState(t *testing.T) {
	for _, tc := range []struct{ goos, xdg, want string }{
		{"darwin", "", "/home/ann/Library/Application Support/orbstack-mcp"},
		{"darwin", "/state", "/home/ann/Library/Application Support/orbstack-mcp"},
		{"linux", "", "/home/ann/.local/state/orbstack-mcp"},
		{"linux", "/state", "/state/orbstack-mcp"},
		{"linux", "state", "/home/ann/.local/state/orbstack-mcp"},
	} {
		got := statefolder.Path(tc.goos, "/home/ann", func(name string) string {
			assert.Equal(t, "XDG_STATE_HOME", name)
			return tc.xdg
		})
		assert.Equal(t, tc.want, got, "%s %s", tc.goos, tc.xdg)
	}
}
