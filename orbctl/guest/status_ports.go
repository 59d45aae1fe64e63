package guest

import (
	"cmp"
	"encoding/hex"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Port is a socket that waits for somebody.
type Port struct {
	Protocol string     // tcp, udp
	Address  netip.Addr // where it listens; 0.0.0.0 and :: are all addresses, :: mostly of both families
	Number   uint16
	UID      uint32 // who opened it
	User     string // name of UID; "" when the machine's list has none
	Process  string // "" unless ss says so, which it does for the caller's own, and to root for all
	PID      int    // 0 without Process
}

// readPorts reads the kernel's tables and, where ss is, whose the sockets are.
func readPorts(n *notes, names map[uint32]string) []Port {
	owners := map[string]Port{}
	if s, ok := n.transcript.Find("ss"); ok {
		owners = parseSS(s.Text)
	}
	var ports []Port
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		part := table + " ports"
		text, ok := n.section(table, part)
		if !ok {
			continue
		}
		found := false
		for line := range strings.Lines(text) {
			if p, inode, ok := parseSocket(strings.TrimSuffix(table, "6"), line, names); ok {
				p.Process, p.PID = owners[inode].Process, owners[inode].PID
				ports, found = append(ports, p), true
			}
		}
		// A kernel without IPv6 has no tcp6, and nothing is missing. Anything else
		// that is no socket is an error's words.
		noIPv6 := strings.HasSuffix(table, "6") && strings.Contains(text, "No such file")
		if words := said(text, ""); !found && !noIPv6 && words != "" {
			n.miss(part, words)
		}
	}
	slices.SortFunc(ports, func(a, b Port) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Protocol, b.Protocol), a.Address.Compare(b.Address), cmp.Compare(a.PID, b.PID))
	})
	return slices.Compact(ports)
}

// parseSocket reads a line of /proc/net/{tcp,udp}{,6} (proc_pid_net(5)):
//
//	sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …
//	0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 1000 0 22137 …
func parseSocket(protocol, line string, names map[uint32]string) (p Port, inode string, ok bool) {
	words := strings.Fields(line)
	listening := map[string]string{"tcp": "0A", "udp": "07"}[protocol]
	if len(words) < 10 || words[3] != listening {
		return Port{}, "", false
	}
	host, port, _ := strings.Cut(words[1], ":")
	address, ok := socketAddress(host)
	number, err := strconv.ParseUint(port, 16, 16)
	uid, err2 := strconv.ParseUint(words[7], 10, 32)
	if !ok || err != nil || err2 != nil {
		return Port{}, "", false
	}
	return Port{Protocol: protocol, Address: address, Number: uint16(number), UID: uint32(uid), User: names[uint32(uid)]}, words[9], true
}

// socketAddress reads an address of one or four 32-bit words, each in the
// machine's byte order: little endian on arm64 and amd64.
func socketAddress(s string) (netip.Addr, bool) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 4 && len(b) != 16 {
		return netip.Addr{}, false
	}
	for word := range slices.Chunk(b, 4) {
		slices.Reverse(word)
	}
	address, ok := netip.AddrFromSlice(b)
	return address.Unmap(), ok
}

// ssOwner finds process, PID and inode in a line of `ss -pe`:
//
//	tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=812,fd=3)) ino:18231 sk:1
var (
	ssUser  = regexp.MustCompile(`users:\(\("(.{1,64}?)",pid=(\d{1,10}),`)
	ssInode = regexp.MustCompile(` ino:(\d{1,20})(?: |$)`)
)

func parseSS(text string) map[string]Port {
	owners := map[string]Port{}
	for line := range strings.Lines(text) {
		user, inode := ssUser.FindStringSubmatch(line), ssInode.FindStringSubmatch(line)
		if user == nil || inode == nil {
			continue
		}
		pid, _ := strconv.Atoi(user[2])
		owners[inode[1]] = Port{Process: word(user[1]), PID: pid}
	}
	return owners
}
