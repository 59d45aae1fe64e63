package guest

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConnectivityOfEveryRecordingIsAsKept(t *testing.T) {
	eachRecording(t, "reach", func(t *testing.T, query []byte, transcript Transcript) any {
		var q ConnectivityQuery
		require.NoError(t, json.Unmarshal(query, &q))
		r, err := ParseConnectivity(q, transcript)
		require.NoError(t, err)
		for _, leg := range r.Legs {
			possible, why := Possible(q.Method, leg.Verdict)
			require.True(t, possible, "%s %s: %s", q.Method, leg.Verdict, why)
		}
		return r
	})
}

func TestDNSOfEveryRecordingIsAsKept(t *testing.T) {
	eachRecording(t, "dns", func(t *testing.T, query []byte, transcript Transcript) any {
		var q DNSQuery
		require.NoError(t, json.Unmarshal(query, &q))
		r, err := ParseDNS(q, transcript)
		if missing := (*ToolMissingError)(nil); errors.As(err, &missing) {
			return missing
		}
		require.NoError(t, err)
		return r
	})
}
