package guest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A machine with busybox and nothing else: no bash, no getent, no dig.
func TestATinyMachineCanBeAskedTheSame(t *testing.T) {
	world := busyboxWorld{files: map[string]string{"etc/hosts": "127.0.0.1 here.test\n"}, setup: "ip link set lo up"}
	for _, c := range []struct {
		target string
		want   Verdict
		tool   Tool
	}{
		{"127.0.0.1", OK, Tool{Name: "ping"}},
		{"here.test", OK, Tool{Name: "ping"}},
		{"10.0.0.1", NoRoute, Tool{Name: "ping"}},
		{"127.0.0.1:9", Refused, Tool{Name: "nc", Dialect: "busybox", Process: true}},
		{"10.0.0.1:80", NoRoute, Tool{Name: "nc", Dialect: "busybox", Process: true}},
		{"http://127.0.0.1:9/", Refused, Tool{Name: "nc", Dialect: "busybox", Process: true}},
		{"https://127.0.0.1:9/", NoTool, Tool{}},
	} {
		t.Run(c.target, func(t *testing.T) {
			target, err := ParseTarget(c.target, "", 0)
			require.NoError(t, err)
			q := target.Query()
			q.Count, q.Timeout = 1, 10*time.Second
			script, args, _, err := Connectivity(q)
			require.NoError(t, err)
			out := world.run(t, script, args...)
			r, err := ParseConnectivity(q, ParseTranscript(goldenMark, out))
			require.NoError(t, err, out)
			require.Len(t, r.Legs, 1)
			assert.Equal(t, c.want, r.Verdict, out)
			assert.Equal(t, c.tool, r.Legs[0].Tool, out)
			if c.want == NoTool {
				assert.Equal(t, "apk add curl", r.Install)
			}
		})
	}
	t.Run("dns", func(t *testing.T) {
		q := DNSQuery{Name: "web.test", Timeout: time.Second}
		script, args, _, err := DNS(q)
		require.NoError(t, err)
		r, err := ParseDNS(q, ParseTranscript(goldenMark, world.run(t, script, args...)))
		require.NoError(t, err)
		assert.Equal(t, Tool{Name: "nslookup", Dialect: "busybox"}, r.Tool)
		assert.Contains(t, []DNSStatus{DNSTimeout, ServerUnreachable}, r.Status, r.Detail)
	})
}
