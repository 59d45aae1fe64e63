package fakeorbctl

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

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
			_ = unix.Close(fd)
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
	own := filepath.Join(home, Orders)
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
	_, err := os.ReadFile(filepath.Join(home, Orders))
	tried("read its folder", err)
	_, err = os.ReadDir(filepath.Join(home, ".orbstack"))
	tried("list its folder", err)
	tried("write /dev/null", os.WriteFile(os.DevNull, []byte("x"), 0))
	threads := make(chan struct{})
	for range 8 {
		go func() { _ = unix.Nanosleep(&unix.Timespec{Nsec: 1e6}, nil); threads <- struct{}{} }()
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
