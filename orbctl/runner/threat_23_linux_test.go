package runner_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/runner/audit"
)

// A step is what became of one call on a disk that takes no record, or takes
// them again.
type step struct {
	Disk     string // bad, or mended
	Op       runner.Op
	Ran      bool
	NoRecord bool   // it was an *AuditError
	Errno    string // that it wraps
	Words    string // of the error
	Warnings int    // so far
}

func TestThreat23_AuditOnAFullDisk(t *testing.T) {
	refusedOnADisk(t, "full disk", "ENOSPC")
}

func TestThreat23_AuditOnAReadOnlyDisk(t *testing.T) {
	refusedOnADisk(t, "read-only disk", "EROFS")
}

// refusedOnADisk runs serveOnADisk in a mount namespace of its own, as root or in
// a user namespace.
func refusedOnADisk(t *testing.T, disk, errno string) {
	t.Helper()
	w := newWorld(t, nil)
	require.NoError(t, os.Mkdir(filepath.Join(w.home, "disk"), 0o700))
	server := exec.CommandContext(t.Context(), plainProgram())
	server.Args, server.Env, server.Stderr = []string{disk}, w.serverEnv(), os.Stderr
	server.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if uid := os.Geteuid(); uid != 0 {
		server.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		server.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		server.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	out, err := server.StdoutPipe()
	require.NoError(t, err)
	if err := server.Start(); err != nil {
		t.Skipf("this host gives no mount namespace: %v", err)
	}
	var steps []step
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var s step
		require.NoError(t, json.Unmarshal(lines.Bytes(), &s), lines.Text())
		steps = append(steps, s)
	}
	require.NoError(t, server.Wait())
	require.Len(t, steps, 6)
	for _, s := range steps[:4] {
		t.Run("bad: "+string(s.Op), func(t *testing.T) {
			assert.Equal(t, "bad", s.Disk)
			reads := s.Op == runner.OpList || s.Op == runner.OpClone
			assert.Equal(t, reads, s.Ran, "%+v", s)
			assert.Equal(t, !reads, s.NoRecord)
			assert.Equal(t, 1, s.Warnings, "one for all")
			if !reads {
				assert.Equal(t, errno, s.Errno)
				assert.True(t, strings.HasPrefix(s.Words, string(s.Op)+" is refused, for it could not be recorded: the audit log "+w.home), s.Words)
			}
		})
	}
	for _, s := range steps[4:] {
		t.Run("mended: "+string(s.Op), func(t *testing.T) {
			assert.Equal(t, "mended", s.Disk)
			assert.True(t, s.Ran, "%+v", s)
			assert.Equal(t, 2, s.Warnings, "one says that it works again")
		})
	}
	// What ran is what the fake orbctl saw; the last two are those of the mended disk.
	var seen []string
	for _, call := range w.calls(t, "") {
		if call[0] != "list" {
			seen = append(seen, call[0])
		}
	}
	assert.Equal(t, []string{"clone", "delete", "run"}, seen)
}

// serveOnADisk is a server whose audit log is on a tmpfs that is made bad, and
// good again.
func serveOnADisk(kind string) {
	home := os.Getenv("HOME")
	disk := filepath.Join(home, "disk")
	must(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	must(unix.Mount("tmpfs", disk, "tmpfs", 0, "size=64k,mode=700"))
	var told strings.Builder
	path := filepath.Join(disk, "audit.jsonl")
	open := func() (*audit.Log, *runner.Runner) {
		log := audit.Open(path, audit.Options{Log: slog.New(slog.NewTextHandler(&told, nil))})
		return log, runner.New(runner.Options{Orbctl: fakeOrbctl(), Audit: log, Exec: runner.ExecAll})
	}
	log, r := open()
	must(log.Err())

	filler := filepath.Join(disk, "filler")
	switch kind {
	case "full disk":
		if err := os.WriteFile(filler, make([]byte, 128<<10), 0o600); !errors.Is(err, unix.ENOSPC) {
			panic(err)
		}
		for range 100 { // the last page of the log has room for some
			if log.Err() == nil {
				_, err := r.Run(context.Background(), list)
				must(err)
			}
		}
	case "read-only disk":
		log.Close() // or the disk would be busy
		must(unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
		log, r = open()
	}
	try := func(state string, op runner.Op) {
		_, err := r.Run(context.Background(), lookedAt(r, webCall(op)))
		s := step{Disk: state, Op: op, Ran: err == nil, Warnings: strings.Count(told.String(), "level=WARN")}
		var refused *runner.AuditError
		if s.NoRecord = errors.As(err, &refused); s.NoRecord {
			var errno unix.Errno
			if errors.As(err, &errno) {
				s.Errno = unix.ErrnoName(errno)
			}
			s.Words = err.Error()
		}
		must(json.NewEncoder(os.Stdout).Encode(s))
	}
	for _, op := range []runner.Op{runner.OpList, runner.OpClone, runner.OpDelete, runner.OpExec} {
		try("bad", op)
	}
	if kind == "full disk" {
		must(os.Remove(filler))
	} else {
		must(unix.Mount("", disk, "", unix.MS_REMOUNT, ""))
	}
	for _, op := range []runner.Op{runner.OpDelete, runner.OpExec} {
		try("mended", op)
	}
	log.Close()
	os.Exit(0)
}

// webCall is a call of that operation about the machine web.
func webCall(op runner.Op) runner.Call {
	switch op {
	case runner.OpList:
		return list
	case runner.OpClone:
		return runner.Call{Op: op, Machine: "web", NewName: "copy"}
	case runner.OpExec:
		return command("web", "", "id")
	}
	return runner.Call{Op: op, Machine: "web"}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// A folder that cannot be written to is the read-only disk of a user who is not
// root.
func TestThreat23_AuditInAFolderThatMayNotBeWrittenTo(t *testing.T) {
	w := newWorld(t, nil)
	folder := filepath.Join(w.home, "folder")
	require.NoError(t, os.Mkdir(folder, 0o555))
	var told strings.Builder
	var log *audit.Log
	asNobody(t, func() {
		log = audit.Open(filepath.Join(folder, "audit.jsonl"), audit.Options{Log: slog.New(slog.NewTextHandler(&told, nil))})
	})
	defer log.Close()
	r := w.runner(t, func(o *runner.Options) { o.Audit, o.Exec = log, runner.ExecAll })
	asNobody(t, func() {
		for range 3 {
			_, err := r.Run(t.Context(), list)
			assert.NoError(t, err, "reading goes on")
		}
		for _, op := range []runner.Op{runner.OpDelete, runner.OpExec} {
			_, err := r.Run(t.Context(), lookedAt(r, webCall(op)))
			var refused *runner.AuditError
			if assert.ErrorAs(t, err, &refused) {
				assert.ErrorIs(t, err, unix.EACCES)
			}
		}
	})
	assert.Equal(t, 1, strings.Count(told.String(), "level=WARN"), told.String())
	for _, call := range w.calls(t, "") {
		assert.Equal(t, "list", call[0])
	}
}
