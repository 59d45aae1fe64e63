package orbctl_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/beside"
	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/folders"
	"orbstack-mcp/orbctl/runner"
)

// here is a Runner whose machines are this host: it runs the file scripts with sh.
type here struct {
	t      *testing.T
	home   string // of each machine's user
	infos  map[string]string
	before string // what orbctl prints before anything else

	also func(runner.Call) runner.Result // export, import
}

func (h *here) Status(context.Context) (runner.Status, error) { return runner.Running, nil }

func (*here) Edition(string) runner.Edition { return "" }

func (h *here) Hold(context.Context, ...runner.Call) (*runner.Hold, error) { return nil, nil }

func (h *here) Places(context.Context, int) (*runner.Places, error) { return nil, nil }

func (h *here) Run(ctx context.Context, call runner.Call) (runner.Result, error) {
	switch call.Op {
	case runner.OpInfo:
		return runner.Result{Stdout: h.infos[call.Machine]}, nil
	case runner.OpExport, runner.OpImport:
		return h.also(call), nil
	case runner.OpList:
		return runner.Result{Stdout: "[]"}, nil
	case runner.OpProbe: // cancel
		return runner.Result{}, nil
	}
	argv := call.Script.Argv(call.Mark, call.Guest...)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // as cancel.sh does
	cmd.Env, cmd.Dir = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + h.home}, "/"
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = call.Stdin, call.Raw, io.MultiWriter(&stderr, call.Stderr)
	if call.Raw != nil {
		_, _ = io.WriteString(call.Raw, h.before)
	}
	err := cmd.Run()
	if c, ok := call.Stderr.(io.Closer); ok {
		_ = c.Close()
	}
	var exit *exec.ExitError
	res := runner.Result{Stderr: stderr.String(), Exit: cmd.ProcessState.ExitCode()}
	if ctx.Err() != nil {
		return res, context.Cause(ctx)
	}
	if err != nil && !errors.As(err, &exit) {
		return res, err
	}
	return res, nil
}

func info(name, state string) string {
	return fmt.Sprintf(`{"record":{"id":"01K2G8TY5GM9C3CN95KCB4ZG8B","name":%q,"image":{},"config":{"default_username":"ada"},"state":%q}}`, name, state)
}

// filesWorld is a Mac with an allowed folder, and machines with one home folder.
func filesWorld(t *testing.T) (c *orbctl.Client, h *here, mac *folders.Allowed, open string) {
	t.Helper()
	h = &here{t: t, home: t.TempDir(), infos: map[string]string{
		"web": info("web", "running"), "db": info("db", "running"), "off": info("off", "stopped"),
	}}
	open, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	mac, err = folders.Open("/", []string{open})
	require.NoError(t, err)
	return orbctl.New(h, orbctl.Mac{CPUs: 8, MemoryBytes: 16 << 30}), h, mac, open
}

func within(t *testing.T, path, text string) string {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o640))
	return path
}

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(b)
}

func only(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	names := []string{}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	assert.ElementsMatch(t, want, names, "and no partial file")
}

func TestPushAndPullGiveTheSameBytes(t *testing.T) {
	c, h, mac, open := filesWorld(t)
	text := strings.Repeat("a\x00\xff\x1b[31m\r\n", 40000)
	within(t, open+"/file", text)
	var done, total int64
	progress := func(d, n int64) { done, total = d, n }
	got, err := c.Push(t.Context(), mac, open+"/file", orbctl.Place{Machine: "web", Path: "~", Clearance: runner.Approved}, false, progress)
	require.NoError(t, err)
	assert.Equal(t, text, content(t, h.home+"/file"))
	assert.Equal(t, h.home+"/file", strings.ReplaceAll(got.Path, "/./", "/"))
	assert.EqualValues(t, len(text), got.Bytes)
	assert.EqualValues(t, 0o640, got.Mode)
	assert.Equal(t, []int64{got.Bytes, got.Bytes}, []int64{done, total})

	back, err := c.Pull(t.Context(), mac, orbctl.Place{Machine: "web", Path: "file"}, open+"/back", false, progress)
	require.NoError(t, err)
	assert.Equal(t, text, content(t, open+"/back"))
	assert.EqualValues(t, 0o640, back.Mode)
	copied, err := c.Copy(t.Context(), orbctl.Place{Machine: "web", Path: "~/file"}, orbctl.Place{Machine: "db", Path: "copy"}, false, progress)
	require.NoError(t, err)
	assert.Equal(t, "db", copied.Machine.Name)
	assert.Equal(t, text, content(t, h.home+"/copy"))

	within(t, h.home+"/empty", "")
	_, err = c.Copy(t.Context(), orbctl.Place{Machine: "web", Path: "empty"}, orbctl.Place{Machine: "db", Path: "empty2"}, false, nil)
	require.NoError(t, err)
	_, err = c.Pull(t.Context(), mac, orbctl.Place{Machine: "web", Path: "empty"}, open, false, nil)
	require.NoError(t, err)
	only(t, h.home, "file", "copy", "empty", "empty2")
	only(t, open, "file", "back", "empty")
}

func TestFilesThatAreNotPassed(t *testing.T) {
	c, h, mac, open := filesWorld(t)
	within(t, open+"/file", "new")
	within(t, h.home+"/taken", "old")
	require.NoError(t, os.Mkdir(h.home+"/dir", 0o700))
	require.NoError(t, syscall.Mkfifo(h.home+"/fifo", 0o600))
	require.NoError(t, os.Symlink("/etc/passwd", open+"/out"))
	in := func(machine, path string) orbctl.Place { return orbctl.Place{Machine: machine, Path: path} }
	push := func(source string, to orbctl.Place) error {
		_, err := c.Push(t.Context(), mac, source, to, false, nil)
		return err
	}
	pull := func(from orbctl.Place, to string) error {
		_, err := c.Pull(t.Context(), mac, from, to, false, nil)
		return err
	}
	cp := func(from, to orbctl.Place) error {
		_, err := c.Copy(t.Context(), from, to, false, nil)
		return err
	}
	other := in("web", "x")
	other.ID = "01K2G8TY5GM9C3CN95KCB4ZG8C"
	for name, tt := range map[string]struct {
		err  error
		kind orbctl.Kind
	}{
		"taken":              {push(open+"/file", in("web", "taken")), orbctl.FileExists},
		"no folder":          {push(open+"/file", in("web", "none/x")), orbctl.InvalidArgument},
		"a FIFO there":       {push(open+"/file", in("web", "fifo")), orbctl.InvalidArgument},
		"a stopped machine":  {push(open+"/file", in("off", "x")), orbctl.MachineNotRunning},
		"another machine":    {push(open+"/file", other), orbctl.MachineChanged},
		"a link out":         {push(open+"/out", in("web", "x")), orbctl.NotAllowed},
		"elsewhere":          {push("/etc/passwd", in("web", "x")), orbctl.NotAllowed},
		"dots":               {push(open+"/../x", in("web", "x")), orbctl.NotAllowed},
		"a newline":          {push(open+"/file", in("web", "a\nb")), orbctl.InvalidArgument},
		"pull: missing":      {pull(in("web", "none"), open+"/x"), orbctl.InvalidArgument},
		"pull: a folder":     {pull(in("web", "dir"), open+"/x"), orbctl.InvalidArgument},
		"pull: a FIFO":       {pull(in("web", "fifo"), open+"/x"), orbctl.InvalidArgument},
		"pull: taken":        {pull(in("web", "taken"), open+"/file"), orbctl.FileExists},
		"pull: to elsewhere": {pull(in("web", "taken"), "/etc/x"), orbctl.NotAllowed},
		"pull: no length":    {pull(in("web", "/proc/self/status"), open+"/x"), orbctl.OrbctlFailed},
		"copy: missing":      {cp(in("web", "none"), in("db", "x")), orbctl.InvalidArgument},
		"copy: taken":        {cp(in("web", "taken"), in("db", "taken")), orbctl.FileExists},
		"copy: no length":    {cp(in("web", "/proc/self/status"), in("db", "x")), orbctl.OrbctlFailed},
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, tt.err)
			failure(t, tt.err, tt.kind)
			var side *orbctl.CopyError
			if errors.As(tt.err, &side) {
				assert.Equal(t, map[bool]string{true: "destination", false: "source"}[name == "copy: taken"], side.Side)
			}
		})
	}
	assert.Equal(t, "old", content(t, h.home+"/taken"))
	only(t, h.home, "taken", "dir", "fifo")
	only(t, open, "file", "out")
}

func TestACopyOfALargeFileWhoseDestinationFailsEndsBothSides(t *testing.T) {
	c, h, _, _ := filesWorld(t)
	f, err := os.Create(h.home + "/large")
	require.NoError(t, err)
	require.NoError(t, f.Truncate(1<<30))
	f.Close()
	within(t, h.home+"/taken", "old")
	_, err = c.Copy(t.Context(), orbctl.Place{Machine: "web", Path: "large"}, orbctl.Place{Machine: "db", Path: "taken"}, false, nil)
	failure(t, err, orbctl.FileExists)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err = c.Copy(ctx, orbctl.Place{Machine: "web", Path: "large"}, orbctl.Place{Machine: "db", Path: "taken"}, true, func(done, _ int64) { cancel() })
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, "old", content(t, h.home+"/taken"))
	only(t, h.home, "large", "taken")
}

// breaks is a Runner that breaks down where a file is to be put.
type breaks struct{ *here }

func (b breaks) Run(ctx context.Context, call runner.Call) (runner.Result, error) {
	if call.Op == runner.OpPut {
		panic("in a parser")
	}
	return b.here.Run(ctx, call)
}

// The destination is written by a goroutine of its own, where a panic would end the
// server: it comes to the caller, and the source has ended then.
func TestACopyWhoseDestinationBreaksDownEndsTheCallOnly(t *testing.T) {
	_, h, _, _ := filesWorld(t)
	within(t, h.home+"/file", strings.Repeat("x", 1<<20))
	c := orbctl.New(breaks{h}, mac)
	err := beside.Caught(func() {
		_, _ = c.Copy(t.Context(), orbctl.Place{Machine: "web", Path: "file"}, orbctl.Place{Machine: "db", Path: "copy"}, false, nil)
	})
	var broke *beside.PanicError
	require.ErrorAs(t, err, &broke)
	assert.Equal(t, "in a parser", broke.Value)
	only(t, h.home, "file")
}

func TestExportIsThereWhenItIsWhole(t *testing.T) {
	c, h, mac, open := filesWorld(t)
	h.also = func(call runner.Call) runner.Result {
		assert.Equal(t, open, filepath.Dir(filepath.Dir(call.File)))
		within(t, call.File, "archive")
		return runner.Result{}
	}
	got, err := c.Export(t.Context(), mac, "web", open)
	require.NoError(t, err)
	assert.Equal(t, open+"/web.tar.zst", got.Path)
	assert.EqualValues(t, 7, got.Bytes)
	_, err = c.Export(t.Context(), mac, "web", open)
	failure(t, err, orbctl.FileExists)
	h.also = func(call runner.Call) runner.Result {
		within(t, call.File, "half")
		return runner.Result{Exit: 1, Stderr: "no"}
	}
	_, err = c.Export(t.Context(), mac, "web", open+"/second")
	failure(t, err, orbctl.OrbctlFailed)
	only(t, open, "web.tar.zst")
}

func TestImportGivesOrbctlTheRealFile(t *testing.T) {
	c, h, mac, open := filesWorld(t)
	within(t, open+"/archive", "x")
	require.NoError(t, os.Symlink("archive", open+"/link"))
	h.also = func(call runner.Call) runner.Result {
		assert.Equal(t, open+"/archive", call.File)
		h.infos[call.NewName] = info(call.NewName, "stopped")
		return runner.Result{}
	}
	made, err := c.Import(t.Context(), mac, open+"/link", "fresh", runner.Approved)
	require.NoError(t, err)
	assert.Equal(t, "fresh", made.Machine.Name)
	_, err = c.Import(t.Context(), mac, open+"/none", "fresh2", runner.Approved)
	failure(t, err, orbctl.InvalidArgument)
}
