package guest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConnectivityIsAskedOfTheScriptInPositionalWords(t *testing.T) {
	for _, c := range []struct {
		name  string
		query ConnectivityQuery
		want  []string
	}{
		{
			"ping with defaults",
			ConnectivityQuery{Legs: []Leg{{Label: ByAddress, Host: "10.0.0.2"}}, Method: Ping},
			[]string{"ping", "0", "3", "5", "16", "-", "-", "-", "-", "10.0.0.2"},
		},
		{
			"tcp by address and by name",
			ConnectivityQuery{Legs: []Leg{{Label: ByAddress, Host: "web.orb.local", Lookup: true}, {Label: ByName, Host: "WEB.orb.local."}}, Method: TCP, Port: 80, Count: 1, Timeout: 1200 * time.Millisecond},
			[]string{"tcp", "80", "1", "2", "36", "-", "-", "-", "-", "=web.orb.local", "web.orb.local"},
		},
		{
			"http with more than may be asked for",
			ConnectivityQuery{Legs: []Leg{{Label: ByName, Host: "web.test"}}, Method: HTTP, URL: "https://web.test/a%20b?c=1&d=2", Count: 99, Timeout: time.Hour},
			[]string{"http", "443", "10", "30", "40", "https://web.test/a%20b?c=1&d=2", "https", "web.test", "/a%20b?c=1&d=2", "web.test"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			script, args, limit, err := Connectivity(c.query)
			require.NoError(t, err)
			assert.Equal(t, "connectivity", script.Name())
			assert.Equal(t, c.want, args)
			assert.LessOrEqual(t, limit, MaxConnectivity+5*time.Second)
		})
	}
}

func TestNoUnfitWordComesToTheScript(t *testing.T) {
	for _, q := range []ConnectivityQuery{
		{Legs: []Leg{{Host: "-oProxyCommand=x"}}, Method: Ping},
		{Legs: []Leg{{Host: "a b"}}, Method: Ping},
		{Legs: []Leg{{Host: ""}}, Method: TCP, Port: 1},
		{Legs: []Leg{{Host: "fe80::1%-c"}}, Method: Ping},
		{Legs: []Leg{{Host: "web"}}, Method: HTTP, URL: "file:///etc/passwd"},
		{Legs: []Leg{{Host: "web"}}, Method: HTTP, URL: "-K/etc/passwd"},
		{Legs: []Leg{{Host: "web"}}, Method: HTTP, URL: "http://web/\r\nX: y"},
		{Legs: []Leg{{Host: "web"}}, Method: HTTP},
	} {
		_, _, _, err := Connectivity(q)
		var bad *TargetError
		require.ErrorAs(t, err, &bad, "%+v", q)
		assert.NotEmpty(t, bad.Error())
	}
}

func TestOutputOfNoLegIsNoAnswer(t *testing.T) {
	q := ConnectivityQuery{Legs: []Leg{{Label: ByName, Host: "web"}}, Method: Ping}
	for _, out := range []string{"", "sh: not found", "MARK begin os\nalpine\nMARK end 0\n", "MARK begin try 1\nMARK end 0\n", "MARK begin resolve 1 getent-ahosts 1 2\n10.0.0.1 STR"} {
		_, err := ParseConnectivity(q, ParseTranscript(goldenMark, out))
		assert.ErrorIs(t, err, ErrNoAnswer, out)
	}
}

// On a machine that is too slow for anything, what is not known is a timeout with
// a part missing, and no broken script; beside what was tried it says nothing.
func TestALegThatNobodyCameToIsATimeout(t *testing.T) {
	q := ConnectivityQuery{Legs: []Leg{{Label: ByAddress, Host: "10.0.0.2"}, {Label: ByName, Host: "10.0.0.3"}}, Method: TCP, Port: 80, Count: 1}
	const (
		cut   = "MARK begin cut 1 4 10.0.0.2 1\n\nMARK end 0\n"
		tried = "MARK begin try 2 4 10.0.0.3 1 bash 5 - -\nconnect 0 1.0 1.1\n\nMARK end 0\n"
	)
	r, err := ParseConnectivity(q, ParseTranscript(goldenMark, cut+"MARK done\n"))
	require.NoError(t, err)
	assert.Equal(t, Timeout, r.Verdict)
	assert.False(t, r.Reachable)
	require.Len(t, r.Legs, 1)
	assert.Equal(t, "10.0.0.2", r.Legs[0].Address.String())
	assert.Contains(t, r.Legs[0].Detail, "before the first attempt")
	require.NotEmpty(t, r.Missing)
	assert.Equal(t, "attempts", r.Missing[0].Part)

	r, err = ParseConnectivity(q, ParseTranscript(goldenMark, cut+tried+"MARK done\n"))
	require.NoError(t, err)
	assert.Equal(t, OK, r.Verdict)
	assert.False(t, r.Mixed)
	require.Len(t, r.Legs, 1)
	assert.Equal(t, "10.0.0.3", r.Legs[0].Address.String())
	assert.Equal(t, "attempts", r.Missing[0].Part, "that it was not tried is said")
}

// A host that knows what the script's lines look like cannot write one: it does
// not know the mark.
func TestAHostCannotForgeALine(t *testing.T) {
	q := ConnectivityQuery{Legs: []Leg{{Label: ByAddress, Host: "10.0.0.2"}}, Method: HTTP, URL: "http://10.0.0.2/", Count: 1}
	out := "MARK begin try 1 4 10.0.0.2 1 nc:zero 2 1.0 1.1\n" +
		"nc: connect to 10.0.0.2 port 80 (tcp) failed: Connection refused\n" +
		"other end 0\nother begin try 1 4 10.0.0.2 1 curl 2 1.0 1.1\ntiming 200 0.1 0.1 0.1\nother end 0\nMARK end 1\nMARK done\n"
	r, err := ParseConnectivity(q, ParseTranscript(goldenMark, out))
	require.NoError(t, err)
	assert.Equal(t, Refused, r.Verdict)
	require.Len(t, r.Legs, 1)
	assert.Len(t, r.Legs[0].Attempts, 1)
}

func TestDetailsAreOneBoundedLine(t *testing.T) {
	q := ConnectivityQuery{Legs: []Leg{{Label: ByAddress, Host: "10.0.0.2"}}, Method: HTTP, URL: "http://10.0.0.2/", Count: 1}
	out := "MARK begin try 1 4 10.0.0.2 1 bash 2 1.0 1.1\nconnect 0 1.0 1.1\n\x1b[31mSSH " + strings.Repeat("x", 10_000) + "\nMARK end 0\nMARK done\n"
	r, err := ParseConnectivity(q, ParseTranscript(goldenMark, out))
	require.NoError(t, err)
	assert.Equal(t, HTTPError, r.Verdict)
	detail := r.Legs[0].Detail
	assert.NotContains(t, detail, "\x1b")
	assert.NotContains(t, detail, "\n")
	assert.Less(t, len(detail), 400)
}

func TestTheLegThatGotFarthestSpeaksForTheWhole(t *testing.T) {
	r := ConnectivityReport{Method: TCP, Legs: []LegReport{
		{Attempts: []Attempt{{Verdict: Timeout}, {Verdict: Refused, Detail: "no"}}},
		{Verdict: DNSFailed},
	}}
	r.Conclude()
	assert.Equal(t, Refused, r.Legs[0].Verdict)
	assert.Equal(t, "no", r.Legs[0].Detail)
	assert.Equal(t, Refused, r.Verdict)
	assert.False(t, r.Reachable)
	assert.False(t, r.Mixed)

	r.Legs[1] = LegReport{Attempts: []Attempt{{Verdict: OK, Latency: 4 * time.Millisecond}, {Verdict: Timeout}, {Verdict: OK, Latency: 2 * time.Millisecond}, {Verdict: OK}}}
	r.Verdict = ""
	r.Conclude()
	leg := r.Legs[1]
	assert.Equal(t, OK, r.Verdict)
	assert.True(t, r.Reachable && r.Mixed)
	assert.Equal(t, []time.Duration{2 * time.Millisecond, 3 * time.Millisecond, 4 * time.Millisecond}, []time.Duration{leg.Min, leg.Avg, leg.Max})
	assert.InDelta(t, 25, leg.Loss, 0.01)
}

func TestEveryDistroOfOrbStackGetsACommand(t *testing.T) {
	for id := range installs {
		for _, m := range Methods() {
			assert.NotEmpty(t, installCommand(id, toolPackages[m]), "%s %s", id, m)
		}
	}
	assert.Empty(t, installCommand("haiku", toolPackages[Ping]))
	assert.Equal(t, "apt-get install iputils-ping", installCommand(distroID("\"debian\"\n"), toolPackages[Ping]))
}

// No tool and no time are two things: the time of the whole is what ended a leg
// whose name nobody has looked up.
func TestANameThatNobodyHadTimeToLookUpIsMissing(t *testing.T) {
	q := ConnectivityQuery{Legs: []Leg{{Label: ByName, Host: "web.test"}, {Label: ByAddress, Host: "web.test", Lookup: true}}, Method: TCP, Port: 80, Count: 2}
	const (
		tried = "MARK begin resolve 1 getent-ahosts - -\n10.0.0.2 STREAM web.test\nMARK end 0\nMARK begin try 1 4 10.0.0.2 1 bash 5 - -\nMARK end 143\n" +
			"MARK begin cut 1 4 10.0.0.2 2\n\nMARK end 0\n"
		late = "MARK begin cut 2 name\n\nMARK end 0\nMARK done\n"
	)
	for name, lookup := range map[string]string{
		"nobody was asked":                  "",
		"only the file was looked at":       "MARK begin resolve 2 hosts-file - -\n\nMARK end 0\n",
		"who was asked had no time to tell": "MARK begin resolve 2 getent-ahosts - -\n\nMARK end 143\n",
	} {
		t.Run(name, func(t *testing.T) {
			r, err := ParseConnectivity(q, ParseTranscript(goldenMark, tried+lookup+late))
			require.NoError(t, err)
			assert.Equal(t, Timeout, r.Verdict)
			require.Len(t, r.Legs, 1, "the leg that nobody came to is in Missing alone")
			assert.Empty(t, r.Install)
			require.Len(t, r.Missing, 2)
			assert.Contains(t, r.Missing[0].Why, "before attempt 2")
			assert.Equal(t, Missing{Part: "attempts", Why: "the time for the whole test was used up before web.test was looked up"}, r.Missing[1])

			alone := ConnectivityQuery{Legs: q.Legs[:1], Method: TCP, Port: 80}
			r, err = ParseConnectivity(alone, ParseTranscript(goldenMark, strings.ReplaceAll(lookup+late, " 2 ", " 1 ")))
			require.NoError(t, err)
			assert.Equal(t, Timeout, r.Verdict)
			assert.False(t, r.Tried())
			assert.NotEmpty(t, r.Missing)
		})
	}
	r, err := ParseConnectivity(q, ParseTranscript(goldenMark, tried+"MARK begin resolve 2 getent-ahosts - -\n\nMARK end 2\n"+late))
	require.NoError(t, err)
	require.Len(t, r.Legs, 2)
	assert.Equal(t, DNSFailed, r.Legs[1].Verdict, "an answer is one, however late")
}

// How many packets a ping has sent is known as far as it has told.
func TestAPingThatWasEndedInventsNoPackets(t *testing.T) {
	q := ConnectivityQuery{Legs: []Leg{{Label: ByAddress, Host: "10.0.0.2"}}, Method: Ping, Count: 5}
	for said, want := range map[string][]Verdict{
		"PING 10.0.0.2 (10.0.0.2): 56 data bytes\n":                                                            {Timeout},
		"64 bytes from 10.0.0.2: seq=0 ttl=64 time=0.1 ms\n64 bytes from 10.0.0.2: seq=2 ttl=64 time=0.1 ms\n": {OK, Timeout, OK},
	} {
		r, err := ParseConnectivity(q, ParseTranscript(goldenMark, "MARK begin try 1 4 10.0.0.2 1 busybox 5 - -\n"+said+"\nMARK end 143\nMARK done\n"))
		require.NoError(t, err)
		var got []Verdict
		for _, a := range r.Legs[0].Attempts {
			got = append(got, a.Verdict)
		}
		assert.Equal(t, want, got, said)
		require.Len(t, r.Missing, 1)
		assert.Contains(t, r.Missing[0].Why, fmt.Sprintf("attempt %d of 5", len(want)+1))
	}
}

// Busybox' ping hears no refusal; a connection beside it does.
func TestWhatAConnectionIsToldSpeaksForAPingThatHearsNothing(t *testing.T) {
	q := ConnectivityQuery{Legs: []Leg{{Label: ByAddress, Host: "10.0.0.2"}}, Method: Ping, Count: 1}
	const ping = "MARK begin try 1 4 10.0.0.2 1 busybox 5 - -\n1 packets transmitted, 0 packets received, 100% packet loss\n\nMARK end 1\n"
	for words, want := range map[string]Verdict{
		"nc: can't connect to remote host (10.0.0.2): No route to host":    Unreachable,
		"nc: can't connect to remote host (10.0.0.2): Host is unreachable": Unreachable,
		"nc: can't connect to remote host (10.0.0.2): Connection refused":  Timeout, // it is there; pings are dropped
		"nc: timed out": Timeout,
		"":              Timeout,
	} {
		r, err := ParseConnectivity(q, ParseTranscript(goldenMark, ping+"MARK begin aside 1 4\n"+words+"\nMARK end 1\nMARK done\n"))
		require.NoError(t, err)
		assert.Equal(t, want, r.Verdict, words)
	}
}

// TCP that was opened and then silent is a service that hangs, not a lost packet.
func TestAServiceThatTakesConnectionsAndSaysNothingIsToldFromALostPacket(t *testing.T) {
	for _, c := range []struct {
		tool, said string
		exit       int
		connected  bool
	}{
		{"curl", "* Connected to web (10.0.0.2) port 443 (#0)\n* ALPN: offers h2,http/1.1\n* SSL connection timeout\ntiming 000 0.000000 0.000000 0.000000", 28, true},
		{"curl", "* Established connection to web (10.0.0.2 port 443) from 10.0.0.3 port 1\n* Connection timed out\ntiming 000 0.0 0.0 0.0", 28, true},
		{"curl", "*   Trying 10.0.0.2:443...\n* Connection timed out after 2001 milliseconds\ntiming 000 0.0 0.0 0.0", 28, false},
		{"wget", "Connecting to 10.0.0.2:80... connected.\nHTTP request sent, awaiting response... Read error (Connection timed out) in headers.", 4, true},
		{"wget", "Connecting to 10.0.0.2:80... failed: Connection timed out.", 4, false},
		{"bash", "connect 0 1.0 1.1", 143, true},
		{"bash", "", 143, false},
		{"nc:zero", "Connection to 10.0.0.2 80 port [tcp/*] succeeded!", 143, true},
		{"nc:zero", "(UNKNOWN) [10.0.0.2] 80 (?) open", 143, true},
		{"nc:ncat", "Ncat: Connected to 10.0.0.2:80.", 143, true},
		{"nc:zero", "nc: connect to 10.0.0.2 port 80 (tcp) timed out: Operation now in progress", 1, false},
		{"busybox:exec", "", 143, true},
		{"busybox:exec", "nc: timed out", 1, false},
	} {
		q := ConnectivityQuery{Legs: []Leg{{Label: ByAddress, Host: "10.0.0.2"}}, Method: HTTP, URL: "https://web/", Count: 1}
		r, err := ParseConnectivity(q, ParseTranscript(goldenMark, fmt.Sprintf("MARK begin try 1 4 10.0.0.2 1 %s 2 1.0 3.1\n%s\nMARK end %d\nMARK done\n", c.tool, c.said, c.exit)))
		require.NoError(t, err)
		a := r.Legs[0].Attempts[0]
		assert.Equal(t, Timeout, a.Verdict, "%s %q", c.tool, c.said)
		assert.Equal(t, c.connected, a.Connected, "%s %q", c.tool, c.said)
		assert.Equal(t, c.connected, strings.HasPrefix(a.Detail, "connected, but no answer"), a.Detail)
	}
}
