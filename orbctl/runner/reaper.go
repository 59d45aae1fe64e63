package runner

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// ReapVerb is the word behind which the program named by Options.Reaper calls
// Reap.
const ReapVerb = "reap"

// A reaper ends the children of a server that died without a word, where the
// system has no parent-death signal (macOS). It is a process of its own that is
// told of each process group as it comes and goes, one line each, "+PGID" and
// "-PGID"; when its input ends, the server is gone, and so are the groups that
// are left. It is started with the first child.
//
// Between the start of a child and the line about it there is a moment in which
// the death of the server leaves that child behind.
type reaper struct {
	program string // "": there is none, and none is needed

	mu      sync.Mutex
	process *exec.Cmd
	lines   io.WriteCloser
	groups  map[int]bool
}

func newReaper(program string) *reaper { return &reaper{program: program, groups: map[int]bool{}} }

// none is true where children die with their server all by themselves.
func (r *reaper) none() bool { return r == nil || r.program == "" }

// watch tells of a group. That there is no reaper is no reason not to run: the
// next child tries again.
func (r *reaper) watch(pgid int) error {
	if r.none() {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.groups[pgid] = true
	if r.lines != nil {
		if _, err := fmt.Fprintf(r.lines, "+%d\n", pgid); err == nil {
			return nil
		}
		r.end() // somebody has ended it: a new one takes over
	}
	return r.begin()
}

// forget tells that a group is gone. It comes before the leader is reaped: from
// then on the number may be another's.
func (r *reaper) forget(pgid int) {
	if r.none() {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.groups, pgid)
	if r.lines != nil {
		_, _ = fmt.Fprintf(r.lines, "-%d\n", pgid) // if it is gone, so is what it knew
	}
}

// begin starts the process and tells it of all groups there are.
func (r *reaper) begin() error {
	c := exec.Command(r.program, ReapVerb) //nolint:noctx,gosec // it has to outlive the server; the program is our own
	c.Env = []string{}
	c.Dir = "/"
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // what ends the client's group does not end it
	lines, err := c.StdinPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		return fmt.Errorf("children would survive a sudden death of this server: the reaper did not start: %w", err)
	}
	r.process, r.lines = c, lines
	for pgid := range r.groups {
		if _, err := fmt.Fprintf(lines, "+%d\n", pgid); err != nil {
			return fmt.Errorf("children would survive a sudden death of this server: the reaper does not listen: %w", err)
		}
	}
	return nil
}

// end lets the process go and waits for it.
func (r *reaper) end() {
	if r.lines == nil {
		return
	}
	_ = r.lines.Close()
	_ = r.process.Wait() // how it ended is nobody's business any more
	r.process, r.lines = nil, nil
}

func (r *reaper) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end()
}

// Reap is the reaper process: it reads lines about process groups until in ends,
// and then kills those that are left. Signals do not end it, since they are meant
// for the server.
func Reap(in io.Reader) {
	signal.Ignore(unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGPIPE)
	for pgid := range leftOver(in) {
		killGroup(pgid, unix.SIGKILL)
	}
}

// leftOver are the groups that came and did not go. What is no such line, and a
// number that kill(2) takes for something else than a group, is passed over.
func leftOver(in io.Reader) map[int]bool {
	groups := map[int]bool{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		line := lines.Text()
		pgid, err := strconv.Atoi(strings.TrimLeft(line, "+-"))
		if err != nil || pgid <= 1 || pgid == os.Getpid() {
			continue
		}
		switch line[0] {
		case '+':
			groups[pgid] = true
		case '-':
			delete(groups, pgid)
		}
	}
	return groups
}
