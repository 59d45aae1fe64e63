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
	if !ok {
		how = "its package manager"
	}
	return "the machine has " + what + strings.Join(e.Wanted, ", ") + "; install " + which + " in the machine with " + how
}

// installs is how the distributions that OrbStack offers get a package, by the
// ID of their os-release (docs/orbctl-contract.md §9).
var installs = map[string]string{
	"almalinux": "dnf install", "centos": "dnf install", "fedora": "dnf install", "ol": "dnf install", "openEuler": "dnf install", "rocky": "dnf install",
	"alpine": "apk add", "arch": "pacman -S", "archarm": "pacman -S", "gentoo": "emerge", "nixos": "nix-shell -p", "void": "xbps-install",
	"debian": "apt-get install", "devuan": "apt-get install", "kali": "apt-get install", "ubuntu": "apt-get install",
	"opensuse-leap": "zypper install", "opensuse-tumbleweed": "zypper install",
}
