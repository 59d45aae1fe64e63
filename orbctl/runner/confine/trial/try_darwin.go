package trial

import "syscall"

// What is tried here is what Apple's system.sb, which the profile imports, allows to
// nobody. It does allow to read / and /etc/passwd, and to write to /dev/zero.
// (Not run on a Mac. The darwin build of openai/codex holds a profile with those
// lines, of which it says that they are the platform's.)

// forkRefused starts this program once more, which may be executed here: so it is the
// fork that is refused, and not what would come after it.
func forkRefused(self string) bool {
	pid, err := syscall.ForkExec(self, []string{self}, &syscall.ProcAttr{Env: []string{Variable + "="}})
	if err == nil {
		_, _ = syscall.Wait4(pid, nil, 0, nil)
	}
	return denied(err)
}

// networkRefused connects a UDP socket to this Mac's own discard port, which sends
// nothing. A socket alone is nothing yet, and the sandbox may give it.
func networkRefused() bool {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return denied(err)
	}
	defer syscall.Close(fd)
	return denied(syscall.Connect(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: 9}))
}

// readRefused opens the folder of the homes, which everybody may list.
func readRefused() bool { return denied(open("/Users", syscall.O_RDONLY)) }

// writeRefused opens a device that everybody may write to, and writes nothing.
func writeRefused() bool { return denied(open("/dev/random", syscall.O_WRONLY)) }
