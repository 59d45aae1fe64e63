package namespaces

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// group is the control group of one machine; see cgroups for its three cases.
type group struct {
	v2      string            // folder
	v1      map[string]string // controller → folder
	view    string            // what the guest sees at /sys/fs/cgroup
	joinV2  *os.File          // the folder, for clone3
	joinV1  []*os.File        // the tasks files
	initPID int

	showing sync.Mutex // held while the plain files change

	mu     sync.RWMutex // read-held while the files are in use
	closed bool
}

// hold keeps the group open until release; false when it is closed already.
func (g *group) hold() bool {
	g.mu.RLock()
	if g.closed {
		g.mu.RUnlock()
		return false
	}
	return true
}

func (g *group) release() { g.mu.RUnlock() }

// newGroup makes a machine's group with its limits. plain is a folder for the
// files that stand for one where there is no v2.
func newGroup(c cgroups, name, plain string, limits worldfile.Limits) (*group, error) {
	g := &group{view: plain}
	if c.V2 != "" {
		return g, g.makeV2(filepath.Join(c.V2, name), limits)
	}
	for _, controller := range slices.Sorted(maps.Keys(c.V1)) {
		if err := g.makeV1(controller, filepath.Join(c.V1[controller], name)); err != nil {
			return g, err
		}
	}
	// What an earlier life's guest has made of them goes.
	if err := errors.Join(os.RemoveAll(plain), os.MkdirAll(plain, 0o755)); err != nil {
		return g, err
	}
	for file, content := range plainGroup(limits) {
		if err := writeOwn(filepath.Join(plain, file), content); err != nil {
			return g, err
		}
	}
	return g, g.limit(worldfile.Limits{}, limits)
}

func (g *group) makeV2(folder string, limits worldfile.Limits) error {
	g.v2, g.view = folder, folder
	if err := mkdirAnew(folder); err != nil {
		return err
	}
	if err := g.limit(worldfile.Limits{}, limits); err != nil {
		return err
	}
	var err error
	g.joinV2, err = os.Open(folder)
	return err
}

func (g *group) makeV1(controller, folder string) error {
	if err := mkdirAnew(folder); err != nil {
		return err
	}
	if g.v1 == nil {
		g.v1 = map[string]string{}
	}
	g.v1[controller] = folder
	tasks, err := os.OpenFile(filepath.Join(folder, "tasks"), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("control group of a machine: %w", err)
	}
	g.joinV1 = append(g.joinV1, tasks)
	return nil
}

// limit writes the limits that are others than before: in the kernel's files where
// there is a group, and in the plain ones where those are what the guest sees. A
// hierarchy need not have the controller of a limit that nobody sets.
func (g *group) limit(before, limits worldfile.Limits) error {
	show := plainGroup(limits)
	write := func(folder, file, value string) error {
		if folder == "" {
			return nil
		}
		if err := writeOwn(filepath.Join(folder, file), value); err != nil {
			return fmt.Errorf("limit of a machine: %w", err)
		}
		return nil
	}
	var errs []error
	if limits.MemoryMiB != before.MemoryMiB {
		bytes := limits.MemoryMiB << 20
		if bytes == 0 {
			bytes = -1
		}
		errs = append(errs, write(g.v1["memory"], "memory.limit_in_bytes", strconv.FormatInt(bytes, 10)), write(g.view, "memory.max", show["memory.max"]))
	}
	if limits.CPU != before.CPU {
		quota := int64(limits.CPU) * cpuPeriod
		if quota == 0 {
			quota = -1
		}
		errs = append(errs, write(g.v1["cpu"], "cpu.cfs_quota_us", strconv.FormatInt(quota, 10)), write(g.view, "cpu.max", show["cpu.max"]))
	}
	return errors.Join(errs...)
}

// mkdirAnew makes a group's folder; one of an earlier life of the machine has
// other counters, and goes.
func mkdirAnew(folder string) error {
	_ = os.Remove(folder)
	if err := os.Mkdir(folder, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("control group of a machine: %w", err)
	}
	return nil
}

// enter makes a process that a starts, from this thread and while the group is
// held, a member. The thread
// must be one that ends soon: with v1 it is a member itself from now on.
func (g *group) enter(a *syscall.SysProcAttr) error {
	if g.joinV2 != nil {
		a.UseCgroupFD, a.CgroupFD = true, int(g.joinV2.Fd())
	}
	for _, tasks := range g.joinV1 {
		if _, err := unix.Pwrite(int(tasks.Fd()), []byte("0"), 0); err != nil {
			return fmt.Errorf("join the machine's control group: %w", err)
		}
	}
	return nil
}

// refresh brings the numbers of the plain files up to date: from v1 where there
// is one, otherwise the memory of PID 1 alone. It is for show, so that a number
// that can't be had stays as it was.
func (g *group) refresh() {
	if g.v2 != "" {
		return
	}
	g.showing.Lock()
	defer g.showing.Unlock()
	if usage, ok := readNumber(filepath.Join(g.v1["memory"], "memory.usage_in_bytes")); ok && g.v1["memory"] != "" {
		g.show("memory.current", usage)
	} else if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", g.initPID)); err == nil {
		if f := strings.Fields(string(b)); len(f) > 1 {
			pages, _ := strconv.ParseInt(f[1], 10, 64)
			g.show("memory.current", pages*int64(os.Getpagesize()))
		}
	}
	if count, ok := readNumber(filepath.Join(g.v1["pids"], "pids.current")); ok {
		g.show("pids.current", count)
	}
	if nanos, ok := readNumber(filepath.Join(g.v1["cpuacct"], "cpuacct.usage")); ok {
		g.put("cpu.stat", cpuStat(nanos/1000))
	}
}

func (g *group) show(file string, n int64) { g.put(file, strconv.FormatInt(n, 10)+"\n") }

// put replaces a file at once: a guest may be reading it.
func (g *group) put(file, text string) {
	if os.WriteFile(g.view+".new", []byte(text), 0o644) == nil {
		_ = os.Rename(g.view+".new", filepath.Join(g.view, file))
	}
}

// freshness is how old the plain files may be while something runs: whoever
// measures what a machine uses looks twice.
const freshness = 100 * time.Millisecond

// keepFresh refreshes the plain files until the returned function is called.
func (g *group) keepFresh() (stop func()) {
	if g.v2 != "" {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(freshness)
		defer tick.Stop()
		for {
			select {
			case <-end:
				return
			case <-tick.C:
			}
			if !g.hold() {
				return
			}
			g.refresh()
			g.release()
		}
	}()
	return func() { close(end); <-ended }
}

func readNumber(path string) (int64, bool) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil
}

// close removes the group of a machine that has ended.
func (g *group) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, f := range append(slices.Clone(g.joinV1), g.joinV2) {
		if f != nil {
			_ = f.Close()
		}
	}
	for _, folder := range append(slices.Collect(maps.Values(g.v1)), g.v2) {
		if folder != "" {
			_ = os.Remove(folder) // not empty yet: the launcher removes it
		}
	}
}
