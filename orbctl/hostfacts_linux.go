package orbctl

import "golang.org/x/sys/unix"

// memoryBytes is for tests and the simulator: OrbStack runs on Macs only.
func memoryBytes() (int64, error) {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0, err
	}
	return int64(info.Totalram) * int64(info.Unit), nil //nolint:gosec // no computer has 2^63 bytes
}
