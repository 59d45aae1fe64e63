package confine

import "golang.org/x/sys/unix"

const arch = unix.AUDIT_ARCH_X86_64

// archGuard: x32 has the same arch and other numbers, with this bit.
var archGuard = program{when(unix.BPF_JGE, 0x40000000, 1), answer(unknown)}

// What only this architecture has.
var (
	forkingHere  = []uint32{unix.SYS_FORK, unix.SYS_VFORK}
	neverHere    = []uint32{unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_MODIFY_LDT}
	touchingHere = []uint32{unix.SYS_CHMOD, unix.SYS_CHOWN, unix.SYS_LCHOWN, unix.SYS_UTIME, unix.SYS_UTIMES, unix.SYS_FUTIMESAT}
)
