package orbctl

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// A Mac is the computer that OrbStack runs on; 0 is unknown.
type Mac struct {
	CPUs          int
	MemoryBytes   int64
	DiskFreeBytes int64 // free to this user on the volume of the home folder
}

// MemoryMiB is the memory in the unit of OrbStack's settings.
func (m Mac) MemoryMiB() int64 { return m.MemoryBytes >> 20 }

// ReadMac reads the facts from the kernel, without starting a process. What could
// not be read is 0 and stands in the error; the rest is good beside it.
func ReadMac(home string) (Mac, error) {
	mac := Mac{CPUs: runtime.NumCPU()}
	var memoryErr, diskErr error
	if mac.MemoryBytes, memoryErr = memoryBytes(); memoryErr != nil {
		memoryErr = fmt.Errorf("memory_bytes: %w", memoryErr)
	}
	var volume unix.Statfs_t
	if diskErr = unix.Statfs(home, &volume); diskErr != nil {
		diskErr = fmt.Errorf("disk_free_bytes of %s: %w", home, diskErr)
	} else {
		mac.DiskFreeBytes = int64(volume.Bavail) * int64(volume.Bsize) //nolint:gosec,unconvert // both differ in type by system, and no volume has 2^63 bytes
	}
	return mac, errors.Join(memoryErr, diskErr)
}
