package tools

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
)

// NAME.orb.local is explained by what was seen of it.
func TestTheMeaningOfALookUpBelowOrbLocalIsTrueOfIt(t *testing.T) {
	view := func(s guest.DNSStatus) *dnsView { return &dnsView{Status: string(s)} }
	other := &dnsView{Status: string(guest.NoError), Differs: true}
	hosts := &dnsView{Status: string(guest.NXDomain), Library: &libView{Found: true}}
	yes, no := true, false
	machines := []orbctl.Machine{{Name: "db", State: orbctl.Running}, {Name: "old", State: orbctl.Stopped}}
	const differ = "they differ, and neither is wrong"
	for name, c := range map[string]struct {
		in, mac   *dnsView
		agree     *bool
		host      string
		unlisted  bool
		says, not []string
	}{
		"they differ":                   {in: view(guest.NoError), mac: view(guest.NoError), agree: &no, says: []string{differ}},
		"they agree":                    {in: view(guest.NoError), mac: view(guest.NoError), agree: &yes, says: []string{"the same answer"}, not: []string{"differ"}},
		"a hosts file":                  {in: other, mac: view(guest.NoError), agree: &no, says: []string{differ, "resolver_library"}},
		"a hosts file, without DNS":     {in: hosts, mac: view(guest.NoError), says: []string{"db runs, and web cannot resolve its name (no such name)", "resolver_library"}},
		"no IPv6 on the Mac":            {in: view(guest.NoError), mac: view(guest.NoData), says: []string{"web resolves it; on the Mac", "without a record of this type"}, not: []string{"differ"}},
		"no record of the type":         {in: view(guest.NoData), mac: view(guest.NoData), says: []string{"Neither web"}, not: []string{"differ", "proxy"}},
		"in the machine alone":          {in: view(guest.NoError), says: []string{"In web: it resolves."}, not: []string{"differ", "proxy"}},
		"on the Mac alone":              {mac: view(guest.NoError), says: []string{"On the Mac: it resolves.", "proxy address"}, not: []string{"differ"}},
		"the Mac fails":                 {in: view(guest.NoError), mac: view(guest.NXDomain), says: []string{"db runs, and the Mac cannot resolve its name"}},
		"no machine":                    {host: "x.orb.local", in: view(guest.NXDomain), mac: view(guest.NXDomain), says: []string{"No machine has this name", "Neither web (no such name) nor the Mac (no such name)"}, not: []string{"differ"}},
		"a stopped machine":             {host: "old.orb.local", in: view(guest.NXDomain), mac: view(guest.NXDomain), says: []string{"old is stopped, so its name need not resolve."}, not: []string{"differ"}},
		"the machines are not known":    {unlisted: true, mac: view(guest.NXDomain), says: []string{"could not be looked up"}, not: []string{"differ"}},
		"nor that, and it does resolve": {unlisted: true, mac: view(guest.NoError), says: []string{"On the Mac: it resolves."}, not: []string{"differ"}},
	} {
		t.Run(name, func(t *testing.T) {
			o := dnsOut{Machine: "web", InMachine: c.in, OnMac: c.mac, Agree: c.agree}
			known := machines
			if c.unlisted {
				known = nil
			}
			if c.host == "" {
				c.host = "db.orb.local"
			}
			got := o.meaning(guest.DNSQuestion{Name: c.host}, known)
			for _, part := range c.says {
				assert.Contains(t, got, part)
			}
			for _, part := range c.not {
				assert.NotContains(t, got, part)
			}
		})
	}
}
