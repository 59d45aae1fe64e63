package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A sample is what the kernel knows of a process at one moment.
type sample struct {
	RSS, Threads, Files, Children int // RSS in KiB
}

// look reads /proc. Children are processes, zombies too, whose parent it is.
func look(pid int) (sample, error) {
	s := sample{}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return s, fmt.Errorf("look at the server: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		words := strings.Fields(line)
		switch {
		case len(words) < 2:
		case words[0] == "VmRSS:":
			s.RSS, err = strconv.Atoi(words[1])
		case words[0] == "Threads:":
			s.Threads, err = strconv.Atoi(words[1])
		}
		if err != nil {
			return s, fmt.Errorf("read %q: %w", line, err)
		}
	}
	files, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return s, fmt.Errorf("count the server's files: %w", err)
	}
	s.Files = len(files)
	s.Children, err = children(pid)
	return s, err
}

func children(pid int) (n int, err error) {
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, fmt.Errorf("look for the server's children: %w", err)
	}
	for _, file := range all {
		text, err := os.ReadFile(file) //nolint:gosec // a file of /proc
		if err != nil {
			continue // it has ended since
		}
		// proc_pid_stat(5): pid (name) state ppid; the name may hold anything.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			n++
		}
	}
	return n, nil
}

// held are the lock files of a folder that somebody holds.
func held(folder string) (names []string, files int, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, 0, fmt.Errorf("look at the locks: %w", err)
	}
	for _, e := range entries {
		f, err := os.Open(filepath.Join(folder, e.Name())) //nolint:gosec // a file of the folder that was just read
		if err != nil {
			return nil, 0, fmt.Errorf("look at a lock: %w", err)
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		_ = f.Close()
		switch {
		case errors.Is(err, unix.EWOULDBLOCK):
			names = append(names, e.Name())
		case err != nil:
			return nil, 0, fmt.Errorf("try the lock %s: %w", e.Name(), err)
		}
	}
	return names, len(entries), nil
}
