package guest

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ran is what a script printed, with its notes taken apart.
type ran struct {
	stdout, stderr string
	notes          []string
}

func (r ran) last() string {
	if len(r.notes) == 0 {
		return ""
	}
	return r.notes[len(r.notes)-1]
}

// inShell runs a script under one shell of this host, with that home folder.
func inShell(t *testing.T, shell []string, home string, stdin io.Reader, script Script, args []string) ran {
	t.Helper()
	argv := append(append([]string{}, shell...), script.Argv(goldenMark, args...)[1:]...)
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Dir = stdin, &stdout, &stderr, "/"
	_ = cmd.Run() // the notes say how it ended
	r := ran{stdout: stdout.String(), stderr: stderr.String()}
	for line := range strings.Lines(r.stderr) {
		if note, ok := strings.CutPrefix(line, string(goldenMark)+" "); ok {
			r.notes = append(r.notes, strings.TrimSuffix(note, "\n"))
		}
	}
	return r
}

func put(t *testing.T, shell []string, home string, stdin io.Reader, p Putting) ran {
	t.Helper()
	if p.Limit == 0 {
		p.Limit = time.Minute
	}
	script, args, _, err := Put(p)
	require.NoError(t, err)
	return inShell(t, shell, home, stdin, script, args)
}

// eachFileShell runs a test under each shell, with a folder of its own.
func eachFileShell(t *testing.T, test func(t *testing.T, shell []string, home string)) {
	for name, shell := range factsShells {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			needed(t, shell[0])
			test(t, shell, t.TempDir())
		})
	}
}

// left are the names in a folder.
func left(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestPutWritesAllOrNothing(t *testing.T) {
	t.Parallel()
	text := "a\x00b\xff\x1b[31m\n"
	eachFileShell(t, func(t *testing.T, shell []string, home string) {
		at := func(name string) string { return filepath.Join(home, name) }
		plain := Putting{Path: at("new file"), Name: "f", Size: int64(len(text)), Mode: 0o640}
		assert.Equal(t, "written "+at("new file"), put(t, shell, home, strings.NewReader(text), plain).last())
		got, err := os.ReadFile(at("new file"))
		require.NoError(t, err)
		assert.Equal(t, text, string(got))
		info, err := os.Stat(at("new file"))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o640), info.Mode())

		assert.Equal(t, "exists "+at("new file"), put(t, shell, home, strings.NewReader(text), plain).last())
		over := plain
		over.Overwrite, over.Size = true, 3
		assert.Equal(t, "torn", put(t, shell, home, strings.NewReader("12"), over).last(), "too few")
		assert.Equal(t, "torn", put(t, shell, home, strings.NewReader("1234"), over).last(), "too many")
		got, _ = os.ReadFile(at("new file"))
		assert.Equal(t, text, string(got), "the old content stays")
		assert.Equal(t, "written "+at("new file"), put(t, shell, home, strings.NewReader("123"), over).last())
		got, _ = os.ReadFile(at("new file"))
		assert.Equal(t, "123", string(got))

		require.NoError(t, os.Mkdir(at("dir"), 0o700))
		require.NoError(t, os.Symlink("dir", at("link")))
		require.NoError(t, os.Symlink("nowhere", at("dangling")))
		require.NoError(t, syscall.Mkfifo(at("fifo"), 0o600))
		require.NoError(t, os.MkdirAll(at("full/f"), 0o700))
		for path, want := range map[string]string{
			at("dir"): "written " + at("dir/f"), "~/dir": "exists " + home + "/dir/f", "link/g": "written " + home + "/link/g",
			"~": "written " + home + "/f", at("full"): "folder " + at("full/f"), at("nosuch/x"): "nofolder", at("nosuch") + "/": "nofolder",
			at("fifo"): "special " + at("fifo"), "/dev/null": "special /dev/null", at("dangling"): "exists " + at("dangling"),
			at("new file/x"): "nofolder",
		} {
			if strings.HasPrefix(path, "~/dir") {
				continue // behind the others, below
			}
			p := plain
			p.Path = path
			r := put(t, shell, home, strings.NewReader(text), p)
			assert.Equal(t, want, r.last(), "%s: %s", path, r.stderr)
		}
		p := plain
		p.Path = "~/dir"
		assert.Equal(t, "exists "+home+"/dir/f", put(t, shell, home, strings.NewReader(text), p).last())
		for _, folder := range []string{home, at("dir"), at("full")} {
			assert.NotContains(t, strings.Join(left(t, folder), " "), ".orbstack-mcp", "no partial file is left")
		}
	})
}

func TestPutSaysWhyItCannotWrite(t *testing.T) {
	t.Parallel()
	eachFileShell(t, func(t *testing.T, shell []string, home string) {
		full := put(t, shell, home, strings.NewReader("text"), Putting{Path: "/proc/self/file", Name: "f", Size: 4})
		assert.Equal(t, "nowrite", strings.Fields(full.last())[0])
		assert.NotEmpty(t, strings.TrimSpace(strings.ReplaceAll(full.stderr, string(goldenMark)+" "+full.last(), "")), "the reason")
	})
}

// A machine's client is gone, or cancel.sh tells the script to end: no partial
// file is left.
func TestPutThatIsToldToEndLeavesNothing(t *testing.T) {
	t.Parallel()
	eachFileShell(t, func(t *testing.T, shell []string, home string) {
		script, args, _, err := Put(Putting{Path: "file", Name: "f", Size: 10, Limit: time.Minute})
		require.NoError(t, err)
		argv := append(append([]string{}, shell...), script.Argv(goldenMark, args...)[1:]...)
		cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
		stdin, err := cmd.StdinPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		_, _ = stdin.Write([]byte("half"))
		require.Eventually(t, func() bool { return len(left(t, home)) == 1 }, 20*time.Second, 5*time.Millisecond)
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		_ = cmd.Wait()
		assert.Empty(t, left(t, home))
	})
}

func TestPutEndsAtItsLimit(t *testing.T) {
	t.Parallel()
	eachFileShell(t, func(t *testing.T, shell []string, home string) {
		r, w, err := os.Pipe() // a client that sends nothing and does not go
		require.NoError(t, err)
		defer r.Close()
		defer w.Close()
		got := put(t, shell, home, r, Putting{Path: "file", Name: "f", Size: 10, Limit: time.Second})
		assert.Equal(t, "late", got.last())
		assert.Empty(t, left(t, home))
	})
}

func TestGetPrintsAFileAsItIs(t *testing.T) {
	t.Parallel()
	text := "a\x00b\xff\x1b[31m\r\n"
	eachFileShell(t, func(t *testing.T, shell []string, home string) {
		at := func(name string) string { return filepath.Join(home, name) }
		require.NoError(t, os.WriteFile(at("file"), []byte(text), 0o640))
		require.NoError(t, os.Symlink("file", at("link")))
		require.NoError(t, os.Mkdir(at("dir"), 0o700))
		require.NoError(t, syscall.Mkfifo(at("fifo"), 0o600))
		get := func(path string) ran {
			script, args, _, err := Get(path, time.Minute)
			require.NoError(t, err)
			return inShell(t, shell, home, nil, script, args)
		}
		for _, path := range []string{at("file"), "file", "~/link"} {
			got := get(path)
			assert.Equal(t, string(goldenMark)+" output\n"+text, got.stdout)
			require.Len(t, got.notes, 2, got.stderr)
			assert.True(t, strings.HasPrefix(got.notes[0], "file 11 640 "+home+"/"), got.notes[0])
			assert.Equal(t, "whole", got.notes[1])
		}
		for path, want := range map[string]string{
			at("dir"): "folder " + at("dir"), at("fifo"): "special " + at("fifo"), "/dev/null": "special /dev/null", at("none"): "missing",
		} {
			got := get(path)
			assert.Equal(t, want, got.last())
			assert.Empty(t, got.stdout)
		}
	})
}

func TestPathsThatNoMachineIsAskedFor(t *testing.T) {
	for _, path := range []string{"", "-rf", "a\nb", "a\x00", "\x1b[2J", "\xff", "~root/x", strings.Repeat("x", 5000)} {
		_, _, _, err := Get(path, time.Minute)
		var bad *TargetError
		require.ErrorAs(t, err, &bad, "%q", path)
		assert.Equal(t, "source", bad.Field)
		_, _, _, err = Put(Putting{Path: path, Name: "f", Limit: time.Minute})
		require.ErrorAs(t, err, &bad)
		assert.Equal(t, "destination", bad.Field)
	}
	for _, name := range []string{"", ".", "..", "a/b", "a\nb"} {
		_, _, _, err := Put(Putting{Path: "/x", Name: name, Limit: time.Minute})
		require.Error(t, err, name)
	}
}
