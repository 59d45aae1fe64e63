package orbsim

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// endWithin is how long what is left behind may go on making processes.
const endWithin = 5 * time.Second

// adopt makes this process the parent of all that its children leave behind, also
// of what has left their process group and session; end kills that and waits for
// it. Children from before adopt are spared. A kernel that refuses gives an end
// that does nothing.
func adopt() (end func()) {
	if unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != nil {
		return func() {}
	}
	spared := childrenOf()[os.Getpid()]
	return func() {
		for began := time.Now(); killChildren(spared) && time.Since(began) < endWithin; {
			time.Sleep(time.Millisecond) // what a killed one had made is our child then
		}
		_ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
	}
}

// killChildren kills all that is below this process, but for the spared and what
// is below them, and says whether there was anybody.
func killChildren(spared []int) (found bool) {
	children := childrenOf()
	own := children[os.Getpid()]
	for left := slices.Clone(own); len(left) > 0; left = left[1:] {
		if slices.Contains(spared, left[0]) {
			continue
		}
		found = true
		_ = syscall.Kill(left[0], syscall.SIGKILL) // it may be a zombie
		left = append(left, children[left[0]]...)
	}
	for _, pid := range own {
		if !slices.Contains(spared, pid) {
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil) // not yet: the next time
		}
	}
	return found
}

// childrenOf is every process that /proc shows, by its parent.
func childrenOf() map[int][]int {
	children := map[int][]int{}
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		b, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // state, parent
		if len(fields) < 2 {
			continue
		}
		if parent, err := strconv.Atoi(fields[1]); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	return children
}
