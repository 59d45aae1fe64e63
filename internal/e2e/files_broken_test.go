package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inBox runs a command as root in a contained machine and gives what it prints,
// also where it has become a job.
func (s *session) inBox(t *testing.T, machine, command string) string {
	t.Helper()
	r := s.call(t, "vm_exec", args{"machine": machine, "command": command, "user": "root"})
	require.False(t, r.IsError, r.Text)
	var in []any
	if handle := r.at("job"); handle != nil {
		r = s.call(t, "vm_job", args{"job": handle, "wait_seconds": 45})
		require.False(t, r.IsError, r.Text)
		in = []any{"result"}
	}
	require.Equal(t, 0.0, r.at(append(in, "exit_code")...), r.Text)
	text, _ := r.at(append(in, "stdout")...).(string)
	return text
}

// onTheMac is a folder as the server sees it: its world has mounts of its own.
func (s *session) onTheMac(t *testing.T, folder string) []string {
	t.Helper()
	return names(t, filepath.Join(fmt.Sprintf("/proc/%d/root", s.server(t)), folder))
}

// A disk that is full, on either side, is said to be, and keeps no part of a file.
func TestAFileThatDoesNotFitLeavesNothing(t *testing.T) {
	needsProc(t)
	inOneEra(t, func(t *testing.T, e era) {
		full, wide := t.TempDir(), t.TempDir()
		big := filepath.Join(wide, "big")
		require.NoError(t, os.WriteFile(big, []byte(strings.Repeat("x", 1<<20)), 0o600))
		s := openWith(t, filesWorld, e, nil, "sh", "-c", `mount -t tmpfs -o size=64k tmpfs "$0" && exec "$@"`, full, bin.server, "--allow-path", full, "--allow-path", wide)
		for _, machine := range []string{"box", "bin"} {
			s.inBox(t, machine, "mkdir /full && mount -t tmpfs -o size=64k,mode=777 tmpfs /full")
		}
		r := s.call(t, "vm_push", args{"machine": "box", "source": big, "destination": "/tmp/big"})
		require.False(t, r.IsError, r.Text)

		for _, c := range []struct {
			tool string
			args args
		}{
			{"vm_push", args{"machine": "box", "source": big, "destination": "/full/"}},
			{"vm_copy", args{"from_machine": "box", "source": "/tmp/big", "to_machine": "bin", "destination": "/full/"}},
			{"vm_pull", args{"machine": "box", "source": "/tmp/big", "destination": full}},
		} {
			r := s.call(t, c.tool, c.args)
			assert.Equal(t, "disk_quota_full", r.code(), "%s: %s", c.tool, r.Text)
		}
		assert.Empty(t, s.inBox(t, "box", "ls -A /full"))
		assert.Empty(t, s.inBox(t, "bin", "ls -A /full"))
		assert.Empty(t, s.onTheMac(t, full))
	})
}

// A file of a gigabyte costs no memory, and when its call is cancelled on the way
// nothing of it stays.
func TestAFileThatIsCancelledOnItsWayLeavesNothing(t *testing.T) {
	needsProc(t)
	inOneEra(t, func(t *testing.T, e era) {
		dir := t.TempDir()
		huge := filepath.Join(dir, "huge")
		require.NoError(t, os.WriteFile(huge, nil, 0o600))
		require.NoError(t, os.Truncate(huge, 1<<30))
		s := openWith(t, filesWorld, e, nil, bin.server, "--allow-path", dir)
		s.inBox(t, "bin", "truncate -s 1G /tmp/huge")
		parts := func() string { return s.inBox(t, "box", "ls -A /tmp") }
		for tool, a := range map[string]args{
			"vm_push": {"machine": "box", "source": huge, "destination": "/tmp/pushed"},
			"vm_copy": {"from_machine": "bin", "source": "/tmp/huge", "to_machine": "box", "destination": "/tmp/copied"},
		} {
			id, _ := s.start("tools/call", args{"name": tool, "arguments": a})
			until(t, tool+" to begin", func() bool { return strings.Contains(parts(), ".orbstack-mcp-") })
			s.forget(id)
			s.send(args{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": args{"requestId": id}})
			until(t, "the end of "+tool, func() bool { return parts() == "" })
		}
		assert.Less(t, peak(t, s.server(t)), 80<<10)
	})
}

// A server that is killed while a file passes: the next one calls nothing done, and
// no archive or file has a name that it could be taken for whole by.
func TestAFileOfAKilledServerIsLost(t *testing.T) {
	needsProc(t)
	inOneEra(t, func(t *testing.T, e era) {
		dir := t.TempDir()
		world := filesWorld + "faults:\n  - {argv: '^export', kind: hang}\n  - {argv: '(?s)^run -m bin .*orbstack-mcp-put', kind: hang}\n"
		s := openTwice(t, world, e, "--allow-path", dir, "--job-after", "300ms")
		s.inBox(t, "box", "echo text >/tmp/file")
		var handles []any
		for tool, a := range map[string]args{
			"vm_export": {"machine": "box", "path": dir},
			"vm_copy":   {"from_machine": "box", "source": "/tmp/file", "to_machine": "bin", "destination": "/tmp/file"},
		} {
			r := s.call(t, tool, a)
			require.NotNil(t, r.at("job"), "%s: %s", tool, r.Text)
			handles = append(handles, r.at("job"))
		}
		s.killServer(t)
		for _, handle := range handles {
			r := s.call(t, "vm_job", args{"job": handle})
			assert.Equal(t, "lost", r.at("state"), r.Text)
			assert.Nil(t, r.at("result"))
		}
		assert.NoFileExists(t, filepath.Join(dir, "box.tar.zst"))
		assert.Empty(t, s.inBox(t, "bin", "ls -A /tmp"))
	})
}
