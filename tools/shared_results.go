package tools

import (
	"fmt"
	"net/netip"
	"slices"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
)

// machineIn is the argument of tools about one machine.
type machineIn struct {
	Machine string `json:"machine,omitempty" jsonschema_description:"Machine name; default: OrbStack's default machine."`
}

// missing is a part of a result that could not be had, and why: a result never
// shows as empty what it does not know.
type missing struct {
	Part string `json:"part"`
	Why  string `json:"why"`
}

func missingFrom(parts []guest.Missing) []missing {
	var all []missing
	for _, p := range parts {
		all = append(all, missing{Part: p.Part, Why: p.Why})
	}
	return all
}

// missingCut adds what bounds left out of lists.
func missingCut(all []missing, cut map[string]int) []missing {
	parts := make([]string, 0, len(cut))
	for part := range cut {
		parts = append(parts, part)
	}
	slices.Sort(parts)
	for _, part := range parts {
		all = append(all, missing{Part: part, Why: fmt.Sprintf("%d more were left out", cut[part])})
	}
	return all
}

// limits of a machine as OrbStack stores them; an absent one is unlimited.
type limits struct {
	CPUs        int64 `json:"cpus,omitempty"`
	MemoryBytes int64 `json:"memory_bytes,omitempty"`
	DiskBytes   int64 `json:"disk_bytes,omitempty"`
}

func limitsOf(l orbctl.Limits) limits {
	return limits{CPUs: l.CPU, MemoryBytes: l.MemoryMiB << 20, DiskBytes: l.DiskBytes}
}

// addrText is "" for an address that is not there.
func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func prefixText(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

// texts makes a list that is never null.
func texts[T fmt.Stringer](list []T) []string {
	all := make([]string, 0, len(list))
	for _, v := range list {
		all = append(all, v.String())
	}
	return all
}
