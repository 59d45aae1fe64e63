package worldfile

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
)

// Reserved are the names that no machine may have (docs/orbctl-contract.md §9).
func Reserved() []string { return []string{"docker", "k8s", "none", "default", "all"} }

func (c *checker) machines(w *World, subnet4, subnet6 netip.Prefix) {
	names, ids, taken := map[string]int{}, map[string]string{}, map[netip.Addr]string{}
	if gateway, err := netip.ParseAddr(w.Network.Gateway4); err == nil {
		taken[gateway] = "the gateway"
	}
	for i := range w.Machines {
		m := &w.Machines[i]
		at := fmt.Sprintf("machines[%d] (%s)", i, m.Name)
		if first, twice := names[m.Name]; twice {
			c.add(at, "has the name of machines[%d]", first)
		} else {
			names[m.Name] = i
		}
		if owner, twice := ids[m.ID]; twice && owner != m.Name {
			c.add(at+".id", "%s is the id of %s already", m.ID, owner)
		}
		ids[m.ID] = m.Name
		for key, ip := range map[string]string{"ip4": m.IP4, "ip6": m.IP6} {
			if ip == "" {
				continue
			}
			subnet := subnet4
			if key == "ip6" {
				subnet = subnet6
			}
			a := c.inside(at+"."+key, ip, subnet)
			if owner, used := taken[a]; used && a.IsValid() {
				c.add(at+"."+key, "%s is taken by %s", ip, owner)
			}
			taken[a] = m.Name
		}
		c.machine(at, m)
	}
	if w.Default != "" && w.Default != "none" && !w.has(w.Default) {
		c.add("default", "there is no machine %q", w.Default)
	}
}

func (c *checker) machine(at string, m *Machine) {
	switch {
	case m.Name == "":
		c.add(at, "has no name")
	case !NamePattern.MatchString(m.Name):
		c.add(at+".name", "%q: letters, digits, - and . only, at most 63, not beginning with - or .", m.Name)
	case slices.Contains(Reserved(), m.Name):
		c.add(at+".name", "%q is a word of orbctl", m.Name)
	}
	if !idPattern.MatchString(m.ID) {
		c.add(at+".id", "%q is no ULID: 26 characters of Crockford's base 32", m.ID)
	}
	if _, ok := defaultVersions[m.DistroName()]; !ok {
		c.add(at+".distro", "%q is not one of %s", m.DistroName(), strings.Join(Distros(), ", "))
	} else if m.DistroVersion() == "" {
		c.add(at+".distro", "%q ends with a colon; write %s:VERSION or %s alone", m.Distro, m.DistroName(), m.DistroName())
	}
	c.oneOf(at+".arch", m.Arch, "arm64", "amd64")
	if m.State == "" || strings.ContainsAny(m.State, " \n\"") {
		c.add(at+".state", "%q is not a word; running and stopped are the known ones", m.State)
	}
	for _, u := range append([]string{m.DefaultUsername}, m.Users...) {
		if !userPattern.MatchString(u) {
			c.add(at, "%q is no user name", u)
		}
	}
	if m.NoIP6 && m.IP6 != "" {
		c.add(at, "has ip6 and no_ip6")
	}
	if m.Limits.CPU < 0 || m.Limits.MemoryMiB < 0 || m.Limits.DiskBytes < 0 || m.DiskSize < 0 || m.LogsRepeat < 0 {
		c.add(at, "a limit, disk_size or logs_repeat is negative; 0 means unlimited")
	}
	if r := m.Rootfs; r != "host" && r != "busybox" && r != "inetutils" && !path.IsAbs(r) {
		c.add(at+".rootfs", "%q is not host, busybox, inetutils or an absolute path", r)
	}
	for p := range m.Files {
		if !path.IsAbs(p) || path.Clean(p) != p {
			c.add(at+".files", "%q is not a clean absolute path", p)
		}
	}
	if !m.Isolated && len(m.Mounts) > 0 {
		c.add(at+".mounts", "only an isolated machine has mounts")
	}
	used := map[string]int{}
	for i, l := range m.Listeners {
		lat := fmt.Sprintf("%s.listeners[%d]", at, i)
		c.listener(lat, l)
		proto := "tcp"
		if l.Kind == "udp" {
			proto = "udp"
		}
		key := fmt.Sprintf("%s %s %d", proto, l.Address, l.Port)
		if first, twice := used[key]; twice {
			c.add(lat, "listens where listeners[%d] does", first)
		}
		used[key] = i
	}
	c.ranged(at+".http_port", m.HTTPPort, 0, 65535)
	c.ranged(at+".https_port", m.HTTPSPort, 0, 65535)
}

func (c *checker) listener(at string, l Listener) {
	if l.Kind == "" {
		c.add(at+".kind", "is missing")
	}
	c.oneOf(at+".kind", l.Kind, "tcp", "udp", "http", "https", "reset", "silent")
	c.oneOf(at+".cert", l.Cert, "bad", "good", "expired")
	c.ranged(at+".port", l.Port, 1, 65535)
	if l.Address != "" {
		if _, err := netip.ParseAddr(l.Address); err != nil {
			c.add(at+".address", "%q is not an IP address", l.Address)
		}
	}
	if l.Kind == "http" || l.Kind == "https" {
		c.ranged(at+".status", l.Status, 100, 599)
	}
}
