package confine

import "golang.org/x/sys/unix"

const arch = unix.AUDIT_ARCH_AARCH64

// This architecture has one set of numbers and no older calls.
var (
	archGuard                            program
	forkingHere, neverHere, touchingHere []uint32
)
