package namespaces

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// pauseWithin is how long a machine may go on making processes before pause
// gives up.
const pauseWithin = 5 * time.Second

// pause stops every process of the machine but its PID 1, which does nothing by
// itself, and every Run that is about to start one. resume must be called.
//
// It is done with SIGSTOP at every level: without root there is no control group,
// and the freezer of v1 would freeze threads of this process with the guest's,
// since they join the group to start a command (group.enter). What the guest had
// stopped itself stays stopped afterwards. A shell in there that looks after its
// jobs can notice.
func (m *Machine) pause() (resume func(), err error) {
	// A child that is stopped between its start and its exec would hold the thread
	// that starts it, and Go's runtime with it: so nothing starts from here on.
	m.group.mu.Lock()
	stopped := map[int]*os.Process{}
	resume = func() {
		for _, p := range stopped {
			_ = p.Signal(unix.SIGCONT) // it may have been killed
			_ = p.Release()
		}
		m.group.mu.Unlock()
	}
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		quiet, err := m.stopAll(stopped)
		if err == nil && !quiet && time.Since(began) > pauseWithin {
			err = fmt.Errorf("pause %s: its processes do not come to rest", m.Name)
		}
		if err != nil {
			resume()
			return nil, err
		}
		if quiet {
			return resume, nil
		}
	}
}

// stopAll stops what runs and adds it to stopped. quiet says that nothing did: a
// process that was seen at rest can't have made one that was not seen.
func (m *Machine) stopAll(stopped map[int]*os.Process) (quiet bool, err error) {
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", m.init.Process.Pid))
	if err != nil {
		return false, m.gone()
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return false, fmt.Errorf("pause %s: %w", m.Name, err)
	}
	quiet = true
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == m.init.Process.Pid || atRest(pid, stopped[pid] != nil) {
			continue
		}
		p, err := os.FindProcess(pid) // by its pidfd: the number can be another's at any time
		if err != nil {
			continue
		}
		if !within(pid, own) || p.Signal(unix.SIGSTOP) != nil {
			_ = p.Release()
			continue
		}
		if before := stopped[pid]; before != nil {
			_ = before.Release()
		}
		stopped[pid], quiet = p, false
	}
	return quiet, nil
}

// atRest says whether a process has no thread that can do anything: it is
// stopped, or a zombie, or sleeps in the kernel with a stop to come (signalled).
func atRest(pid int, signalled bool) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, t := range threads {
		b, err := os.ReadFile(t)
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := bytes.Cut(b[bytes.LastIndexByte(b, ')')+1:], []byte(" "))
		if len(rest) == 0 {
			continue
		}
		switch rest[0] {
		case 'T', 't', 'Z', 'X':
		case 'D':
			if !signalled {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// within says whether a process is in a PID namespace, or in one that was made in
// there; namespace is what its link in /proc says.
func within(pid int, namespace string) bool {
	fd, err := unix.Open(fmt.Sprintf("/proc/%d/ns/pid", pid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	for err == nil {
		var link string
		link, err = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		if err == nil && link == namespace {
			_ = unix.Close(fd)
			return true
		}
		parent := -1
		if err == nil {
			parent, err = unix.IoctlRetInt(fd, unix.NS_GET_PARENT) // fails at this process's own
		}
		err = errors.Join(err, unix.Close(fd))
		fd = parent
	}
	return false
}
