package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A targetCase is what somebody asks for in testdata/matrix.yaml, and what is said of it.
type targetCase struct {
	name          string
	args          args
	verdict       string
	legs          []string // as legLines has them; nil where the matrix looks at them
	says, not     []string // of the meaning
	state, wallIn string   // of the target machine: its state, and whether it is isolated
}

var targetCases = []targetCase{
	{
		name: "a name with IPv6 alone", args: args{"target": "six.example:80"}, verdict: "ok", legs: []string{"name/ipv6 ok"},
	},
	{
		name: "a name with IPv6 alone, busybox", args: args{"machine": "box", "target": "six.example"}, verdict: "ok", legs: []string{"name/ipv6 ok"},
	},
	{
		name: "an international name", args: args{"target": "Bücher.example:80"}, verdict: "ok", legs: []string{"name/ipv4 ok"},
	},
	{
		name: "an international name in a URL, busybox", args: args{"machine": "box", "target": "http://bücher.example/x?a=1"}, verdict: "ok", legs: []string{"name/ipv4 ok"},
	},
	{
		name: "https as method", args: args{"target": "srv:8444", "method": "https"}, verdict: "ok",
		legs: []string{"name/ipv4 ok", "name/ipv6 ok", "address/ipv4 ok", "address/ipv6 ok"},
	},
	{
		name: "https as method goes to its own port", args: args{"target": "srv", "method": "https"}, verdict: "refused", says: []string{"refuses port 443"},
	},
	{
		name: "a stopped machine", args: args{"target": "stopped:80"}, verdict: "dns_failed", state: "stopped",
		says: []string{"stopped is stopped", "vm_start starts it"},
	},
	{
		name: "an isolated machine", args: args{"target": "walled:80"}, verdict: "unreachable", state: "running", wallIn: "walled",
		legs: []string{"name/ipv4 unreachable", "name/ipv6 unreachable", "address/ipv4 unreachable", "address/ipv6 unreachable"},
		says: []string{"walled is kept off the network on purpose (isolate_network), so other machines do not reach it"},
	},
	{
		name: "from an isolated machine", args: args{"machine": "walled", "target": "srv:80"}, verdict: "unreachable", state: "running",
		says: []string{"walled itself is kept off the network on purpose"},
	},
	{
		name: "an isolated machine from the Mac", args: args{"target": "walled:81", "from": "mac"}, verdict: "refused", state: "running", wallIn: "walled",
		says: []string{"refuses port 81"}, not: []string{"isolate_network"},
	},
	{
		name: "its own loopback", args: args{"target": "127.0.0.1:81"}, verdict: "refused",
		says: []string{"Nothing in full listens on port 81 of its loopback address"}, not: []string{"127.0.0.1 only"},
	},
	{
		name: "the Mac", args: args{"target": "host.docker.internal:81"}, verdict: "refused", says: []string{"The Mac is there but refuses port 81"}, not: []string{"vm_status_detailed"},
	},
	{
		name: "an interface that is not there", args: args{"target": "[fe80::1%eth9]:80"}, verdict: "no_route", says: []string{"cannot use the interface eth9"}, not: []string{"gateway"},
	},
}

func TestConnectivityUnderstandsWhatIsAskedFor(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, matrix(t), e)
		t.Run("target", func(t *testing.T) {
			for _, c := range targetCases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.args["count"] = 1
					c.args["timeout_seconds"] = 10
					if c.verdict == "unreachable" {
						c.args["timeout_seconds"] = 1
					}
					c.test(t, s.call(t, "vm_test_connectivity", c.args))
				})
			}
		})
	})
}

func (c targetCase) test(t *testing.T, r result) {
	t.Helper()
	require.False(t, r.IsError, r.Text)
	assert.Equal(t, c.verdict, r.at("verdict"), r.Text)
	if c.legs != nil {
		assert.Equal(t, c.legs, legLines(r), r.Text)
	}
	meaning := fmt.Sprint(r.at("meaning"))
	for _, part := range c.says {
		assert.Contains(t, meaning, part)
	}
	for _, part := range c.not {
		assert.NotContains(t, meaning, part)
	}
	if c.state != "" {
		assert.Equal(t, c.state, r.at("target_machine", "state"))
		assert.Equal(t, c.wallIn != "", r.at("target_machine", "isolate_network"))
	}
	legs, _ := r.at("results").([]any)
	for i := range legs {
		attempts, _ := r.at("results", i, "attempts").([]any)
		assert.Equal(t, len(attempts) == 0, r.at("results", i, "loss_percent") == nil, "loss is said of what was tried: %s", r.Text)
	}
}

// What cannot be meant is refused with what to write instead.
func TestConnectivityRefusesWhatCannotBeMeant(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, matrix(t), e)
		for _, c := range []struct {
			args args
			says string
		}{
			{args{"target": "http://srv/", "method": "https"}, "write https:// there"},
			{args{"target": "[fd07:b51a:cc66::20%eth0]:80"}, "leave the % and what follows out"},
			{args{"target": "fe80::1"}, "such as fe80::1%eth0"},
			{args{"target": "localhost", "from": "mac"}, "give localhost:PORT"},
		} {
			r := s.call(t, "vm_test_connectivity", c.args)
			assert.Equal(t, "invalid_argument", r.code(), r.Text)
			assert.Contains(t, r.Text, c.says)
		}
	})
}

// Half of the packets get lost: which, is chance, and what is said of it is not. Of
// five series of ten some are torn.
func TestPacketLossIsToldFromABrokenRoute(t *testing.T) {
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, matrix(t), e)
		torn := false
		for range 5 {
			r := s.call(t, "vm_test_connectivity", args{"target": "lossy", "count": 10, "timeout_seconds": 1})
			meaning := fmt.Sprint(r.at("meaning"))
			if loss, ok := r.at("results", 0, "loss_percent").(float64); ok && loss > 0 && loss < 100 {
				torn = true
				assert.Equal(t, "ok", r.at("verdict"), r.Text)
				assert.Contains(t, meaning, "full reaches lossy. But ")
				assert.Contains(t, meaning, "packet loss")
				break
			}
		}
		assert.True(t, torn)
	})
}

// By address a machine is found among the first that run; that others were not
// looked at is said.
func TestFromTheMacAnAddressBeyondTheFirstMachinesIsNotSaidToBeNone(t *testing.T) {
	var world strings.Builder
	world.WriteString("version: 2.2.3\ndefault: m00\nmachines:\n")
	for i := range 22 {
		fmt.Fprintf(&world, "  - {name: m%02d, no_ip6: true, ip4: 192.168.139.%d}\n", i, 10+i)
	}
	inOneEra(t, func(t *testing.T, e era) {
		s := open(t, world.String(), e)
		r := s.call(t, "vm_test_connectivity", args{"target": "192.168.139.31:80", "from": "mac"})
		assert.Equal(t, "not_allowed", r.code(), r.Text)
		assert.NotContains(t, r.Text, "is none of them")
		assert.Contains(t, r.Text, "the other 2 were not looked at")
		assert.Contains(t, r.Text, "give that machine's name")
	})
}
