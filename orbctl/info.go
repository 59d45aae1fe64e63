package orbctl

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"orbstack-mcp/orbctl/runner"
)

// wireInfo is what `info -f json` prints. A flat record, without the "record"
// around it, is understood too.
type wireInfo struct {
	Record *wireMachine `json:"record"`
	wireMachine
	DiskSize int64  `json:"disk_size"`
	IP4      string `json:"ip4"`
	IP6      string `json:"ip6"`
}

// ParseInfo reads what `info NAME -f json` printed. Addresses are absent when the
// machine is stopped and shortly after its start (docs/orbctl-contract.md §3).
func ParseInfo(stdout string) (MachineInfo, error) {
	text, _ := StripBanner(stdout)
	if strings.TrimSpace(text) == "" {
		return MachineInfo{}, unreadable(runner.OpInfo, "", "it printed nothing")
	}
	var wire wireInfo
	if err := json.Unmarshal([]byte(text), &wire); err != nil {
		return MachineInfo{}, unreadableJSON(runner.OpInfo, text, err)
	}
	record := wire.wireMachine
	if wire.Record != nil {
		record = *wire.Record
	}
	m, err := record.machine()
	if err != nil {
		return MachineInfo{}, unreadableJSON(runner.OpInfo, text, err)
	}
	info := MachineInfo{Machine: m, DiskSize: wire.DiskSize}
	if info.IP4, err = optionalAddr("ip4", wire.IP4, netip.Addr.Is4); err != nil {
		return MachineInfo{}, unreadableJSON(runner.OpInfo, text, err)
	}
	if info.IP6, err = optionalAddr("ip6", wire.IP6, netip.Addr.Is6); err != nil {
		return MachineInfo{}, unreadableJSON(runner.OpInfo, text, err)
	}
	return info, nil
}

func optionalAddr(field, text string, family func(netip.Addr) bool) (netip.Addr, error) {
	if text == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil || !family(a) || a.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%s is no such address", field)
	}
	return a, nil
}
