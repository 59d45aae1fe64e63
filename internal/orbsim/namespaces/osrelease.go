package namespaces

import (
	"fmt"
	"strings"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// release is what os-release says about a distribution at one version.
type release struct{ name, like, version, codename, pretty string }

// releases of the images that are in use most, by ID:version as orbctl has them
// (docs/orbctl-contract.md §3); the others get a plain text made of the two words.
func releases() map[string]release {
	return map[string]release{
		"ubuntu:noble":    {"Ubuntu", "debian", "24.04", "noble", "Ubuntu 24.04.3 LTS"},
		"ubuntu:jammy":    {"Ubuntu", "debian", "22.04", "jammy", "Ubuntu 22.04.5 LTS"},
		"debian:bookworm": {"Debian GNU/Linux", "", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)"},
		"debian:trixie":   {"Debian GNU/Linux", "", "13", "trixie", "Debian GNU/Linux 13 (trixie)"},
		"alpine:3.20":     {"Alpine Linux", "", "3.20.3", "", "Alpine Linux v3.20"},
		"fedora:42":       {"Fedora Linux", "", "42", "", "Fedora Linux 42 (Container Image)"},
		"arch:current":    {"Arch Linux", "", "", "", "Arch Linux"},
	}
}

// osRelease is the text of /etc/os-release; m.OSRelease is its PRETTY_NAME when set.
func osRelease(m worldfile.Machine) string {
	distro := m.Distro
	if distro == "" {
		distro = "ubuntu:noble"
	}
	id, version, _ := strings.Cut(distro, ":")
	r, known := releases()[distro]
	if !known {
		r = release{name: id, version: version, pretty: strings.TrimSpace(id + " " + version)}
	}
	if m.OSRelease != "" {
		r.pretty = m.OSRelease
	}
	var b strings.Builder
	for _, field := range []struct{ key, value string }{
		{"PRETTY_NAME", r.pretty},
		{"NAME", r.name},
		{"VERSION_ID", r.version},
		{"VERSION_CODENAME", r.codename},
		{"ID", id},
		{"ID_LIKE", r.like},
	} {
		if field.value != "" {
			fmt.Fprintf(&b, "%s=%q\n", field.key, field.value)
		}
	}
	return b.String()
}
