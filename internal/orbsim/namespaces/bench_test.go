//go:build linux

package namespaces

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim/worldfile"
)

func BenchmarkLaunch(b *testing.B) {
	inWorld(b)
	for b.Loop() {
		exit, err := Launch(b.Context(), LaunchOptions{Args: []string{testVerb, "exit", "0"}})
		require.NoError(b, err)
		require.Zero(b, exit)
	}
}

func BenchmarkOpenAndClose(b *testing.B) {
	inWorld(b)
	for b.Loop() {
		w, err := Open(worldfile.World{})
		require.NoError(b, err)
		require.NoError(b, w.Close())
	}
}

func BenchmarkBoot(b *testing.B) {
	for _, rootfs := range []string{"host", "busybox"} {
		b.Run(rootfs, func(b *testing.B) {
			w := openWorld(b, worldfile.World{})
			machines := 0
			for b.Loop() {
				machines++
				m, err := w.Boot(b.Context(), worldfile.Machine{Name: fmt.Sprint("m", machines%200), Rootfs: rootfs})
				require.NoError(b, err)
				b.StopTimer()
				require.NoError(b, m.Halt(b.Context()))
				b.StartTimer()
			}
		})
	}
}

func BenchmarkRun(b *testing.B) {
	w := openWorld(b, worldfile.World{})
	m := boot(b, w, worldfile.Machine{Name: "m", DefaultUsername: "ana"})
	for b.Loop() {
		exit, err := m.Run(b.Context(), Command{Argv: []string{"/bin/true"}})
		require.NoError(b, err)
		require.Zero(b, exit)
	}
}

func BenchmarkProbe(b *testing.B) {
	inWorld(b)
	for b.Loop() {
		level, why := Probe()
		require.LessOrEqual(b, level, LevelRoot, why)
	}
}

// BenchmarkTwoHundredMachines is one world with as many as fit a test of load.
func BenchmarkTwoHundredMachines(b *testing.B) {
	inWorld(b)
	for b.Loop() {
		w, err := Open(worldfile.World{})
		require.NoError(b, err)
		for i := range 200 {
			_, err := w.Boot(b.Context(), worldfile.Machine{Name: fmt.Sprint("m", i)})
			require.NoError(b, err)
		}
		require.NoError(b, w.Close())
	}
}
