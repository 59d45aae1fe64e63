package guest

import "strings"

// Missing is a part of a report that could not be read. A report never shows a
// part that failed as an empty one: whoever reads it sees the difference
// between "no failed services" and "nobody could be asked".
type Missing struct {
	Part string // the part's name in the report, such as dns_servers or memory, or [TheRest]
	Why  string // one line: what was tried and what became of it; may hold a guest's words, cleaned
}

// TheRest is the Missing part of a transcript that ended before its script did.
const TheRest = "the rest"

// cutShort is why the rest is missing.
const cutShort = "the script in the machine did not reach its end: it was stopped, or its output was cut"

// ToolMissingError says that a question needs a command that the guest does not
// have.
type ToolMissingError struct {
	Wanted []string // any one of them would have done
	Distro string   // ID of os-release, such as alpine; "" when unknown
}

func (e *ToolMissingError) Error() string {
	what, which := "no ", "it"
	if len(e.Wanted) > 1 {
		what, which = "none of ", "one"
	}
	how, ok := installs[e.Distro]
	switch command := installCommand(e.Distro, packages[e.Wanted[0]]); {
	case command != "":
		which, how = e.Wanted[0], command
	case !ok:
		how = "its package manager"
	}
	return "the machine has " + what + strings.Join(e.Wanted, ", ") + "; install " + which + " in the machine with " + how
}

// packages is what the package of a tool is called, by how it is installed.
var packages = map[string]map[string]string{
	"dig": {"apt-get install": "dnsutils", "apk add": "bind-tools", "pacman -S": "bind", "dnf install": "bind-utils", "zypper install": "bind-utils", "xbps-install": "bind-utils", "emerge": "net-dns/bind", "nix-shell -p": "dnsutils"},
}

// installs is how the distributions that OrbStack offers get a package, by the
// ID of their os-release (docs/orbctl-contract.md §9).
var installs = map[string]string{
	"almalinux": "dnf install", "centos": "dnf install", "fedora": "dnf install", "ol": "dnf install", "openEuler": "dnf install", "rocky": "dnf install",
	"alpine": "apk add", "arch": "pacman -S", "archarm": "pacman -S", "gentoo": "emerge", "nixos": "nix-shell -p", "void": "xbps-install",
	"debian": "apt-get install", "devuan": "apt-get install", "kali": "apt-get install", "ubuntu": "apt-get install",
	"opensuse-leap": "zypper install", "opensuse-tumbleweed": "zypper install",
}
