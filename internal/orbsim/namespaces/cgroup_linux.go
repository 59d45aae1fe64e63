package namespaces

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// cgroupEnv tells the world which control groups the launcher has made for it.
const cgroupEnv = "ORBSIM_CGROUPS"

// cgroups are the folders in which a world puts its machines' control groups.
// The launcher makes and removes them, because they are the host's and outlive
// processes. There are three cases:
//
//   - V2: a cgroup v2 folder with the memory and cpu controllers. Machines have
//     real limits, and see their own folder at /sys/fs/cgroup.
//   - V1: one folder for each v1 hierarchy. Machines have real limits, and see
//     plain files in the form of v2 at /sys/fs/cgroup, filled from v1 while anything runs.
//   - neither (no root, or nothing writable): plain files with the limits'
//     numbers, and no limit.
type cgroups struct {
	V2 string            `json:",omitempty"`
	V1 map[string]string `json:",omitempty"` // by controller: memory, cpu, cpuacct, pids

	locks []*os.File // the launcher's, on its folders: they say that it lives
}

const cgroupRoot = "/sys/fs/cgroup"

// cgroupPrefix and a random number name a world's folders. A pid would not do:
// worlds in PID namespaces share the tree of control groups.
const cgroupPrefix = "orbsim-"

// newCgroups makes the folders for a world that this process launches. A host
// without usable control groups is no error.
func newCgroups() cgroups {
	var c cgroups
	if !privileged() || c.makeV2() {
		return c
	}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return c // a kernel without control groups
	}
	c.V1 = map[string]string{}
	for line := range strings.Lines(string(own)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		for controller := range strings.SplitSeq(f[1], ",") {
			if !slices.Contains([]string{"memory", "cpu", "cpuacct", "pids"}, controller) {
				continue
			}
			if folder, ok := c.makeFolder(filepath.Join(cgroupRoot, controller), f[2]); ok {
				c.V1[controller] = folder
			}
		}
	}
	return c
}

func (c *cgroups) makeV2() bool {
	b, err := os.ReadFile(filepath.Join(cgroupRoot, "cgroup.subtree_control"))
	controllers := strings.Fields(string(b))
	if err != nil || !slices.Contains(controllers, "memory") || !slices.Contains(controllers, "cpu") {
		return false
	}
	folder, ok := c.makeFolder(cgroupRoot, "/")
	if !ok {
		return false
	}
	c.V2 = folder
	if err := os.WriteFile(filepath.Join(folder, "cgroup.subtree_control"), []byte("+memory +cpu"), 0); err != nil {
		c.remove()
		*c = cgroups{}
		return false
	}
	return true
}

// makeFolder makes a folder below this process's own group, or below the root
// where a container shows another tree than /proc/self/cgroup speaks of. Folders
// of launchers that were killed are swept up on the way.
func (c *cgroups) makeFolder(hierarchy, own string) (string, bool) {
	for _, parent := range []string{filepath.Join(hierarchy, own), hierarchy} {
		sweepCgroups(parent)
		for range 3 { // another launcher's sweep can come between the making and the lock
			folder, err := os.MkdirTemp(parent, cgroupPrefix)
			if err != nil {
				break
			}
			if lock, ok := lockFolder(folder); ok {
				c.locks = append(c.locks, lock)
				return folder, true
			}
		}
	}
	return "", false
}

// lockFolder locks a folder for as long as this process lives, or lock is open.
func lockFolder(folder string) (lock *os.File, ok bool) {
	f, err := os.Open(folder)
	if err != nil {
		return nil, false
	}
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		_ = f.Close()
		return nil, false
	}
	if _, err := os.Stat(folder); err != nil { // swept up meanwhile
		_ = f.Close()
		return nil, false
	}
	return f, true
}

// sweepCgroups removes the groups of launchers that are no more: those that
// nobody has locked. A group with processes can't be removed anyway.
func sweepCgroups(parent string) {
	old, _ := filepath.Glob(filepath.Join(parent, cgroupPrefix+"*"))
	for _, folder := range old {
		if lock, ok := lockFolder(folder); ok {
			removeCgroup(folder)
			_ = lock.Close()
		}
	}
}

// removeCgroup removes a folder and those below it, the machines'; what can't be
// removed stays for the next sweep.
func removeCgroup(folder string) {
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		if e.IsDir() {
			removeCgroup(filepath.Join(folder, e.Name()))
		}
	}
	_ = os.Remove(folder) // rmdir: the files are the kernel's, and groups with processes are busy
}

func (c cgroups) folders() []string {
	var all []string
	if c.V2 != "" {
		all = append(all, c.V2)
	}
	for _, f := range c.V1 {
		all = append(all, f)
	}
	return all
}

// remove takes the folders away after the world's end.
func (c cgroups) remove() {
	for _, f := range c.folders() {
		removeCgroup(f)
	}
	for _, lock := range c.locks {
		_ = lock.Close()
	}
}

func (c cgroups) environ() []string {
	if len(c.folders()) == 0 {
		return nil
	}
	b, err := json.Marshal(c)
	if err != nil {
		return nil // not possible: strings only
	}
	return []string{cgroupEnv + "=" + string(b)}
}

// cgroupsFromEnv is what the launcher has made.
func cgroupsFromEnv() (cgroups, error) {
	var c cgroups
	s := os.Getenv(cgroupEnv)
	if s == "" {
		return c, nil
	}
	if err := json.Unmarshal([]byte(s), &c); err != nil {
		return c, fmt.Errorf("read %s: %w", cgroupEnv, err)
	}
	return c, nil
}
