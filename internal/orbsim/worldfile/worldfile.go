// Package worldfile is the description of a simulated OrbStack: one YAML schema
// for tests, the demo and the evals. It only describes; the engine that brings
// a world up is in the packages beside it.
package worldfile

import "time"

// A World is OrbStack as it stands when the simulator starts.
type World struct {
	Extends  string            `yaml:"extends,omitempty"`  // a built-in world that this one changes: demo, base, empty, old, down
	Version  string            `yaml:"version,omitempty"`  // 2.0.4, 2.1.2 or 2.2.3 (default)
	Status   string            `yaml:"status,omitempty"`   // running (default), starting, stopped
	Default  string            `yaml:"default,omitempty"`  // the default machine
	Config   map[string]string `yaml:"config,omitempty"`   // stored settings, by orbctl's keys
	Machines []Machine         `yaml:"machines,omitempty"` // replaces or adds to those of Extends, by name
	Network  Network           `yaml:"network,omitempty"`
	DNS      []Record          `yaml:"dns,omitempty"` // scripted names, answered beside *.orb.local

	GuestRules []GuestRule `yaml:"guest_rules,omitempty"`
	Faults     []Fault     `yaml:"faults,omitempty"`

	Banner   string   `yaml:"banner,omitempty"` // the update banner: never (default), stdout, stderr
	UID0     string   `yaml:"uid0,omitempty"`   // allow (default) or refuse, as the real CLI does
	Variants Variants `yaml:"variants,omitempty"`
}

// Network is the addressing of the world; zero values are those of a new install.
type Network struct {
	Subnet4  string `yaml:"subnet4,omitempty"`  // of the machines: 192.168.139.0/24, old installs 198.19.249.0/24
	Gateway4 string `yaml:"gateway4,omitempty"` // 192.168.139.1
	Subnet6  string `yaml:"subnet6,omitempty"`  // fd07:b51a:cc66::/64
	Proxy4   string `yaml:"proxy4,omitempty"`   // where NAME.orb.local points from the Mac: 192.168.138.0/24
}

// Variants choose between the behaviours that docs/orbctl-contract.md marks
// [unknown]; the client has to cope with each.
type Variants struct {
	ConfigGet   string `yaml:"config_get,omitempty"`   // value or listing; default by version (2.0.x: listing)
	Logs        string `yaml:"logs,omitempty"`         // ends (default) or follows
	EmptyList   string `yaml:"empty_list,omitempty"`   // array (default), help: the no-machines help text on stderr, help_fails: the same with exit 1
	ListStarts  bool   `yaml:"list_starts,omitempty"`  // list, info and config start OrbStack when it is down
	LiveLimits  bool   `yaml:"live_limits,omitempty"`  // config set machine.NAME.cpu and .memory_mib hold at once, and not at the next start
	SystemdStub bool   `yaml:"systemd_stub,omitempty"` // guests use 127.0.0.53 in resolv.conf

	LateAddress time.Duration `yaml:"late_address,omitempty"` // info shows no address for so long after a start
	EarlyStop   time.Duration `yaml:"early_stop,omitempty"`   // stop returns so long before the machine is stopped
}

// A Machine is one Linux machine and what lives in it.
type Machine struct {
	ID              string            `yaml:"id,omitempty"` // ULID; made from the name when absent
	Name            string            `yaml:"name"`
	Distro          string            `yaml:"distro,omitempty"` // ubuntu, ubuntu:noble; default ubuntu:noble
	Arch            string            `yaml:"arch,omitempty"`   // arm64 (default), amd64
	State           string            `yaml:"state,omitempty"`  // running (default), stopped
	DefaultUsername string            `yaml:"default_username,omitempty"`
	Users           []string          `yaml:"users,omitempty"` // accounts in the guest; default: root and the default user
	Isolated        bool              `yaml:"isolated,omitempty"`
	IsolateNetwork  bool              `yaml:"isolate_network,omitempty"`
	ForwardSSHAgent bool              `yaml:"forward_ssh_agent,omitempty"`
	Limits          Limits            `yaml:"limits,omitempty"`
	DiskSize        int64             `yaml:"disk_size,omitempty"` // bytes, as info reports it
	IP4             string            `yaml:"ip4,omitempty"`       // the next free one when absent
	IP6             string            `yaml:"ip6,omitempty"`
	NoIP6           bool              `yaml:"no_ip6,omitempty"`
	HTTPPort        int               `yaml:"http_port,omitempty"`
	HTTPSPort       int               `yaml:"https_port,omitempty"`
	Rootfs          string            `yaml:"rootfs,omitempty"`     // host (default), busybox, inetutils, or a folder's path
	Hide            []string          `yaml:"hide,omitempty"`       // commands of the rootfs that this machine lacks, such as dig, curl, nc
	OSRelease       string            `yaml:"os_release,omitempty"` // PRETTY_NAME today, after upgrades
	Files           map[string]string `yaml:"files,omitempty"`      // path in the guest → content
	Listeners       []Listener        `yaml:"listeners,omitempty"`
	Logs            []string          `yaml:"logs,omitempty"` // lines of orbctl logs
	LogsVerbose     []string          `yaml:"logs_verbose,omitempty"`
	LogsRepeat      int64             `yaml:"logs_repeat,omitempty"` // the lines are printed that many times
	Mounts          []string          `yaml:"mounts,omitempty"`      // SRC:DEST
}

// Limits of one machine; 0 is unlimited.
type Limits struct {
	CPU       int   `yaml:"cpu,omitempty"`
	MemoryMiB int64 `yaml:"memory_mib,omitempty"`
	DiskBytes int64 `yaml:"disk_bytes,omitempty"`
}

// A Listener answers inside a machine.
type Listener struct {
	Kind    string            `yaml:"kind"`              // tcp, udp, http, https, reset (accepts, then RST), silent (accepts, says nothing)
	Address string            `yaml:"address,omitempty"` // default: all addresses, both families; 127.0.0.1 for a service bound to loopback
	Port    int               `yaml:"port"`
	Status  int               `yaml:"status,omitempty"` // http: default 200
	Body    string            `yaml:"body,omitempty"`
	Headers map[string]string `yaml:"headers,omitempty"`
	Cert    string            `yaml:"cert,omitempty"` // https: bad (self-signed, default), good (signed by the world's CA, which guests and the Mac trust), expired
}

// A Record is a scripted answer of the world's resolver.
type Record struct {
	Name     string   `yaml:"name"`           // an exact name, or *.suffix
	Type     string   `yaml:"type,omitempty"` // A, AAAA, CNAME, MX, TXT, SRV, PTR; empty matches every type
	Values   []string `yaml:"values,omitempty"`
	TTL      uint32   `yaml:"ttl,omitempty"`
	Rcode    string   `yaml:"rcode,omitempty"`    // NXDOMAIN, SERVFAIL, REFUSED
	Timeout  bool     `yaml:"timeout,omitempty"`  // never answered
	Truncate bool     `yaml:"truncate,omitempty"` // UDP answers are cut, TCP ones whole
	From     string   `yaml:"from,omitempty"`     // both (default), machine, mac: a VPN's private names
}

// A GuestRule answers a guest command without running it.
type GuestRule struct {
	Machine string        `yaml:"machine,omitempty"` // default: every machine
	Argv    string        `yaml:"argv"`              // regular expression over the guest's argv, joined by spaces
	Stdout  string        `yaml:"stdout,omitempty"`
	Stderr  string        `yaml:"stderr,omitempty"`
	Exit    int           `yaml:"exit,omitempty"`
	Delay   time.Duration `yaml:"delay,omitempty"`
}

// A Fault breaks orbctl calls (Argv) or the network (Net).
type Fault struct {
	Argv   string        `yaml:"argv,omitempty"`   // regular expression over orbctl's arguments, joined by spaces
	Times  int           `yaml:"times,omitempty"`  // how often it strikes; 0 is always
	After  int           `yaml:"after,omitempty"`  // how many matching calls pass unharmed first
	Chance float64       `yaml:"chance,omitempty"` // the share of those calls that it strikes, by a fixed seed; 0 is all
	Kind   string        `yaml:"kind,omitempty"`   // error (default), delay, hang, garbage, huge, truncated, crash, empty
	Work   bool          `yaml:"work,omitempty"`   // the daemon does the work all the same (create that hangs though the machine exists)
	Exit   int           `yaml:"exit,omitempty"`
	Stdout string        `yaml:"stdout,omitempty"`
	Stderr string        `yaml:"stderr,omitempty"`
	Delay  time.Duration `yaml:"delay,omitempty"`

	Net *NetFault `yaml:"net,omitempty"`
}

// A NetFault is in force from the start of the world.
type NetFault struct {
	Machine string `yaml:"machine"`           // whose traffic
	Kind    string `yaml:"kind"`              // drop, reject, loss, link_down, no_route
	Port    int    `yaml:"port,omitempty"`    // drop and reject: this TCP port; 0 is everything that arrives
	Percent int    `yaml:"percent,omitempty"` // loss
}
