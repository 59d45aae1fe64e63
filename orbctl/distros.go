package orbctl

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/untrusted"
)

// Distros are what OrbStack is known to make machines of
// (docs/orbctl-contract.md §9, Distros). A newer OrbStack may know more: so it is
// asked, and not this list.
func Distros() []string {
	return []string{"alma", "alpine", "arch", "centos", "debian", "devuan", "fedora", "gentoo", "kali", "nixos", "openeuler", "opensuse", "oracle", "rocky", "ubuntu", "void"}
}

// ofDistro is about what a machine is made of.
var ofDistro = regexp.MustCompile(`(?i)distro|distribution|image|version|release`)

// unknownDistro tells a create that failed for its distribution, or the version of
// one, from all others: that is InvalidArgument, with what is known. The words of
// that failure are [unknown] (docs/orbctl-contract.md §5), so one of a distribution
// that nobody knows counts whatever they are; Raw has them.
func unknownDistro(failed error, distro string) error {
	e, ok := errors.AsType[*Error](failed)
	if !ok || e.Kind != OrbctlFailed || e.Op != runner.OpCreate || e.Exit <= 0 || e.MayFinish {
		return failed
	}
	name, _, versioned := strings.Cut(distro, ":")
	known := slices.Contains(Distros(), name)
	if known && !ofDistro.MatchString(e.Raw) {
		return failed
	}
	bad := invalid("distro", untrusted.Line(distro), "is nothing that OrbStack made a machine of")
	bad.Op, bad.Raw, bad.Have = e.Op, e.Raw, Distros()
	switch {
	case !known:
		bad.Nearest = Nearest(name, Distros())
	case versioned:
		bad.Problems[0].Why = "has a version that OrbStack did not take: " + name + " alone leaves it the choice"
	}
	return bad
}
