package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"orbstack-mcp/orbctl/runner/audit"
)

// TestMain makes this test binary three programs: the tests, a server that does
// nothing but write records, and one whose disk is full.
func TestMain(m *testing.M) {
	switch os.Args[0] {
	case "appender":
		appendRecords(os.Args[1], os.Args[2])
	case "full":
		fillDisk(os.Args[1])
	default:
		goleak.VerifyTestMain(m)
	}
}

// self starts this test binary under another name. It runs on when run returns.
func self(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	require.NoError(t, err)
	c := exec.CommandContext(t.Context(), path)
	c.Args, c.Stderr = args, os.Stderr
	return c
}

const (
	writers  = 8
	each     = 60
	rotation = 320 << 10 // bytes: the records of the concurrency test fill the log and two more or so
)

// appendRecords writes pairs from several goroutines at once.
func appendRecords(path, name string) {
	l := audit.Open(path, audit.Options{Version: name, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))})
	l.RotateAt(rotation)
	var all sync.WaitGroup
	for g := range writers {
		all.Go(func() {
			for i := range each {
				call := audit.Call{Tool: name, Op: "list", Class: "read", Argv: []string{"orbctl", "list", strconv.Itoa(g), strconv.Itoa(i), strings.Repeat("x", i)}}
				id, err := l.Start(context.Background(), call)
				if err == nil {
					err = l.End(context.Background(), audit.End{ID: id, Outcome: audit.OK})
				}
				if err != nil {
					panic(err)
				}
			}
		})
	}
	all.Wait()
	l.Close()
}

// A verdict is what a record on a disk without room came to.
type verdict struct {
	Wrote  bool
	Error  string
	NoRoom bool // the error says why
	Size   int64
}

// fillDisk may write no more than some bytes beyond what is in the log, so that
// the last record goes in by half; then it may again.
func fillDisk(path string) {
	signal.Ignore(syscall.SIGXFSZ)
	l := audit.Open(path, audit.Options{Log: slog.New(slog.DiscardHandler)})
	var limits syscall.Rlimit
	must(syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limits))
	record := func() {
		_, err := l.Start(context.Background(), audit.Call{Op: "list"})
		v := verdict{Wrote: err == nil, NoRoom: errors.Is(err, syscall.EFBIG)}
		if err != nil {
			v.Error = err.Error()
		}
		info, err := os.Stat(path)
		must(err)
		v.Size = info.Size()
		out, err := json.Marshal(v)
		must(err)
		fmt.Println(string(out))
	}
	record()
	info, err := os.Stat(path)
	must(err)
	for _, room := range []uint64{uint64(info.Size()) + 20, uint64(info.Size()), limits.Max} {
		must(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: room, Max: limits.Max}))
		record()
	}
	l.Close()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// newLog is a log in a folder of its own, and what its server was told of it.
func newLog(t testing.TB) (l *audit.Log, told *strings.Builder) {
	t.Helper()
	told = &strings.Builder{}
	l = audit.Open(filepath.Join(t.TempDir(), "state", "audit.jsonl"), audit.Options{Version: "1.2.3", Log: slog.New(slog.NewTextHandler(told, nil))})
	t.Cleanup(l.Close)
	return l, told
}

// read is the log read back.
func read(t *testing.T, path string) audit.History {
	t.Helper()
	h, err := audit.Read(t.Context(), path)
	require.NoError(t, err)
	return h
}
