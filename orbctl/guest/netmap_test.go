package guest

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var twoTargets = MapQuery{Ports: []int{80}, Targets: []MapTarget{{mustAddr("10.0.0.1"), "a.orb.local"}, {netip.Addr{}, "b.orb.local"}}}

func TestTheWordsOfAMapAreArgumentsOfTheScript(t *testing.T) {
	script, args, limit, err := NetworkMap(twoTargets)
	require.NoError(t, err)
	assert.Equal(t, "netmap", script.Name())
	assert.Equal(t, []string{"80", "10.0.0.1", "a.orb.local", "-", "b.orb.local"}, args[3:])
	assert.LessOrEqual(t, limit, 20*time.Second)

	_, args, more, err := NetworkMap(MapQuery{Targets: make([]MapTarget, 0)})
	require.NoError(t, err)
	assert.Equal(t, "-", args[3])
	assert.Equal(t, limit, more, "however many targets there are")

	_, _, _, err = NetworkMap(MapQuery{Targets: []MapTarget{{Name: "-oProxyCommand=x"}}})
	require.Error(t, err)
}

// Lines of targets and methods come in any order and are told apart; what is cut
// has no verdict and says so.
func TestLinesOfSeveralStreamsMayMix(t *testing.T) {
	out := `MARK begin os
alpine
MARK end 0
MARK@2 MARK begin resolve 1 getent-ahosts - -
MARK@1.80 MARK begin try 2 4 10.0.0.1 1 bash 3 - -
MARK@2 10.0.0.2 STREAM b.orb.local
MARK@1 MARK begin resolve 1 getent-ahosts - -
MARK@1.ping MARK begin try 2 4 10.0.0.1 1 iputils 2 - -
MARK@1 10.0.0.1 STREAM a.orb.local
MARK@1.80 connect 1 1.0 1.1
MARK@1.ping 64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.5 ms
MARK@1 MARK end 0
MARK@2 MARK end 0
MARK@1.80 bash: connect: Connection refused
MARK@1.ping MARK end 0
MARK@1.80 MARK end 1
MARK@2.80 MARK begin none 1 4 10.0.0.2
MARK@2.80 MARK end 0
MARK@2.ping MARK begin try 1 4 10.0.0.2 1 iputils 2 - -
`
	r, err := ParseNetworkMap(twoTargets, ParseTranscript("MARK", out))
	require.NoError(t, err)
	verdicts := map[string]Verdict{}
	for _, c := range r.Cells {
		verdicts[twoTargets.Targets[c.Target].Name+" "+c.Label+" "+string(c.Method)] = c.Verdict
		assert.Equal(t, c.Verdict == "", c.Detail == cutShort)
	}
	assert.Equal(t, map[string]Verdict{
		"a.orb.local address ping": OK, "a.orb.local name ping": OK, "a.orb.local address tcp": Refused, "a.orb.local name tcp": Refused,
		"b.orb.local name ping": "", "b.orb.local name tcp": NoTool,
	}, verdicts)
	assert.Equal(t, 500*time.Microsecond, r.Cells[0].Latency)
	assert.NotEmpty(t, r.Install)

	_, err = ParseNetworkMap(twoTargets, ParseTranscript("MARK", "MARK done\n"))
	require.ErrorIs(t, err, ErrNoAnswer)
}

// Whatever a machine prints, every way has a cell, and its verdict is one that
// the method can give.
func TestAMapIsCompleteWhateverIsPrinted(t *testing.T) {
	words := rapid.SampledFrom([]string{
		"MARK", "MARK@1", "MARK@2", "MARK@1.ping", "MARK@2.80", "begin", "end", "done", "try", "resolve", "none", "cut", "neighbour",
		"1", "2", "4", "6", "0", "-", "10.0.0.1", "iputils", "bash", "nc:plain", "connect", "Connection refused", "64 bytes from x: icmp_seq=1", "\n", "\n",
	})
	rapid.Check(t, func(t *rapid.T) {
		out := "MARK begin os\nMARK end 0\n"
		for _, w := range rapid.SliceOfN(words, 0, 200).Draw(t, "words") {
			if out += w; w != "\n" {
				out += " "
			}
		}
		r, err := ParseNetworkMap(twoTargets, ParseTranscript("MARK", out))
		require.NoError(t, err)
		require.Len(t, r.Cells, 6)
		for _, c := range r.Cells {
			if c.Verdict == "" {
				require.NotEmpty(t, c.Detail)
				continue
			}
			possible, why := Possible(c.Method, c.Verdict)
			require.True(t, possible, "%s %s: %s", c.Method, c.Verdict, why)
		}
	})
}
