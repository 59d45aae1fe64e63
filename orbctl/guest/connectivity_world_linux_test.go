package guest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hidden are the commands that a machine lacks, so that the rung below has its turn.
const (
	noBash    = "bash "
	noNC      = "nc nc.openbsd nc.traditional ncat "
	noBusybox = "busybox "
	noCurl    = "curl "
	noWget    = "wget "
	noPing    = "ping ping6 "
	noGetent  = "getent "
)

type reachCase struct {
	name   string
	shells string // dash unless it says more
	hide   string
	target string // as a user gives it
	method string
	count  int
	wait   time.Duration // for one attempt; see patience
	want   []string      // a line for each leg: label/family verdict tool/dialect
}

const allShells = "dash bash ash"

var reachCases = []reachCase{
	// ping: every verdict, in each dialect that is here
	{name: "ping iputils ok", shells: allShells, target: "10.9.1.1", count: 2, want: []string{"address/4 ok ping/*"}},
	{name: "ping iputils ok v6", shells: allShells, target: "[fd09:1::1]", want: []string{"address/6 ok ping/*"}},
	{name: "ping iputils dual name", shells: "dash ash", target: "web.test.", want: []string{"name/4 ok ping/*", "name/6 ok ping/*"}},
	{name: "ping iputils half broken name", target: "half.test", want: []string{"name/4 ok ping/iputils", "name/6 no_route ping/iputils"}},
	{name: "ping iputils dropped", shells: "dash ash", target: "10.9.1.2", count: 2, want: []string{"address/4 timeout ping/*"}},
	{name: "ping iputils rejected", target: "10.9.1.3", want: []string{"address/4 unreachable ping/iputils"}},
	{name: "ping iputils nobody there", target: "10.9.2.77", want: []string{"address/4 unreachable ping/iputils"}},
	{name: "ping iputils nobody there v6", target: "fd09:2::77", want: []string{"address/6 unreachable ping/iputils"}},
	{name: "ping iputils no route", shells: "dash ash", target: "10.8.0.1", want: []string{"address/4 no_route ping/*"}},
	{name: "ping iputils unknown zone", target: "fe80::1%nope0", want: []string{"address/6 no_route ping/iputils"}},
	{name: "ping iputils link-local nobody", target: "fe80::1%v0", want: []string{"address/6 unreachable ping/iputils"}},
	{name: "ping no name", shells: "dash ash", target: "nowhere.test", want: []string{"name/0 dns_failed "}},
	{name: "ping name server silent", target: "slow.test", want: []string{"name/0 dns_failed "}},
	{name: "ping busybox ok", hide: noPing, target: "10.9.1.1", count: 2, want: []string{"address/4 ok ping/busybox"}},
	{name: "ping busybox ok v6", hide: noPing, target: "fd09:1::1", want: []string{"address/6 ok ping/busybox"}},
	{name: "ping busybox dropped", hide: noPing, target: "10.9.1.2", want: []string{"address/4 timeout ping/busybox"}},
	{name: "ping busybox turned away", shells: allShells, hide: noPing, target: "10.9.1.5", wait: 3 * time.Second, want: []string{"address/4 unreachable ping/*"}},
	{name: "ping busybox rejected alone", hide: noPing, target: "10.9.1.3", want: []string{"address/4 timeout ping/busybox"}}, // nothing tells it
	{name: "ping busybox nobody there", hide: noPing, target: "10.9.2.78", want: []string{"address/4 unreachable ping/busybox"}},
	{name: "ping busybox no route", hide: noPing, target: "10.8.0.1", want: []string{"address/4 no_route ping/busybox"}},
	{name: "ping busybox no route v6", hide: noPing, target: "fd0a::1", want: []string{"address/6 no_route ping/busybox"}},
	{name: "ping no tool", hide: noPing + noBusybox, target: "10.9.1.1", want: []string{"address/4 no_tool "}},

	// who looks names up when getent is not there
	{name: "names by hosts file", hide: noGetent, target: "hosts-only.test", want: []string{"name/4 ok ping/iputils"}},
	{name: "names by nslookup", hide: noGetent, target: "web.test", want: []string{"name/4 ok ping/iputils", "name/6 ok ping/iputils"}},
	{name: "names by busybox nslookup", hide: noGetent + "nslookup ", target: "web.test", want: []string{"name/4 ok ping/iputils", "name/6 ok ping/iputils"}},
	{name: "names by ping", hide: noGetent + "nslookup " + noBusybox, target: "four.test", want: []string{"name/4 ok ping/iputils"}},
	{name: "names by nobody", hide: noGetent + "nslookup " + noBusybox + noPing, target: "four.test:80", want: []string{"name/0 no_tool "}},

	// tcp
	{name: "tcp bash ok", shells: allShells, target: "10.9.1.1:80", count: 2, want: []string{"address/4 ok bash/"}},
	{name: "tcp bash ok v6", target: "[fd09:1::1]:80", want: []string{"address/6 ok bash/"}},
	{name: "tcp bash dual name", target: "WEB.test:80", want: []string{"name/4 ok bash/", "name/6 ok bash/"}},
	{name: "tcp bash refused", shells: allShells, target: "10.9.1.1:9", want: []string{"address/4 refused bash/"}},
	{name: "tcp bash timeout", shells: allShells, target: "10.9.1.1:81", want: []string{"address/4 timeout bash/"}},
	{name: "tcp bash prohibited", target: "10.9.1.1:82", wait: 3 * time.Second, want: []string{"address/4 unreachable bash/"}},
	{name: "tcp bash nobody there", target: "10.9.2.79:80", want: []string{"address/4 unreachable bash/"}},
	{name: "tcp bash no route", target: "10.8.0.1:80", want: []string{"address/4 no_route bash/"}},
	{name: "tcp nc ok", hide: noBash, target: "10.9.1.1:80", want: []string{"address/4 ok nc/"}},
	{name: "tcp nc ok v6", hide: noBash, target: "[fd09:1::1]:80", want: []string{"address/6 ok nc/"}},
	{name: "tcp nc refused", hide: noBash, target: "10.9.1.1:9", want: []string{"address/4 refused nc/"}},
	{name: "tcp nc timeout", hide: noBash, target: "10.9.1.1:81", want: []string{"address/4 timeout nc/"}},
	{name: "tcp nc prohibited", hide: noBash, target: "10.9.1.1:82", wait: 3 * time.Second, want: []string{"address/4 unreachable nc/"}},
	{name: "tcp nc no route", hide: noBash, target: "10.8.0.1:80", want: []string{"address/4 no_route nc/"}},
	{name: "tcp busybox ok", hide: noBash + noNC, target: "10.9.1.1:80", want: []string{"address/4 ok nc/busybox"}},
	{name: "tcp busybox silent host", hide: noBash + noNC, target: "10.9.1.1:84", want: []string{"address/4 ok nc/busybox"}},
	{name: "tcp busybox refused", hide: noBash + noNC, target: "10.9.1.1:9", want: []string{"address/4 refused nc/busybox"}},
	{name: "tcp busybox refused v6", hide: noBash + noNC, target: "[fd09:1::1]:9", want: []string{"address/6 refused nc/busybox"}},
	{name: "tcp busybox timeout", hide: noBash + noNC, target: "10.9.1.1:81", want: []string{"address/4 timeout nc/busybox"}},
	{name: "tcp busybox no route", hide: noBash + noNC, target: "10.8.0.1:80", want: []string{"address/4 no_route nc/busybox"}},
	{name: "tcp curl ok", hide: noBash + noNC + noBusybox, target: "10.9.1.1:84", wait: 3 * time.Second, want: []string{"address/4 ok curl/"}},
	{name: "tcp curl refused", hide: noBash + noNC + noBusybox, target: "10.9.1.1:9", want: []string{"address/4 refused curl/"}},
	{name: "tcp curl timeout", hide: noBash + noNC + noBusybox, target: "10.9.1.1:81", want: []string{"address/4 timeout curl/"}},
	{name: "tcp curl no route", hide: noBash + noNC + noBusybox, target: "10.8.0.1:80", want: []string{"address/4 no_route curl/"}},
	{name: "tcp no tool", hide: noBash + noNC + noBusybox + noCurl, target: "10.9.1.1:80", want: []string{"address/4 no_tool "}},

	// http
	{name: "http curl ok", shells: allShells, target: "http://web.test/query?a=1&b=2", want: []string{"name/4 ok curl/", "name/6 ok curl/"}},
	{name: "http curl https ok", target: "https://web.test/", want: []string{"name/4 ok curl/", "name/6 ok curl/"}},
	{name: "http curl not trusted", target: "https://web.test:444/", want: []string{"name/4 tls_failed curl/", "name/6 tls_failed curl/"}},
	{name: "http curl wrong name", target: "https://four.test/", want: []string{"name/4 tls_failed curl/"}},
	{name: "http curl no TLS there", target: "https://four.test:80/", want: []string{"name/4 tls_failed curl/"}},
	{name: "http curl TLS reset", target: "https://four.test:83/", want: []string{"name/4 reset curl/"}},
	{name: "http curl literal v6", target: "http://[fd09:1::1]/", want: []string{"address/6 ok curl/"}},
	{name: "http curl 404", target: "http://10.9.1.1/404", want: []string{"address/4 http_error curl/"}},
	{name: "http curl redirect", target: "http://10.9.1.1/redirect", want: []string{"address/4 ok curl/"}},
	{name: "http curl refused", target: "http://10.9.1.1:9/", want: []string{"address/4 refused curl/"}},
	{name: "http curl timeout", target: "http://10.9.1.1:81/", want: []string{"address/4 timeout curl/"}},
	{name: "http curl prohibited", target: "http://10.9.1.1:82/", wait: 3 * time.Second, want: []string{"address/4 unreachable curl/"}},
	{name: "http curl no route", target: "http://10.8.0.1/", want: []string{"address/4 no_route curl/"}},
	{name: "http curl reset", target: "http://10.9.1.1:83/", want: []string{"address/4 reset curl/"}},
	{name: "http curl silent", target: "http://10.9.1.1:84/", want: []string{"address/4 timeout curl/"}},
	{name: "http curl silent instead of TLS", target: "https://10.9.1.1:84/", want: []string{"address/4 timeout curl/"}},
	{name: "http curl ssh there", target: "http://10.9.1.1:85/", want: []string{"address/4 http_error curl/"}},
	{name: "http curl closed", target: "http://10.9.1.1:86/", want: []string{"address/4 reset curl/"}},
	{name: "http no name", target: "http://nowhere.test/", want: []string{"name/0 dns_failed "}},
	{name: "http wget ok", hide: noCurl, target: "http://web.test/query?a=1&b=2", want: []string{"name/4 ok wget/", "name/6 ok wget/"}},
	{name: "http wget https ok", hide: noCurl, target: "https://web.test/", want: []string{"name/4 ok wget/", "name/6 ok wget/"}},
	{name: "http wget not trusted", hide: noCurl, target: "https://web.test:444/", want: []string{"name/4 tls_failed wget/", "name/6 tls_failed wget/"}},
	{name: "http wget no TLS there", hide: noCurl, target: "https://four.test:80/", want: []string{"name/4 tls_failed wget/"}},
	{name: "http wget 404", hide: noCurl, target: "http://10.9.1.1/404", want: []string{"address/4 http_error wget/"}},
	{name: "http wget 500", hide: noCurl, target: "http://10.9.1.1/500", want: []string{"address/4 http_error wget/"}},
	{name: "http wget redirect", hide: noCurl, target: "http://10.9.1.1/redirect", want: []string{"address/4 ok wget/"}},
	{name: "http wget refused", hide: noCurl, target: "http://10.9.1.1:9/", want: []string{"address/4 refused wget/"}},
	{name: "http wget timeout", hide: noCurl, target: "http://10.9.1.1:81/", want: []string{"address/4 timeout wget/"}},
	{name: "http wget prohibited", hide: noCurl, target: "http://10.9.1.1:82/", wait: 3 * time.Second, want: []string{"address/4 unreachable wget/"}},
	{name: "http wget no route", hide: noCurl, target: "http://10.8.0.1/", want: []string{"address/4 no_route wget/"}},
	{name: "http wget reset", hide: noCurl, target: "http://10.9.1.1:83/", want: []string{"address/4 reset wget/"}},
	{name: "http wget silent", hide: noCurl, target: "http://10.9.1.1:84/", want: []string{"address/4 timeout wget/"}},
	{name: "http wget ssh there", hide: noCurl, target: "http://10.9.1.1:85/", want: []string{"address/4 http_error wget/"}},
	{name: "http bash ok", shells: "dash ash", hide: noCurl + noWget, target: "http://web.test/query?a=1&b=2", want: []string{"name/4 ok bash/", "name/6 ok bash/"}},
	{name: "http bash 404", hide: noCurl + noWget, target: "http://10.9.1.1/404", want: []string{"address/4 http_error bash/"}},
	{name: "http bash redirect", hide: noCurl + noWget, target: "http://10.9.1.1/redirect", want: []string{"address/4 ok bash/"}},
	{name: "http bash refused", hide: noCurl + noWget, target: "http://10.9.1.1:9/", want: []string{"address/4 refused bash/"}},
	{name: "http bash silent", hide: noCurl + noWget, target: "http://10.9.1.1:84/", want: []string{"address/4 timeout bash/"}},
	{name: "http bash reset", hide: noCurl + noWget, target: "http://10.9.1.1:83/", want: []string{"address/4 reset bash/"}},
	{name: "http bash ssh there", hide: noCurl + noWget, target: "http://10.9.1.1:85/", want: []string{"address/4 http_error bash/"}},
	{name: "http bash endless headers", hide: noCurl + noWget, target: "http://10.9.1.1:87/", want: []string{"address/4 ok bash/"}},
	{name: "http nc ok", hide: noCurl + noWget + noBash, target: "http://web.test/query?a=1&b=2", want: []string{"name/4 ok nc/", "name/6 ok nc/"}},
	{name: "http nc refused", hide: noCurl + noWget + noBash, target: "http://10.9.1.1:9/", want: []string{"address/4 refused nc/"}},
	{name: "http nc timeout", hide: noCurl + noWget + noBash, target: "http://10.9.1.1:81/", want: []string{"address/4 timeout nc/"}},
	{name: "http nc silent", hide: noCurl + noWget + noBash, target: "http://10.9.1.1:84/", want: []string{"address/4 timeout nc/"}},
	{name: "http nc closed", hide: noCurl + noWget + noBash, target: "http://10.9.1.1:86/", want: []string{"address/4 reset nc/"}},
	{name: "http nc ssh there", hide: noCurl + noWget + noBash, target: "http://10.9.1.1:85/", want: []string{"address/4 http_error nc/"}},
	{name: "http nc endless headers", hide: noCurl + noWget + noBash, target: "http://10.9.1.1:87/", want: []string{"address/4 ok nc/"}},
	{name: "http busybox ok", hide: noCurl + noWget + noBash + noNC, target: "http://web.test/query?a=1&b=2", want: []string{"name/4 ok nc/busybox", "name/6 ok nc/busybox"}},
	{name: "http busybox refused", hide: noCurl + noWget + noBash + noNC, target: "http://10.9.1.1:9/", want: []string{"address/4 refused nc/busybox"}},
	{name: "http busybox silent", hide: noCurl + noWget + noBash + noNC, target: "http://10.9.1.1:84/", want: []string{"address/4 timeout nc/busybox"}},
	{name: "http busybox closed", hide: noCurl + noWget + noBash + noNC, target: "http://10.9.1.1:86/", want: []string{"address/4 reset nc/busybox"}},
	{name: "https busybox has none", hide: noCurl + noWget + noBash, target: "https://10.9.1.1/", want: []string{"address/4 no_tool "}},
	{name: "http no tool", hide: noCurl + noWget + noBash + noNC + noBusybox, target: "http://10.9.1.1/", want: []string{"address/4 no_tool "}},
}

func (c reachCase) query(t *testing.T) ConnectivityQuery {
	t.Helper()
	target, err := ParseTarget(c.target, c.method, 0)
	require.NoError(t, err)
	q := target.Query()
	q.Count, q.Timeout = max(c.count, 1), c.patience()
	return q
}

// patience is a second where it has to run out, and much where something answers:
// it costs no time then, and a busy computer may take it.
func (c reachCase) patience() time.Duration {
	runsOut := func(leg string) bool {
		return strings.Contains(leg, " timeout ") || strings.Contains(leg, " unreachable ")
	}
	switch {
	case c.wait > 0:
		return c.wait
	case slices.ContainsFunc(c.want, runsOut):
		return time.Second
	}
	return 10 * time.Second
}

// legLine is a leg in the form of reachCase.want.
func legLine(l LegReport) string {
	line := fmt.Sprintf("%s/%d %s ", l.Label, l.Family, l.Verdict)
	if l.Tool.Name == "" {
		return line
	}
	return line + l.Tool.Name + "/" + l.Tool.Dialect
}

func TestEveryToolOfTheLadderGivesTheTrueVerdict(t *testing.T) {
	dir, inside := inWorld(t)
	if !inside {
		return
	}
	var kept recordings
	t.Cleanup(func() { kept.write(t, "reach") })
	t.Run("cases", func(t *testing.T) {
		for _, c := range reachCases {
			if c.shells == "" {
				c.shells = "dash"
			}
			for shell := range strings.FieldsSeq(c.shells) {
				t.Run(c.name+" "+shell, func(t *testing.T) {
					t.Parallel()
					q := c.query(t)
					script, args, _, err := Connectivity(q)
					require.NoError(t, err)
					out := ask(t, dir, shell, strings.Fields(c.hide), script, args)
					kept.add(c.name+" "+shell, q, out)
					r, err := ParseConnectivity(q, ParseTranscript(goldenMark, out))
					require.NoError(t, err)
					var got []string
					for i, l := range r.Legs {
						line := legLine(l)
						if i < len(c.want) && strings.HasSuffix(c.want[i], "/*") {
							line = line[:strings.LastIndexByte(line, '/')+1] + "*"
						}
						got = append(got, line)
						for _, a := range l.Attempts {
							if a.Verdict == OK && l.Tool.Name != "" {
								assert.Positive(t, a.Latency, "latency of %+v\n%s", a, out)
							}
						}
					}
					assert.Equal(t, c.want, got, "%s", out)
					assert.Empty(t, r.Missing)
				})
			}
		}
	})
}

func TestAddressAndNameOfOneHostAreTwoLegs(t *testing.T) {
	dir, inside := inWorld(t)
	if !inside {
		return
	}
	q := ConnectivityQuery{
		Legs:   []Leg{{Label: "address", Host: "10.9.1.1"}, {Label: "name", Host: "nowhere.test"}},
		Method: HTTP, URL: "http://web.test/query?a=1&b=2", Count: 1, Timeout: 10 * time.Second,
	}
	script, args, _, err := Connectivity(q)
	require.NoError(t, err)
	for _, hide := range []string{"", noCurl, noCurl + noWget, noCurl + noWget + noBash} {
		r, err := ParseConnectivity(q, ParseTranscript(goldenMark, ask(t, dir, "dash", strings.Fields(hide), script, args)))
		require.NoError(t, err)
		require.Len(t, r.Legs, 2)
		assert.Equal(t, OK, r.Legs[0].Verdict, "the Host header is the URL's: %+v", r.Legs[0])
		assert.Equal(t, 200, r.Legs[0].Status)
		assert.Equal(t, []netip.Addr{mustAddr("10.9.1.1")}, r.Legs[0].Resolved)
		assert.Equal(t, DNSFailed, r.Legs[1].Verdict)
		assert.True(t, r.Reachable)
		assert.True(t, r.Mixed)
	}
	q.URL = "https://web.test/"
	script, args, _, err = Connectivity(q)
	require.NoError(t, err)
	r, err := ParseConnectivity(q, ParseTranscript(goldenMark, ask(t, dir, "dash", nil, script, args)))
	require.NoError(t, err)
	assert.Equal(t, OK, r.Legs[0].Verdict, "the certificate is checked for the URL's name: %+v", r.Legs[0])
}

func TestTheBudgetEndsASeriesAndTheReportSaysSo(t *testing.T) {
	dir, inside := inWorld(t)
	if !inside {
		return
	}
	q := ConnectivityQuery{Legs: []Leg{{Label: "address", Host: "10.9.1.1"}}, Method: TCP, Port: 81, Count: 10, Timeout: 2 * time.Second}
	script, args, _, err := Connectivity(q)
	require.NoError(t, err)
	// The first attempt is made even where the way to it has cost everything.
	for budget, most := range map[string]int{"3": 3, "0": 1, "-100": 1} {
		args[4] = budget
		r, err := ParseConnectivity(q, ParseTranscript(goldenMark, ask(t, dir, "dash", nil, script, args)))
		require.NoError(t, err)
		assert.Equal(t, Timeout, r.Verdict)
		assert.NotEmpty(t, r.Legs[0].Attempts)
		assert.LessOrEqual(t, len(r.Legs[0].Attempts), most, "a budget of %s s", budget)
		require.Len(t, r.Missing, 1)
		assert.Contains(t, r.Missing[0].Why, "time for the whole test was used up")
	}
}

func TestANameThatThereIsNoTimeToLookUpIsToldFromNoTool(t *testing.T) {
	dir, inside := inWorld(t)
	if !inside {
		return
	}
	q := ConnectivityQuery{
		Legs:   []Leg{{Label: ByAddress, Host: "10.9.1.1"}, {Label: ByName, Host: "web.test"}},
		Method: TCP, Port: 81, Count: 10, Timeout: 2 * time.Second,
	}
	script, args, _, err := Connectivity(q)
	require.NoError(t, err)
	args[4] = "3"
	for shell := range strings.FieldsSeq(allShells) {
		r, err := ParseConnectivity(q, ParseTranscript(goldenMark, ask(t, dir, shell, nil, script, args)))
		require.NoError(t, err)
		assert.Equal(t, Timeout, r.Verdict)
		require.Len(t, r.Legs, 1)
		require.Len(t, r.Missing, 2)
		assert.Contains(t, r.Missing[1].Why, "before web.test was looked up", shell)
	}
}
