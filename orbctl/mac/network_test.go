package mac

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/icmp"

	"orbstack-mcp/orbctl/guest"
)

var (
	four  = netip.MustParseAddr("192.168.139.20")
	six   = netip.MustParseAddr("fd07:b51a:cc66::20")
	both  = Allow{Addresses: []netip.Addr{four, six}}
	twice = []guest.Leg{{Label: guest.ByAddress, Host: four.String()}, {Label: guest.ByAddress, Host: six.String()}}
)

// fails is a network on which every connection ends in err, and nobody may ping.
func fails(err error) network {
	return network{
		most: guest.MaxConnectivity,
		dial: func(_ context.Context, network, address string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Net: network, Err: &os.SyscallError{Syscall: "connect", Err: err}}
		},
		listen: func(bool) (*icmp.PacketConn, bool, error) { return nil, false, err },
	}
}

// What the Mac of a test cannot be brought to: to have no route, or not to let
// this process ping.
func TestWhatTheMacRefusesItselfHasItsVerdict(t *testing.T) {
	for _, c := range []struct {
		method guest.Method
		err    error
		want   guest.Verdict
	}{
		{guest.TCP, syscall.ENETUNREACH, guest.NoRoute},
		{guest.HTTP, syscall.ENETUNREACH, guest.NoRoute},
		{guest.TCP, syscall.EHOSTUNREACH, guest.Unreachable},
		{guest.TCP, syscall.EHOSTDOWN, guest.Unreachable},
		{guest.TCP, syscall.EPERM, guest.Unreachable},
		{guest.TCP, syscall.ETIMEDOUT, guest.Timeout},
		{guest.Ping, syscall.EPERM, guest.NoTool},
		{guest.Ping, syscall.EACCES, guest.NoTool},
	} {
		r, err := fails(c.err).connect(t.Context(), guest.ConnectivityQuery{Method: c.method, Port: 80, URL: "http://web/", Count: 1, Legs: twice}, both)
		require.NoError(t, err)
		assert.Equal(t, c.want, r.Verdict, "%s %v", c.method, c.err)
		require.Len(t, r.Legs, 2)
		for _, l := range r.Legs {
			assert.Equal(t, c.want, l.Verdict)
			possible, why := Possible(c.method, l.Verdict)
			assert.True(t, possible, why)
		}
		assert.Empty(t, r.Missing)
	}
}

// An address of the Mac's own that a ping has no route to: the kernel says so when
// the packet is sent.
func TestAPingWithoutARouteIsNoRoute(t *testing.T) {
	assert.Equal(t, guest.NoRoute, verdict(guest.Ping, &net.OpError{Op: "write", Err: &os.SyscallError{Syscall: "sendto", Err: syscall.ENETUNREACH}}))
}

// A dialler that sees its deadline returns some moments before the context ends. What
// there was no time for is missing, and no attempt is invented.
func TestWhatThereWasNoTimeForIsMissing(t *testing.T) {
	silent := network{most: guest.MaxConnectivity, dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		until, _ := ctx.Deadline()
		time.Sleep(time.Until(until))
		return nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	}}
	for name, c := range map[string]struct {
		count   int
		timeout time.Duration
		tries   []int // of each leg in the report
		missing []string
	}{
		"all is tried":           {count: 2, timeout: 10 * time.Second, tries: []int{2, 2}},
		"a leg cut short":        {count: 3, timeout: 10 * time.Second, tries: []int{3, 1}, missing: []string{"before attempt 2 of 3 to reach fd07:b51a:cc66::20 over IPv6"}},
		"a leg that had no turn": {count: 2, timeout: 20 * time.Second, tries: []int{2}, missing: []string{"before attempt 1 of 2 to reach fd07:b51a:cc66::20 over IPv6"}},
		"the first leg cut":      {count: 10, timeout: 30 * time.Second, tries: []int{2}, missing: []string{"before attempt 3 of 10 to reach 192.168.139.20 over IPv4", "before attempt 1 of 10 to reach fd07:b51a:cc66::20 over IPv6"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				r, err := silent.connect(t.Context(), guest.ConnectivityQuery{Method: guest.TCP, Port: 80, Count: c.count, Timeout: c.timeout, Legs: twice}, both)
				require.NoError(t, err)
				assert.Equal(t, guest.MaxConnectivity, time.Since(began))
				assert.Equal(t, guest.Timeout, r.Verdict)
				var tries []int
				for _, l := range r.Legs {
					tries = append(tries, len(l.Attempts))
					assert.Equal(t, guest.Timeout, l.Verdict)
				}
				assert.Equal(t, c.tries, tries)
				require.Len(t, r.Missing, len(c.missing))
				for i, m := range r.Missing {
					assert.Equal(t, guest.Missing{Part: "attempts", Why: "the time for the whole test was used up " + c.missing[i]}, m)
				}
			})
		})
	}
}

// A service that takes the connection and then hangs is told from a lost packet.
func TestASilentServiceIsSeenToBeConnected(t *testing.T) {
	for _, scheme := range []string{"http", "https"} {
		synctest.Test(t, func(t *testing.T) {
			var theirs net.Conn
			hangs := network{most: guest.MaxConnectivity, dial: func(context.Context, string, string) (net.Conn, error) {
				var ours net.Conn
				ours, theirs = net.Pipe()
				go func() { // takes what it gets
					for buf := make([]byte, 4096); ; {
						if _, err := theirs.Read(buf); err != nil {
							return
						}
					}
				}()
				return ours, nil
			}}
			r, err := hangs.connect(t.Context(), guest.ConnectivityQuery{Method: guest.HTTP, URL: scheme + "://web/", Count: 1, Timeout: 2 * time.Second, Legs: twice[:1]}, both)
			require.NoError(t, err)
			assert.Equal(t, guest.Timeout, r.Verdict)
			a := r.Legs[0].Attempts[0]
			assert.True(t, a.Connected)
			assert.Contains(t, a.Detail, "connected, but no answer")
			require.NoError(t, theirs.Close())
		})
	}
	lost := fails(syscall.ETIMEDOUT)
	r, err := lost.connect(t.Context(), guest.ConnectivityQuery{Method: guest.HTTP, URL: "http://web/", Count: 1, Legs: twice[:1]}, both)
	require.NoError(t, err)
	assert.False(t, r.Legs[0].Attempts[0].Connected)
}

func TestTheMacLacksNoToolButPing(t *testing.T) {
	for _, m := range guest.Methods() {
		for _, v := range guest.Verdicts() {
			of, _ := guest.Possible(m, v)
			here, why := Possible(m, v)
			assert.Equal(t, here, why == "", "%s %s", m, v)
			assert.Equal(t, of && (v != guest.NoTool || m == guest.Ping), here, "%s %s", m, v)
		}
	}
}

func TestACallThatIsCancelledLeavesTheRestMissing(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	n := fails(syscall.ECONNREFUSED)
	refuse := n.dial
	n.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		cancel(errors.New("enough"))
		return refuse(ctx, network, address)
	}
	r, err := n.connect(ctx, guest.ConnectivityQuery{Method: guest.TCP, Port: 80, Count: 3, Legs: twice}, both)
	require.NoError(t, err)
	require.Len(t, r.Legs, 1)
	assert.Len(t, r.Legs[0].Attempts, 1)
	assert.Equal(t, guest.Refused, r.Verdict)
	assert.Len(t, r.Missing, 2)
}
