package tools

import (
	"context"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
)

func networkDetails() Tool {
	return Do(Tool{
		Name: "vm_network_details", Title: "Network details of a machine",
		Family: Network, Effect: Reads, OpenWorld: true,
		Doc: "Shows a machine's addresses, interfaces, subnet, gateway, DNS servers, .orb.local name and how to reach it by SSH. " +
			"Use when somebody asks what IP a machine has, which DNS it uses or how to get to it. For why something cannot be reached, use vm_test_connectivity.",
	}, readNetworkDetails)
}

type networkOut struct {
	Machine        string      `json:"machine"`
	State          string      `json:"state"`
	IPv4           string      `json:"ipv4,omitempty" jsonschema_description:"The address that OrbStack gave the machine; absent while it is stopped and shortly after a start."`
	IPv6           string      `json:"ipv6,omitempty"`
	Domain         domain      `json:"domain"`
	SSH            string      `json:"ssh"`
	Isolated       bool        `json:"isolated" jsonschema_description:"The machine sees neither the Mac's files nor its commands."`
	IsolateNetwork bool        `json:"isolate_network" jsonschema_description:"The machine is kept off the Mac's network and other machines."`
	WebPorts       *webPorts   `json:"web_ports,omitempty" jsonschema_description:"The ports behind http:// and https:// of the domain, when chosen by hand."`
	Hostname       string      `json:"hostname,omitempty"`
	Interfaces     []netDevice `json:"interfaces" jsonschema_description:"As seen from inside the machine."`
	Subnet4        string      `json:"subnet4,omitempty"`
	Gateway4       string      `json:"gateway4,omitempty"`
	Gateway6       string      `json:"gateway6,omitempty"`
	DNSServers     []string    `json:"dns_servers"`
	DNSSource      string      `json:"dns_source,omitempty" jsonschema_description:"Where the machine's DNS servers come from."`
	SearchDomains  []string    `json:"search_domains"`
	Missing        []missing   `json:"missing,omitempty" jsonschema_description:"What could not be read, and why."`
	Note           string      `json:"note,omitempty"`
}

type domain struct {
	Name string `json:"name"`
	Note string `json:"note"`
}

type webPorts struct {
	HTTP  int `json:"http,omitempty"`
	HTTPS int `json:"https,omitempty"`
}

type netDevice struct {
	Name      string   `json:"name"`
	State     string   `json:"state,omitempty"`
	MTU       int      `json:"mtu,omitempty"`
	MAC       string   `json:"mac,omitempty"`
	Addresses []string `json:"addresses" jsonschema_description:"With prefix length."`
}

func readNetworkDetails(ctx context.Context, c *Call, in machineIn) (networkOut, error) {
	m, err := c.Orb.MachineOrDefault(ctx, in.Machine)
	if err != nil {
		return networkOut{}, err
	}
	out := networkFromOrbStack(m)
	if m.State != orbctl.Running {
		out.Missing = []missing{{Part: "interfaces, routes, DNS", Why: "the machine is " + m.State + "; they can only be read inside a running one, and reading starts nothing"}}
		return out, nil
	}
	facts, meta, err := c.Orb.NetworkFacts(ctx, m)
	if err != nil {
		return networkOut{}, err
	}
	out.addFacts(facts)
	out.Note = ranAs(meta)
	if !m.IP4.IsValid() {
		out.Missing = append(out.Missing, missing{Part: "ipv4", Why: "OrbStack has not reported an address yet; it comes some seconds after a start"})
	}
	return out, nil
}

func networkFromOrbStack(m orbctl.MachineInfo) networkOut {
	out := networkOut{
		Machine: m.Name, State: m.State, IPv4: addrText(m.IP4), IPv6: addrText(m.IP6),
		Domain:   domain{Name: orbctl.LocalName(m.Name), Note: "from other machines it resolves to the machine's own address; from the Mac to a proxy address of OrbStack, so it need not equal ipv4"},
		SSH:      "ssh " + m.Name + "@orb",
		Isolated: m.Config.Isolated, IsolateNetwork: m.Config.IsolateNetwork,
		Interfaces: []netDevice{}, DNSServers: []string{}, SearchDomains: []string{},
	}
	if m.Config.HTTPPort != 0 || m.Config.HTTPSPort != 0 {
		out.WebPorts = &webPorts{HTTP: m.Config.HTTPPort, HTTPS: m.Config.HTTPSPort}
	}
	return out
}

func (o *networkOut) addFacts(f guest.NetworkFactsReport) {
	o.Hostname = f.Hostname
	for _, i := range f.Interfaces {
		o.Interfaces = append(o.Interfaces, netDevice{Name: i.Name, State: i.State, MTU: i.MTU, MAC: i.MAC, Addresses: texts(i.Addresses)})
	}
	o.Subnet4, o.Gateway4, o.Gateway6 = prefixText(f.Subnet4), addrText(f.Gateway4), addrText(f.Gateway6)
	o.DNSServers = append(o.DNSServers, texts(f.Resolver.Servers)...)
	o.SearchDomains = append(o.SearchDomains, f.Resolver.Search...)
	o.DNSSource = f.Resolver.Source
	if f.Resolver.Stub.IsValid() {
		o.DNSSource += ", behind systemd-resolved at " + f.Resolver.Stub.String()
	}
	o.Missing = missingCut(missingFrom(f.Missing), f.Cut)
}

// ranAs says that a probe did not run as the machine's own user.
func ranAs(meta orbctl.ProbeMeta) string {
	if !meta.FellBack {
		return ""
	}
	return "asked as " + meta.User + ": " + meta.Reason
}
