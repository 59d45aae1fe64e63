package e2e

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const filesWorld = `
default: web
machines:
  - {name: web}
  - {name: off, state: stopped, isolated: true}
  - {name: box, isolated: true, isolate_network: true, users: [root, ana]}
  - {name: bin, isolated: true, isolate_network: true, users: [root, ana]}
`

// names are what a folder of the Mac holds.
func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// Files pass whole or not at all, through folders that are allowed and no others.
func TestFilesPassWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			open := t.TempDir()
			path := func(name string) string { return filepath.Join(open, name) }
			big := strings.Repeat("0123456789abcdef", 300_000)
			require.NoError(t, os.WriteFile(path("big"), []byte(big), 0o640))
			require.NoError(t, os.Symlink("/etc/passwd", path("link")))
			require.NoError(t, syscall.Mkfifo(path("fifo"), 0o600))
			require.NoError(t, os.Mkdir(path("folder"), 0o700))
			on := t.TempDir()
			s := openWith(t, filesWorld, e, nil, bin.server, "--allow-path", open)
			in := func(machine, command string) string {
				t.Helper()
				r := s.call(t, "vm_exec", args{"machine": machine, "command": command})
				require.False(t, r.IsError, r.Text)
				text, _ := r.at("stdout").(string)
				return text
			}
			before := names(t, open)

			r := s.call(t, "vm_push", args{"machine": "box", "source": path("big"), "destination": "big"})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, float64(len(big)), r.at("bytes"))
			sum := fmt.Sprintf("%x", sha256.Sum256([]byte(big)))
			assert.Equal(t, sum+"  big\n640\n", in("box", "sha256sum big; stat -c %a big"))
			r = s.call(t, "vm_copy", args{"from_machine": "box", "source": "big", "to_machine": "bin", "destination": "/tmp/"})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, "/tmp/big", r.at("path"))
			assert.Equal(t, sum+"  /tmp/big\n", in("bin", "sha256sum /tmp/big"))
			r = s.call(t, "vm_pull", args{"machine": "bin", "source": "/tmp/big", "destination": path("back")})
			require.False(t, r.IsError, r.Text)
			got, err := os.ReadFile(path("back"))
			require.NoError(t, err)
			assert.True(t, string(got) == big, "other bytes came back")
			r = s.call(t, "vm_pull", args{"machine": "bin", "source": "/tmp/big", "destination": path("back"), "overwrite": true})
			assert.False(t, r.IsError, r.Text)

			guest := in("box", "ls -A ~ /tmp")
			for _, c := range []struct {
				name, code, tool string
				args             args
			}{
				{"there already", "file_exists", "vm_push", args{"machine": "box", "source": path("big"), "destination": "big"}},
				{"there already on the Mac", "file_exists", "vm_pull", args{"machine": "bin", "source": "/tmp/big", "destination": path("back")}},
				{"there already in the other machine", "file_exists", "vm_copy", args{"from_machine": "box", "source": "big", "to_machine": "bin", "destination": "/tmp/"}},
				{"a link that leads out", "not_allowed", "vm_push", args{"machine": "box", "source": path("link"), "destination": "/tmp/x"}},
				{"the way up", "not_allowed", "vm_push", args{"machine": "box", "source": path("folder/../../etc/passwd"), "destination": "/tmp/x"}},
				{"another folder", "not_allowed", "vm_pull", args{"machine": "bin", "source": "/tmp/big", "destination": filepath.Join(on, "x")}},
				{"a FIFO", "invalid_argument", "vm_push", args{"machine": "box", "source": path("fifo"), "destination": "/tmp/x"}},
				{"a folder", "invalid_argument", "vm_push", args{"machine": "box", "source": path("folder"), "destination": "/tmp/x"}},
				{"a name with a newline", "invalid_argument", "vm_push", args{"machine": "box", "source": path("a\nb"), "destination": "/tmp/x"}},
				{"nothing there", "invalid_argument", "vm_push", args{"machine": "box", "source": path("none"), "destination": "/tmp/x"}},
				{"a folder of the machine", "invalid_argument", "vm_pull", args{"machine": "box", "source": "/etc", "destination": path("x")}},
				{"nothing there in the machine", "invalid_argument", "vm_pull", args{"machine": "box", "source": "/none", "destination": path("x")}},
				{"no folder for it", "invalid_argument", "vm_push", args{"machine": "box", "source": path("big"), "destination": "/none/x"}},
				{"a device", "invalid_argument", "vm_push", args{"machine": "box", "source": path("big"), "destination": "/dev/null", "overwrite": true}},
				{"an option", "invalid_argument", "vm_push", args{"machine": "box", "source": path("big"), "destination": "-x"}},
				{"a machine that is stopped", "machine_not_running", "vm_push", args{"machine": "off", "source": path("big"), "destination": "/tmp/x"}},
				{"a machine that reaches the Mac", "confirmation_unavailable", "vm_push", args{"machine": "web", "source": path("big"), "destination": "/tmp/x"}},
				{"a copy into one", "confirmation_unavailable", "vm_copy", args{"from_machine": "box", "source": "big", "to_machine": "web", "destination": "/tmp/x"}},
				{"an archive that nobody has looked into", "confirmation_unavailable", "vm_import", args{"path": path("big"), "name": "new"}},
				{"an export over a file", "file_exists", "vm_export", args{"machine": "box", "path": path("big")}},
			} {
				r := s.call(t, c.tool, c.args)
				assert.Equal(t, c.code, r.code(), "%s: %s", c.name, r.Text)
			}
			assert.Equal(t, append([]string{"back"}, before...), names(t, open), "a part of a file is left")
			assert.Empty(t, names(t, on))
			assert.Equal(t, guest, in("box", "ls -A ~ /tmp"), "a part of a file is left in the machine")
			assert.False(t, s.ranAny("start off", "run -m off"), "a machine was woken")

			r = s.call(t, "vm_export", args{"machine": "box", "path": open})
			require.False(t, r.IsError, r.Text)
			assert.FileExists(t, path("box.tar.zst"))
			assert.Equal(t, append([]string{"back", "big", "box.tar.zst"}, before[1:]...), names(t, open))
		})
	}
}

// ranAny reports whether one of those runs reached orbctl.
func (s *session) ranAny(runs ...string) bool {
	for _, r := range s.reached() {
		for _, run := range runs {
			if strings.HasPrefix(r, run) {
				return true
			}
		}
	}
	return false
}

func TestWithoutAFolderThereAreNoFiles(t *testing.T) {
	t.Parallel()
	s := open(t, filesWorld, modern)
	for _, tool := range []string{"vm_push", "vm_pull", "vm_copy", "vm_export", "vm_import"} {
		for _, listed := range s.tools(t) {
			assert.NotEqual(t, tool, listed.Name)
		}
		r := s.call(t, tool, args{"machine": "box"})
		assert.Equal(t, "not_allowed", r.code())
		assert.Equal(t, "--allow-path", r.at("error", "details", "flag"))
	}
}

// A sandbox is tried from inside, put aside, spoiled, and had back.
func TestASandboxCanBeHadBack(t *testing.T) {
	t.Parallel()
	for _, e := range eras {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := openAsking(t, filesWorld, e, always(accept), "--toolsets", "default,sandbox", "--managed-only")
			r := s.call(t, "vm_sandbox_create", args{"name": "try"})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, true, r.at("sound"), r.Text)
			run := func(command string) string {
				t.Helper()
				r := s.call(t, "vm_exec", args{"machine": "try", "command": command})
				require.False(t, r.IsError, r.Text)
				text, _ := r.at("stdout").(string)
				return text
			}
			run("echo good >state")
			r = s.call(t, "vm_checkpoint", args{"machine": "try", "label": "good"})
			require.False(t, r.IsError, r.Text)
			assert.Equal(t, "try-cp-good", r.at("checkpoint"))
			run("echo bad >state")
			r = s.call(t, "vm_rollback", args{"machine": "try", "checkpoint": "try-cp-good"})
			require.False(t, r.IsError, r.Text)
			assert.NotEqual(t, r.at("old_id"), r.at("new_id"))
			assert.Nil(t, r.at("left_over"))
			assert.Equal(t, "good\n", run("cat state"))

			for tool, a := range map[string]args{
				"vm_stop": {"machines": []string{"web"}}, "vm_delete": {"machine": "off"}, "vm_rename": {"machine": "box", "new_name": "mine"},
				"vm_exec": {"machine": "box", "command": "id"}, "orbstack_config_set": {"key": "cpu", "value": "1"}, "vm_limits_set": {"machine": "web", "cpus": "1"},
			} {
				r := s.call(t, tool, a)
				assert.Equal(t, "not_allowed", r.code(), "%s: %s", tool, r.Text)
				assert.Contains(t, r.Text, "--managed-only", tool)
			}
			assert.False(t, s.ranAny("stop web", "delete -f off", "rename box", "run -m box", "config set"))
		})
	}
}
