package orbctl_test

import (
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl"
)

func TestReadMac(t *testing.T) {
	mac, err := orbctl.ReadMac(t.TempDir())
	require.NoError(t, err)
	assert.Equal(t, runtime.NumCPU(), mac.CPUs)
	assert.Greater(t, mac.MemoryBytes, int64(64<<20))
	assert.Equal(t, mac.MemoryBytes>>20, mac.MemoryMiB())
	assert.Positive(t, mac.DiskFreeBytes)
}

func TestReadMacGivesTheRestBesideAnError(t *testing.T) {
	mac, err := orbctl.ReadMac(filepath.Join(t.TempDir(), "gone"))
	require.ErrorContains(t, err, "disk_free_bytes")
	assert.Zero(t, mac.DiskFreeBytes)
	assert.Positive(t, mac.MemoryBytes)
}
