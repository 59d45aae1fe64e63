package fakeorbctl

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func lingerFor(d time.Duration) { time.Sleep(d) } // its life is what is tested

func misbehave(home, do string) {
	kind, detail, _ := strings.Cut(do, " ")
	switch kind {
	case "":
	case "briefly":
		lingerFor(10 * time.Millisecond)
	case "linger":
		say(home, PIDs, os.Getpid())
		lingerFor(time.Minute)
	case "ignore-term":
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
		say(home, PIDs, os.Getpid())
		fmt.Println("ready")
		lingerFor(time.Minute)
	case "on-term": // ends in good order when asked to
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, syscall.SIGTERM)
		say(home, PIDs, os.Getpid())
		<-asked
		fmt.Println("asked to end")
		os.Exit(3)
	case "grandchild": // one that holds our output open and stays in the group
		say(home, PIDs, grandchild(nil))
	case "grandchild-and-linger":
		say(home, PIDs, grandchild(nil))
		say(home, PIDs, os.Getpid())
		lingerFor(time.Minute)
	case "setsid": // one that leaves the group
		say(home, PIDs, grandchild(&syscall.SysProcAttr{Setsid: true}))
	case "dribble":
		say(home, PIDs, os.Getpid())
		for {
			fmt.Print(".")
			lingerFor(20 * time.Millisecond)
		}
	case "close-all":
		say(home, PIDs, os.Getpid())
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
