package guest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A watchdog is told to end as soon as its command has: often before it has begun
// to sleep. Nothing of it may be left in the machine when the script has ended.
func TestNoWatchdogOutlivesItsScript(t *testing.T) {
	t.Parallel()
	const often = "\ni=0; while [ \"$i\" -lt 40 ]; do i=$((i+1)); "
	for name, tt := range map[string]struct {
		text string
		args []string
		runs int
	}{
		"limited": {text: mustRead("prelude") + often + "limited 60 true; done", runs: 1},
		"watch":   {text: mustRead("prelude") + mustRead("watch") + often + "true & watch 60 $!; done", runs: 1},
		"exec":    {text: mustRead("prelude") + mustRead("exec"), args: []string{"60", "-", "all", "-", "true"}, runs: 8},
	} {
		for shell, argv := range factsShells {
			t.Run(name+" in "+shell, func(t *testing.T) {
				t.Parallel()
				needed(t, argv[0])
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second) // less than one sleep
				defer cancel()
				script := Script{name: name, text: tt.text}
				for range tt.runs {
					cmd := exec.CommandContext(ctx, argv[0], append(argv[1:len(argv):len(argv)], script.Argv(goldenMark, tt.args...)[1:]...)...)
					cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
					require.NoError(t, cmd.Run())
					group := cmd.Process.Pid
					t.Cleanup(func() { _ = syscall.Kill(-group, syscall.SIGKILL) }) // when the test has failed
					require.Eventually(t, func() bool { return len(members(t, group)) == 0 }, 5*time.Second, 5*time.Millisecond, "something is left")
				}
			})
		}
	}
}

// members are the processes of a group that live.
func members(t *testing.T, group int) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	var all []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil { // it has ended meanwhile
			continue
		}
		_, rest, _ := strings.Cut(string(text), ") ") // state, parent, group
		if words := strings.Fields(rest); len(words) > 2 && words[0] != "Z" && words[2] == strconv.Itoa(group) {
			all = append(all, string(text))
		}
	}
	return all
}
