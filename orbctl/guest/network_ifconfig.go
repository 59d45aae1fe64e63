package guest

import (
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// parseIfconfig reads `ifconfig -a` of net-tools, in both of its shapes, of
// inetutils and of busybox:
//
//	eth0: flags=4163<UP,BROADCAST,RUNNING>  mtu 1500
//	        inet 192.168.139.5  netmask 255.255.255.0  broadcast …
//	        inet6 fe80::1  prefixlen 64  scopeid 0x20<link>
//	        ether 02:fc:00:00:00:01  txqueuelen 1000
//
//	eth0      Link encap:Ethernet  HWaddr 02:FC:00:00:00:01
//	          inet addr:192.168.139.5  Bcast:…  Mask:255.255.255.0
//	          inet6 addr: fe80::1/64 Scope:Link
//	          UP BROADCAST RUNNING  MTU:1500  Metric:1
func parseIfconfig(text string) []Interface {
	var set linkSet
	var link *Interface
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if line[0] != ' ' && line[0] != '\t' {
			if len(words) == 1 {
				link = nil // a warning, not an interface
				continue
			}
			// An alias (eth0:1) is one more address of its interface.
			name, _, _ := strings.Cut(words[0], ":")
			if link = set.get(name); link.State == "unknown" {
				link.State = "down"
			}
			words = words[1:]
		}
		if link != nil {
			link.addIfconfig(words)
		}
	}
	return set.all()
}

// addIfconfig takes what one line says of the interface.
func (l *Interface) addIfconfig(words []string) {
	if address, ok := ifconfigAddress(words); ok {
		l.Addresses = append(l.Addresses, address)
	}
	for i, w := range words {
		key, value, _ := strings.Cut(w, ":")
		switch {
		case key == "MTU":
			l.MTU, _ = strconv.Atoi(value)
		case (w == "HWaddr" || w == "ether") && i+1 < len(words):
			l.MAC = macAddress(words[i+1])
		case w == "mtu" && i+1 < len(words):
			l.MTU, _ = strconv.Atoi(words[i+1])
		case w == "RUNNING" || strings.HasPrefix(w, "flags=") && strings.Contains(w, "RUNNING"):
			l.State = "up"
		}
	}
}

// ifconfigAddress reads an inet or inet6 line.
func ifconfigAddress(words []string) (netip.Prefix, bool) {
	if len(words) < 2 {
		return netip.Prefix{}, false
	}
	address := strings.TrimPrefix(words[1], "addr:")
	if address == "" && len(words) > 2 { // inet6 addr: fe80::1/64
		address = words[2]
	}
	var length string
	switch words[0] {
	case "inet":
		mask := after(words, "netmask")
		for _, w := range words {
			if value, ok := strings.CutPrefix(w, "Mask:"); ok {
				mask = value
			}
		}
		length = maskLength(mask)
	case "inet6":
		length = after(words, "prefixlen")
	default:
		return netip.Prefix{}, false
	}
	if length != "" && !strings.Contains(address, "/") {
		address += "/" + length
	}
	return parsePrefix(address)
}

// maskLength is the prefix length of 255.255.255.0, or "" for what is no mask.
func maskLength(mask string) string {
	address, err := netip.ParseAddr(mask)
	if err != nil || !address.Is4() {
		return ""
	}
	b := address.As4()
	value := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	return lengthOf(value)
}

func lengthOf(mask uint32) string {
	ones := bits.LeadingZeros32(^mask)
	if ones < 32 && mask<<ones != 0 {
		return ""
	}
	return strconv.Itoa(ones)
}
