package runner_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
)

// The fake orbctl is this test binary. All that reaches a child is HOME, so the
// world is a folder: behaviour.json says what each verb does, calls collects the
// command lines, pids the processes.

// acts says what a verb does; the zero value exits with 0 in silence.
type acts struct {
	Do   string // a kind of hostile child, below
	Out  string
	Err  string
	Exit int
}

type world struct{ home string }

// newWorld is an OrbStack that runs, unless with says something else of status.
func newWorld(tb testing.TB, with map[string]acts) world {
	tb.Helper()
	all := map[string]acts{"status": {Out: "Running\n"}}
	for verb, a := range with {
		all[verb] = a
	}
	w := world{home: tb.TempDir()}
	w.set(tb, all)
	return w
}

func (w world) set(tb testing.TB, all map[string]acts) {
	tb.Helper()
	text, err := json.Marshal(all)
	require.NoError(tb, err)
	next := filepath.Join(w.home, "behaviour.next")
	require.NoError(tb, os.WriteFile(next, text, 0o600))
	require.NoError(tb, os.Rename(next, filepath.Join(w.home, "behaviour.json")))
}

// runner lets commands run anywhere, unless a test says otherwise.
func (w world) runner(tb testing.TB, change ...func(*runner.Options)) *runner.Runner {
	tb.Helper()
	self := plainProgram()
	o := runner.Options{Orbctl: self, Home: w.home, Exec: runner.ExecAll}
	for _, f := range change {
		f(&o)
	}
	return runner.New(o)
}

// event is one line of calls: a child that began or ended.
type event struct {
	Argv []string
	End  bool
}

func (w world) events(tb testing.TB) []event {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(w.home, "calls"))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(tb, err)
	var all []event
	for line := range strings.Lines(string(text)) {
		var e event
		require.NoError(tb, json.Unmarshal([]byte(line), &e))
		all = append(all, e)
	}
	return all
}

// calls are the command lines of all children so far; without a verb's name, of
// all but status.
func (w world) calls(tb testing.TB, verb string) [][]string {
	tb.Helper()
	var all [][]string
	for _, e := range w.events(tb) {
		if !e.End && (e.Argv[0] == verb || verb == "" && e.Argv[0] != "status") {
			all = append(all, e.Argv)
		}
	}
	return all
}

// pids are the processes that hostile children have left word of.
func (w world) pids(tb testing.TB) []int {
	tb.Helper()
	text, _ := os.ReadFile(filepath.Join(w.home, "pids"))
	var pids []int
	for _, word := range strings.Fields(string(text)) {
		pid, err := strconv.Atoi(word)
		require.NoError(tb, err)
		pids = append(pids, pid)
	}
	return pids
}

// survivors are those of them that live, once they have had the time to go; it
// then ends them.
func (w world) survivors(tb testing.TB) int {
	tb.Helper()
	var left int
	for until := time.Now().Add(3 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		left = 0
		for _, pid := range w.pids(tb) {
			if alive(pid) {
				left++
			}
		}
		if left == 0 || time.Now().After(until) {
			break
		}
	}
	for _, pid := range w.pids(tb) {
		if alive(pid) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return left
}

// alive reports a process that is there and no zombie.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return !os.IsNotExist(err) || !procMounted()
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}

func procMounted() bool {
	_, err := os.Stat("/proc/self/stat")
	return err == nil
}

// --- inside the child ---

func fakeOrbctl(argv []string) {
	if len(argv) > 1 && argv[0] == "hostile" {
		hostile(argv[1], argv[2:])
	}
	if given := hostileOrders(); len(given) > 0 {
		hostile(given[0], given[1:])
	}
	home := os.Getenv("HOME")
	say(home, "calls", event{Argv: argv})
	text, err := os.ReadFile(filepath.Join(home, "behaviour.json"))
	if err != nil {
		panic(err)
	}
	var all map[string]acts
	if err := json.Unmarshal(text, &all); err != nil {
		panic(err)
	}
	a := all[argv[0]]
	_, _ = os.Stdout.WriteString(a.Out)
	_, _ = os.Stderr.WriteString(a.Err)
	misbehave(home, a.Do)
	say(home, "calls", event{Argv: argv, End: true})
	syscall.Exit(a.Exit) // not os.Exit, which speaks on stderr when coverage is measured
}

// say appends one line in one write.
func say(home, file string, what any) {
	line, err := json.Marshal(what)
	if err != nil {
		panic(err)
	}
	f, err := os.OpenFile(filepath.Join(home, file), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	_, _ = f.Write(append(line, '\n'))
}

func lingerFor(d time.Duration) { time.Sleep(d) } // a child of a test: its life is what is tested

func misbehave(home, do string) {
	kind, detail, _ := strings.Cut(do, " ")
	switch kind {
	case "":
	case "briefly":
		lingerFor(10 * time.Millisecond)
	case "linger":
		say(home, "pids", os.Getpid())
		lingerFor(time.Minute)
	case "ignore-term":
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
		say(home, "pids", os.Getpid())
		fmt.Println("ready")
		lingerFor(time.Minute)
	case "on-term": // ends in good order when asked to
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, syscall.SIGTERM)
		say(home, "pids", os.Getpid())
		<-asked
		fmt.Println("asked to end")
		syscall.Exit(3)
	case "grandchild": // one that holds our output open and stays in the group
		say(home, "pids", grandchild(nil))
	case "grandchild-and-linger":
		say(home, "pids", grandchild(nil))
		say(home, "pids", os.Getpid())
		lingerFor(time.Minute)
	case "setsid": // one that leaves the group
		say(home, "pids", grandchild(&syscall.SysProcAttr{Setsid: true}))
	case "dribble":
		say(home, "pids", os.Getpid())
		for {
			fmt.Print(".")
			lingerFor(20 * time.Millisecond)
		}
	case "close-all":
		say(home, "pids", os.Getpid())
		os.Stdout.Close()
		os.Stderr.Close()
		lingerFor(time.Minute)
	case "flood": // flood BYTES
		flood(os.Stdout, detail)
	case "flood-stderr":
		flood(os.Stderr, detail)
	case "stdin":
		n, err := io.Copy(io.Discard, os.Stdin)
		fmt.Println(n, err)
	case "hash-stdin":
		sum := sha256.New()
		n, err := io.Copy(sum, os.Stdin)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%d %x\n", n, sum.Sum(nil))
	case "raw": // any bytes on stdout, many of them, with a note on stderr before
		fmt.Fprintln(os.Stderr, "note")
		for i := range 64 {
			_, _ = os.Stdout.Write(bytes.Repeat([]byte{0, 27, '[', 255, byte(i)}, 4096))
		}
	case "environment":
		fmt.Println(strings.Join(os.Environ(), "\n"))
	case "pid":
		fmt.Println(os.Getpid())
	case "files":
		for fd := range 64 {
			var st syscall.Stat_t
			if syscall.Fstat(fd, &st) == nil && !ownFile(fd) {
				fmt.Print(fd, " ")
			}
		}
	case "where":
		dir, _ := os.Getwd()
		fmt.Println(dir, os.Args[0], syscall.Getpgrp() == os.Getpid())
	case "signal":
		_ = syscall.Kill(os.Getpid(), syscall.SIGABRT)
		lingerFor(time.Minute)
	case "sigkill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	default:
		panic("no such child: " + do)
	}
}

// ownFile reports a file that the Go runtime of the child has opened itself: its
// poller, and the limits of its cgroup.
func ownFile(fd int) bool {
	target, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	return err == nil && (strings.HasPrefix(target, "anon_inode:") || strings.HasPrefix(target, "/sys/fs/cgroup/"))
}

func grandchild(attr *syscall.SysProcAttr) int {
	c := exec.Command("/bin/sleep", "60")
	c.Stdout, c.Stderr, c.SysProcAttr = os.Stdout, os.Stderr, attr
	if err := c.Start(); err != nil {
		panic(err)
	}
	fmt.Println("grandchild started")
	return c.Process.Pid
}

func flood(w io.Writer, size string) {
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		panic(err)
	}
	chunk := []byte(strings.Repeat("one hundred bytes of a log line that says nothing at all but takes its room on the disk and here..\n", 600))
	for ; n > 0; n -= int64(len(chunk)) {
		_, _ = w.Write(chunk[:min(int64(len(chunk)), n)])
	}
}
