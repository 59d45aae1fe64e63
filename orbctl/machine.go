package orbctl

import (
	"net/netip"
	"strings"
	"time"

	"orbstack-mcp/orbctl/runner"
)

// Running is the state of a machine that runs. The only other word seen is
// "stopped"; any word may come (docs/orbctl-contract.md §3), such as "starting".
const (
	Running  = "running"
	Stopped  = "stopped"
	Starting = "starting"
)

// A Machine is what `list` knows of a machine. All its strings are one line of
// clean text.
type Machine struct {
	ID      string // a ULID that survives a rename; "" if orbctl gave none
	Name    string
	Image   Image
	Config  MachineConfig
	Builtin bool
	State   string // Running, Stopped, or a word not seen yet
}

// An Image is what the machine was made from; it is not what runs in it today.
type Image struct {
	Distro  string // ubuntu
	Version string // the codename at creation: noble
	Arch    string // arm64 or amd64
	Variant string // default
}

// MachineConfig is what OrbStack stores for one machine. Before 2.2.0 there is
// no more than Isolated and DefaultUsername; the rest is then zero.
type MachineConfig struct {
	Isolated        bool
	IsolateNetwork  bool
	ForwardSSHAgent bool
	DefaultUsername string
	HTTPPort        int // 0: none chosen
	HTTPSPort       int // 0: none chosen
	Limits          Limits
	Mounts          []Mount
}

// Limits of one machine; 0 is unlimited. They are cgroup limits in the guest
// (docs/orbctl-contract.md §4).
type Limits struct {
	CPU       int64
	MemoryMiB int64
	DiskBytes int64
}

// A Mount is a folder of the Mac inside an isolated machine.
type Mount struct {
	Source      string // on the Mac
	Destination string // in the machine
}

// A MachineInfo is what `info` knows of a machine.
type MachineInfo struct {
	Machine
	DiskSize int64      // bytes in use; 0 if orbctl did not say
	IP4      netip.Addr // not valid when stopped, and shortly after a start
	IP6      netip.Addr // likewise

	edition runner.Edition // before it was read
}

// CreatedAt is when the machine's ID was made, which is when the machine was
// [inferred: the ID is a ULID, and no command says more]. It is false for an ID
// that is no ULID or one from before OrbStack existed.
func (m Machine) CreatedAt() (time.Time, bool) {
	ms, ok := ulidMillis(m.ID)
	if !ok {
		return time.Time{}, false
	}
	t := time.UnixMilli(ms).UTC()
	return t, t.Year() >= 2022
}

// crockford is the alphabet of a ULID (github.com/ulid/spec): no I, L, O, U.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// ulidMillis reads the time out of a ULID: 10 characters of 5 bits of time, then
// 16 characters of randomness.
func ulidMillis(id string) (int64, bool) {
	if len(id) != 26 || id[0] > '7' {
		return 0, false
	}
	var ms int64
	for i := range len(id) {
		v := strings.IndexByte(crockford, id[i])
		if v < 0 {
			return 0, false
		}
		if i < 10 {
			ms = ms<<5 | int64(v)
		}
	}
	return ms, true
}
