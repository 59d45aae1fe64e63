package namespaces

import "net/netip"

// stubAddress is where systemd-resolved listens in a guest.
const stubAddress = "127.0.0.53"

// resolvConf is a guest's /etc/resolv.conf as OrbStack writes it
// (testdata/guest-resolv-conf.txt): no search line.
func resolvConf(server netip.Addr) string { return "nameserver " + server.String() + "\n" }

// stubResolvConf is the one of systemd-resolved.
const stubResolvConf = `# This is /run/systemd/resolve/stub-resolv.conf managed by man:systemd-resolved(8).
# Do not edit.
nameserver ` + stubAddress + `
options edns0 trust-ad
search .
`
