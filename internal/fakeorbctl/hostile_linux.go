package fakeorbctl

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Inside the sandbox a hostile orbctl can read nothing but ~/.orbstack and can
// write nothing at all: its orders are the words of the file there, and it answers
// on stdout, a line for each thing that it tried. The lines end with what came of
// it: done, or the error.

// hostileOrders are the words of that file, if there is one.
func hostileOrders() []string {
	text, err := os.ReadFile(filepath.Join(os.Getenv("HOME"), Orders))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}

func tried(what string, err error) {
	if err == nil {
		fmt.Println(what + ": done")
		return
	}
	fmt.Printf("%s: %v\n", what, err)
}

// outlive makes a system call on the main thread, whose the signal is, and takes a
// name that says so.
func outlive(number, first, second uintptr) {
	runtime.LockOSThread()
	if unix.Gettid() != os.Getpid() { // this one is taken now, so try the next
		done := make(chan struct{})
		go func() { defer close(done); outlive(number, first, second) }()
		<-done
		return
	}
	_, _, _ = syscall.RawSyscall(number, first, second, 0)
	var name [16]byte
	copy(name[:], Tried)
	_, _, _ = syscall.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name)), 0)
}

// Tried is the name of a process that has tried to outlive its server.
const Tried = "tried"

const nobody = 65534

// hostile does one kind of mischief and ends the process.
func hostile(kind string, more []string) {
	switch kind {
	case "ok":
		fmt.Println("hello")
		fmt.Fprintln(os.Stderr, "warning")
		os.Exit(3)
	case "nop":
	case "sleep":
		lingerFor(time.Minute)
	case "undying": // calls off the signal by which it dies with its server
		outlive(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, 0)
		lingerFor(time.Minute)
	case "otheruser": // loses it by becoming another user
		outlive(unix.SYS_SETUID, nobody, 0)
		lingerFor(time.Minute)
	case "ignterm":
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGPIPE)
		fmt.Println("ignoring")
		lingerFor(time.Minute)
	case "bomb": // bounded, where nothing stops it: 2 children each, 4 deep
		if depth := len(more); depth < 4 {
			for range 2 {
				tried("fork", spawn(false, true, append([]string{"bomb", "deeper"}, more...)...))
			}
		}
		lingerFor(time.Minute)
	case "forks":
		rawForks()
	case "pipeholder": // the leader goes, its child stays in the group and holds the pipe
		tried("fork", spawn(false, true, "sleep"))
	case "daemon": // leaves the group and holds the pipe
		tried("fork", spawn(true, true, "sleep"))
	case "daemon2": // forks twice and lets go of everything
		middle, err := begin(true, true, "daemonmid")
		tried("fork", err)
		if err == nil {
			_ = middle.Wait() // it has forked again by then
		}
	case "daemonmid":
		tried("fork", spawn(true, false, "sleep"))
	case "daemonlive": // the leader stays beside its daemon
		tried("fork", spawn(true, true, "sleep"))
		lingerFor(time.Minute)
	case "flood":
		flood(os.Stdout, "1073741824")
	case "dribble":
		for {
			fmt.Print(".")
			lingerFor(20 * time.Millisecond)
		}
	case "closeall":
		os.Stdout.Close()
		os.Stderr.Close()
		lingerFor(time.Minute)
	case "stdin":
		n, err := io.Copy(io.Discard, os.Stdin)
		fmt.Println("stdin", n, err)
	case "ansi":
		fmt.Print("\x1b[2J\x1b[31mred\x1b[0m \x1b]0;pwn\x07\x1b]52;c;ZXZpbA==\x07bad\xff\xfe utf \u202eevil\u202c tag\U000e0049\U000e0047 \rprogress 10%\rprogress 100%\n")
	case "tcp":
		network()
	case "unix":
		for _, name := range more {
			c, err := net.Dial("unix", name)
			if err == nil {
				c.Close()
			}
			tried("unix "+name, err)
		}
	case "files":
		files(more)
	case "processes":
		processes()
	case "allowed":
		allowed()
	case "fds":
		misbehave("", "files")
		fmt.Println(strings.Join(os.Environ(), " "))
	default:
		panic("no such child: " + kind)
	}
	os.Exit(0)
}

// spawn starts a hostile grandchild.
func spawn(leave, keep bool, orders ...string) error {
	_, err := begin(leave, keep, orders...)
	return err
}

func begin(leave, keep bool, orders ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := exec.Command(self)
	c.Args = append([]string{"orbctl", "hostile"}, orders...)
	if keep {
		c.Stdout, c.Stderr = os.Stdout, os.Stderr
	}
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: leave}
	return c, c.Start()
}
