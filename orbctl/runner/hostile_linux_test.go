package runner_test

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

// A hostile orbctl is this test binary too. Inside the sandbox it can read
// nothing but ~/.orbstack and can write nothing at all: its orders are the words
// of the file there, and it answers on stdout, a line for each thing that it
// tried. The lines end with what came of it: done, or the error.

const orders = ".orbstack/hostile"

// hostileOrders are the words of that file, if there is one.
func hostileOrders() []string {
	text, err := os.ReadFile(filepath.Join(os.Getenv("HOME"), orders))
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
	copy(name[:], tried19)
	_, _, _ = syscall.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name)), 0)
}

// tried19 is the name of a process that has tried to outlive its server.
const tried19 = "tried"

// hostile does one kind of mischief and ends the process.
func hostile(kind string, more []string) {
	switch kind {
	case "ok":
		fmt.Println("hello")
		fmt.Fprintln(os.Stderr, "warning")
		syscall.Exit(3)
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
	syscall.Exit(0)
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

// rawForks knocks on every door: the Go runtime knows one only. What does get
// out ends at once.
func rawForks() {
	for name, call := range forkCalls() {
		pid, errno := call()
		if errno == 0 && pid == 0 {
			syscall.RawSyscall(syscall.SYS_EXIT_GROUP, 0, 0, 0)
		}
		if errno == 0 {
			_, _ = syscall.Wait4(int(pid), nil, 0, nil)
			tried(name, nil)
			continue
		}
		tried(name, errno)
	}
}

func cloneThree() (uintptr, syscall.Errno) {
	args := [8]uint64{4: uint64(syscall.SIGCHLD)} // struct clone_args of 64 bytes, exit_signal
	pid, _, errno := syscall.RawSyscall(unix.SYS_CLONE3, uintptr(unsafe.Pointer(&args)), unsafe.Sizeof(args), 0)
	return pid, errno
}

func cloneOne() (uintptr, syscall.Errno) {
	pid, _, errno := syscall.RawSyscall6(syscall.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0, 0)
	return pid, errno
}

func network() {
	for _, s := range []struct {
		name              string
		family, kind, sub int
	}{
		{"tcp", unix.AF_INET, unix.SOCK_STREAM, 0},
		{"tcp6", unix.AF_INET6, unix.SOCK_STREAM, 0},
		{"udp", unix.AF_INET, unix.SOCK_DGRAM, 0},
		{"raw", unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP},
		{"netlink", unix.AF_NETLINK, unix.SOCK_RAW, 0},
		{"packet", unix.AF_PACKET, unix.SOCK_RAW, 0},
		{"vsock", unix.AF_VSOCK, unix.SOCK_STREAM, 0},
	} {
		fd, err := unix.Socket(s.family, s.kind, s.sub)
		if err == nil {
			unix.Close(fd)
		}
		tried(s.name, err)
	}
	_, err := net.Dial("udp", "127.0.0.1:9")
	tried("dial udp", err)
	_, err = net.Listen("tcp", "127.0.0.1:0")
	tried("listen", err)
}

// files tries to read these, and to write and to change wherever it might.
func files(secrets []string) {
	home := os.Getenv("HOME")
	for _, name := range append(secrets, "/etc/passwd", "/proc/self/environ", "/proc/1/environ", fmt.Sprintf("/proc/%d/environ", os.Getppid())) {
		_, err := os.ReadFile(name)
		tried("read "+name, err)
	}
	for _, name := range []string{"/", "/etc", "/tmp", home} {
		_, err := os.ReadDir(name)
		tried("list "+name, err)
	}
	for _, dir := range []string{"/tmp", "/var/tmp", "/dev/shm", home, filepath.Join(home, ".orbstack")} {
		name := filepath.Join(dir, "hostile-was-here")
		tried("write "+name, os.WriteFile(name, []byte("x"), 0o600))
		tried("mkdir "+name, os.Mkdir(name, 0o700))
		tried("link "+name, os.Symlink("/", name))
		tried("pipe "+name, syscall.Mkfifo(name, 0o600))
	}
	own := filepath.Join(home, orders)
	tried("append", func() error { _, err := os.OpenFile(own, os.O_WRONLY|os.O_APPEND, 0); return err }())
	tried("cut", os.Truncate(own, 0))
	tried("remove", os.Remove(own))
	tried("rename", os.Rename(own, own+"2"))
	tried("hard link", os.Link(own, own+"2"))
	tried("chmod", os.Chmod(own, 0o777))
	tried("chown", os.Chown(own, os.Getuid(), os.Getgid()))
	tried("touch", os.Chtimes(own, time.Now(), time.Now()))
	tried("xattr", unix.Setxattr(own, "user.x", []byte("x"), 0))
	_, err := unix.MemfdCreate("x", 0)
	tried("memfd", err)
}

// processes tries to become another program, and to touch others.
func processes() {
	for _, program := range []string{"/bin/sh", "/usr/bin/true", "/bin/sleep"} {
		tried("exec "+program, syscall.Exec(program, []string{"true", "-c", "true"}, nil))
	}
	tried("run", exec.Command("/bin/true").Run())
	parent := os.Getppid()
	tried("signal", syscall.Kill(parent, 0))
	tried("ptrace", syscall.PtraceAttach(parent))
	_, err := syscall.Setsid()
	tried("setsid", err)
	tried("setpgid", syscall.Setpgid(0, syscall.Getpgrp()))
	tried("mount", syscall.Mount("none", "/mnt", "tmpfs", 0, ""))
	tried("unshare", syscall.Unshare(syscall.CLONE_NEWUSER))
	tried("chroot", syscall.Chroot("/"))
	_, _, errno := syscall.Syscall(unix.SYS_IO_URING_SETUP, 1, 0, 0)
	tried("io_uring", errno)
	_, _, errno = syscall.Syscall(unix.SYS_BPF, 0, 0, 0)
	tried("bpf", errno)
	tried("more files", syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 1024, Max: 1024}))
}

// allowed tries what orbctl needs.
func allowed() {
	home := os.Getenv("HOME")
	_, err := os.ReadFile(filepath.Join(home, orders))
	tried("read its folder", err)
	_, err = os.ReadDir(filepath.Join(home, ".orbstack"))
	tried("list its folder", err)
	tried("write /dev/null", os.WriteFile(os.DevNull, []byte("x"), 0))
	threads := make(chan struct{})
	for range 8 {
		go func() { unix.Nanosleep(&unix.Timespec{Nsec: 1e6}, nil); threads <- struct{}{} }()
	}
	for range 8 {
		<-threads
	}
	tried("threads", nil)
	var core, size unix.Rlimit
	_ = unix.Getrlimit(unix.RLIMIT_CORE, &core)
	_ = unix.Getrlimit(unix.RLIMIT_FSIZE, &size)
	fmt.Println("limits", core.Max, size.Max)
}
