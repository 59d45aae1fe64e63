package worldfile

import (
	"crypto/sha256"
	"slices"
	"strings"

	"orbstack-mcp/internal/orbsim/cli"
)

// What a world file leaves out. Addresses are those of a new install
// (docs/orbctl-contract.md §6); empty ip4 and ip6 of a machine stay empty: the
// engine hands out the next free one.
const (
	DefaultVersion = cli.Version
	DefaultUser    = "ana" // the Mac's user in every world that names no other
	DefaultDistro  = "ubuntu:noble"
	DefaultArch    = "arm64"

	defaultSubnet4  = "192.168.139.0/24"
	defaultGateway4 = "192.168.139.1"
	defaultSubnet6  = "fd07:b51a:cc66::/64"
	defaultProxy4   = "192.168.138.0/24"

	defaultDiskSize = 683962368 // bytes, of a fresh ubuntu (testdata/info.v2.2.running.limits.json)
)

func (w *World) fill() {
	fill(&w.Version, DefaultVersion)
	fill(&w.Status, "running")
	fill(&w.Banner, "never")
	fill(&w.UID0, "allow")
	fill(&w.Network.Subnet4, defaultSubnet4)
	if w.Network.Subnet4 == defaultSubnet4 {
		fill(&w.Network.Gateway4, defaultGateway4)
	}
	fill(&w.Network.Gateway4, firstAddress(w.Network.Subnet4))
	fill(&w.Network.Subnet6, defaultSubnet6)
	fill(&w.Network.Proxy4, defaultProxy4)
	fill(&w.Variants.Logs, "ends")
	fill(&w.Variants.EmptyList, "array")
	if strings.HasPrefix(w.Version, "2.0.") {
		fill(&w.Variants.ConfigGet, "listing")
	}
	fill(&w.Variants.ConfigGet, "value")
	w.Machines = slices.Clone(w.Machines)
	for i := range w.Machines {
		w.Machines[i].fill()
	}
	if w.Default == "" && len(w.Machines) > 0 {
		w.Default = w.Machines[0].Name
	}
	w.Faults = slices.Clone(w.Faults)
	for i := range w.Faults {
		if w.Faults[i].Net == nil {
			fill(&w.Faults[i].Kind, "error")
		}
	}
}

func (m *Machine) fill() {
	fill(&m.ID, IDOf(m.Name))
	fill(&m.Distro, DefaultDistro)
	if v, ok := defaultVersions[m.Distro]; ok {
		m.Distro += ":" + v
	}
	fill(&m.Arch, DefaultArch)
	fill(&m.State, "running")
	fill(&m.DefaultUsername, DefaultUser)
	if m.Users == nil {
		m.Users = []string{"root"}
		if m.DefaultUsername != "root" {
			m.Users = append(m.Users, m.DefaultUsername)
		}
	}
	fill(&m.Rootfs, "host")
	if m.DiskSize == 0 {
		m.DiskSize = defaultDiskSize
	}
	m.Listeners = slices.Clone(m.Listeners)
	for i := range m.Listeners {
		l := &m.Listeners[i]
		if l.Status == 0 && (l.Kind == "http" || l.Kind == "https") {
			l.Status = 200
		}
		if l.Kind == "https" {
			fill(&l.Cert, "bad")
		}
	}
}

func fill(s *string, value string) {
	if *s == "" {
		*s = value
	}
}

// DistroName and Version are the two halves of Distro.
func (m Machine) DistroName() string { name, _, _ := strings.Cut(m.Distro, ":"); return name }

// DistroVersion is what follows the colon in Distro.
func (m Machine) DistroVersion() string { _, v, _ := strings.Cut(m.Distro, ":"); return v }

// defaultVersions has the version that orbctl takes for a bare distro name.
// [seen] for debian only; the rest are the codenames of docs/orbctl-contract.md §3
// and §9, or the newest of the time. Its keys are the distros there are.
var defaultVersions = map[string]string{
	"alma": "9", "alpine": "3.20", "arch": "current", "centos": "9-Stream", "debian": "bookworm", "devuan": "daedalus",
	"fedora": "42", "gentoo": "current", "kali": "current", "nixos": "24.11", "openeuler": "24.03", "opensuse": "tumbleweed",
	"oracle": "9", "rocky": "9", "ubuntu": "noble", "void": "current",
}

// versions are the other versions that create accepts, as codename or number.
var versions = map[string]map[string]string{
	"ubuntu": {
		"noble": "noble", "24.04": "noble", "jammy": "jammy", "22.04": "jammy", "focal": "focal", "20.04": "focal",
		"plucky": "plucky", "25.04": "plucky", "questing": "questing", "25.10": "questing",
	},
	"debian": {"bookworm": "bookworm", "12": "bookworm", "bullseye": "bullseye", "11": "bullseye", "trixie": "trixie", "13": "trixie", "sid": "sid"},
	"alpine": {"3.20": "3.20", "3.21": "3.21", "3.22": "3.22", "edge": "edge"},
	"fedora": {"41": "41", "42": "42", "43": "43"},
	"centos": {"9-Stream": "9-Stream", "10-Stream": "10-Stream"},
	"alma":   {"8": "8", "9": "9", "10": "10"}, "rocky": {"8": "8", "9": "9", "10": "10"}, "oracle": {"8": "8", "9": "9"},
	"nixos": {"24.11": "24.11", "25.05": "25.05"}, "devuan": {"daedalus": "daedalus"}, "openeuler": {"24.03": "24.03"},
	"opensuse": {"tumbleweed": "tumbleweed", "15.6": "15.6"},
}

// ParseDistro resolves DISTRO[:VERSION] as create takes it to the name and the
// codename that orbctl stores.
func ParseDistro(s string) (name, version string, ok bool) {
	name, version, given := strings.Cut(s, ":")
	newest, ok := defaultVersions[name]
	if !ok {
		return "", "", false
	}
	if !given || version == newest || version == "current" || version == "latest" {
		return name, newest, true
	}
	version, ok = versions[name][version]
	return name, version, ok
}

// Distros lists the distributions, sorted.
func Distros() []string {
	names := make([]string, 0, len(defaultVersions))
	for n := range defaultVersions {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// crockford is the alphabet of a ULID.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// IDOf makes a machine's ULID of its name, the same one every time: ten
// characters of time (August 2025) and sixteen of the name's hash.
func IDOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	id := []byte("01K2G8")
	for i := range 4 {
		id = append(id, crockford[sum[16+i]%32])
	}
	for i := range 16 {
		id = append(id, crockford[sum[i]%32])
	}
	return string(id)
}

// Filled is m with its defaults, for a machine that is made while the world runs.
func (m Machine) Filled() Machine {
	m.fill()
	return m
}
