//go:build linux

package namespaces

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim/worldfile"
)

func TestIsolatedMachineKnowsNoMac(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	open := boot(t, w, worldfile.Machine{Name: "open"})
	isolated := boot(t, w, worldfile.Machine{Name: "isolated", Isolated: true, Mounts: []string{"/Users/ana/src:/src"}})
	assert.Zero(t, sh(t, open, "test -e /mnt/mac/"+macMarker).Exit)
	assert.Zero(t, sh(t, open, "mac open 'a b' \"it's\"; mac").Exit)
	uses, err := w.MacUses()
	require.NoError(t, err)
	assert.Equal(t, []MacUse{{Machine: "open", Argv: []string{"open", "a b", "it's"}}, {Machine: "open", Argv: []string{}}}, uses)
	assert.Zero(t, sh(t, isolated, "test ! -e /mnt/mac").Exit)
	assert.Equal(t, ExitNotFound, run(t, isolated, Command{Argv: []string{"mac"}}).Exit)
	assert.Zero(t, sh(t, isolated, "echo x >/src/file").Exit)
	assert.Equal(t, "x\n", sh(t, open, "cat /mnt/mac/Users/ana/src/file").Out, "both see the simulated Mac's folder")
}

func TestMachineThatBecomesIsolatedLosesTheMac(t *testing.T) {
	for _, rootfs := range []string{"host", "busybox"} {
		t.Run(rootfs, func(t *testing.T) {
			w := openWorld(t, worldfile.World{})
			config := worldfile.Machine{Name: "a", Rootfs: rootfs}
			isolated := func(name string) worldfile.Machine {
				c := config
				c.Name, c.Isolated = name, true
				return c
			}
			halt(t, boot(t, w, config))
			require.NoError(t, w.Clone("a", "b"))
			for _, name := range []string{"a", "b"} {
				m := boot(t, w, isolated(name))
				assert.Zero(t, sh(t, m, "test ! -e /mnt/mac && test ! -e /usr/bin/mac").Exit, name)
				assert.Equal(t, ExitNotFound, run(t, m, Command{Argv: []string{"mac"}}).Exit)
				halt(t, m)
			}
			m := boot(t, w, config)
			assert.Zero(t, sh(t, m, "test -e /mnt/mac/"+macMarker+" && mac back").Exit, "and has it again")
			uses, err := w.MacUses()
			require.NoError(t, err)
			assert.Equal(t, []MacUse{{Machine: "a", Argv: []string{"back"}}}, uses)
		})
	}
}

func TestIsolationTakesNothingOfTheGuestsOwn(t *testing.T) {
	for name, c := range map[string]struct {
		before, after string
		mounts        []string
	}{
		"a folder with something in it": {before: "mkdir -p /mnt/mac && touch /mnt/mac/kept", after: "test -e /mnt/mac/kept"},
		"a file":                        {before: "mkdir -p /mnt && echo mine >/mnt/mac", after: "test -f /mnt/mac"},
		"a link":                        {before: "mkdir -p /mnt /kept && ln -s /kept /mnt/mac", after: "test -d /kept && test -L /mnt/mac"},
		"a link on the way":             {before: "mkdir -p /kept/mac && ln -s /kept /mnt", after: "test -d /kept/mac"},
		"a mount":                       {before: "true", after: "test -d /mnt/mac", mounts: []string{"/Users/ana/src:/mnt/mac"}},
		"another command":               {before: "echo '#!/bin/sh' >/usr/bin/mac", after: "test -f /usr/bin/mac"},
		"a changed command":             {before: "mac=$(cat /keep/mac); echo \"$mac\" >/usr/bin/mac; echo own >>/usr/bin/mac", after: "test -f /usr/bin/mac"},
		"a link to ours":                {before: "ln -s /keep/mac /usr/bin/mac", after: "test -f /keep/mac && test -L /usr/bin/mac"},
		"a pipe":                        {before: "mkfifo /usr/bin/mac", after: "test -p /usr/bin/mac"},
		"a folder":                      {before: "mkdir /usr/bin/mac", after: "test -d /usr/bin/mac"},
	} {
		t.Run(name, func(t *testing.T) {
			w := openWorld(t, worldfile.World{})
			config := worldfile.Machine{Name: "a", Isolated: true, Mounts: c.mounts, Files: map[string]string{"/keep/mac": macTool("a")}}
			m := boot(t, w, config)
			require.Zero(t, sh(t, m, c.before).Exit)
			halt(t, m)
			assert.Zero(t, sh(t, boot(t, w, config), c.after).Exit)
		})
	}
}

func TestLinksOfAGuestLeadTheWorldNowhere(t *testing.T) {
	w := openWorld(t, worldfile.World{})
	outside := t.TempDir()
	victim := filepath.Join(outside, "victim")
	require.NoError(t, os.WriteFile(victim, []byte("a\x1fstolen\x1e"), 0o600))
	open := worldfile.Machine{Name: "a"}
	m := boot(t, w, open)
	if m.group.v2 == "" { // else it is the kernel's own folder
		assert.Zero(t, sh(t, m, "cd /sys/fs/cgroup && for f in memory.current pids.current cpu.stat memory.max; do ln -sf "+victim+" $f || exit; done").Exit)
		require.Error(t, m.SetLimits(worldfile.Limits{MemoryMiB: 64}))
	}
	assert.Zero(t, sh(t, m, "mkdir -p /mnt/mac/Users && ln -s "+outside+" /mnt/mac/Users/ana").Exit)
	for _, put := range []string{"ln -sf " + victim, "rm -f /mnt/mac/" + macUseFile + "; mkfifo", "rm -f /mnt/mac/" + macUseFile + "; mkdir"} {
		assert.Zero(t, sh(t, m, put+" /mnt/mac/"+macUseFile).Exit)
		uses, err := w.MacUses()
		require.NoError(t, err, put)
		assert.Empty(t, uses, put)
	}
	for _, mount := range []string{"/Users/ana:/src", "/Users/ana/new:/src"} {
		_, err := w.Boot(t.Context(), worldfile.Machine{Name: "b", Isolated: true, Mounts: []string{mount}})
		require.ErrorContains(t, err, "mount", mount)
	}
	halt(t, m)
	boot(t, w, open)
	content, err := os.ReadFile(victim)
	require.NoError(t, err)
	assert.Equal(t, "a\x1fstolen\x1e", string(content))
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}
