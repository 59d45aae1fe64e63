package guest

import "strings"

// toolPackages is what a missing tool is called in package managers: the
// package for apt, and for all the others where the names agree.
var toolPackages = map[Method]map[string]string{
	Ping: {"apt-get install": "iputils-ping", "apk add": "iputils", "pacman -S": "iputils", "dnf install": "iputils", "zypper install": "iputils", "xbps-install": "iputils", "emerge": "net-misc/iputils", "nix-shell -p": "iputils"},
	TCP:  {"apt-get install": "netcat-openbsd", "apk add": "netcat-openbsd", "pacman -S": "openbsd-netcat", "dnf install": "nmap-ncat", "zypper install": "netcat-openbsd", "xbps-install": "openbsd-netcat", "emerge": "net-analyzer/openbsd-netcat", "nix-shell -p": "netcat"},
	HTTP: {"apt-get install": "curl", "apk add": "curl", "pacman -S": "curl", "dnf install": "curl", "zypper install": "curl", "xbps-install": "curl", "emerge": "net-misc/curl", "nix-shell -p": "curl"},
}

// installCommand is how a distribution installs a package; "" when it is not
// known.
func installCommand(distro string, packages map[string]string) string {
	manager := installs[distro]
	if name := packages[manager]; name != "" {
		return manager + " " + name
	}
	return ""
}

// distroID is the ID of os-release(5), as `sed -n s/^ID=//p` prints it.
func distroID(text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return word(strings.Trim(strings.TrimSpace(first), `"'`))
}

// wantedTools is the sentence of no_tool.
func wantedTools(q ConnectivityQuery) string {
	wanted := []string{"ping"}
	switch {
	case q.Method == TCP:
		wanted = []string{"bash", "nc", "ncat", "curl"}
	case q.Method == HTTP && strings.HasPrefix(q.URL, "https:"):
		wanted = []string{"curl", "GNU wget"} // busybox wget checks no certificate
	case q.Method == HTTP:
		wanted = []string{"curl", "GNU wget", "bash", "nc"} // busybox wget cannot be kept from following a redirect
	}
	if len(wanted) == 1 {
		return "the machine has no usable " + wanted[0]
	}
	return "the machine has none of " + strings.Join(wanted, ", ") + " that could do it"
}
