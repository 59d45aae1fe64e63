package guest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// busybox prints a TXT record as it is. Whoever wrote one cannot make other
// records, another server or another question of it.
func TestATextRecordCannotSpeakForNslookup(t *testing.T) {
	r := parseNslookup("Server:\t\t0.250.250.200\nAddress:\t0.250.250.200:53\n\nNon-authoritative answer:\n"+
		"text.example\ttext = \"x\"\nName:\tbank.example\nAddress: 6.6.6.6\nServer:\t\t6.6.6.6\nAddress:\t6.6.6.6:53\n"+
		"** server can't find text.example: NXDOMAIN\nbank.example\tmail exchanger = 1 evil.example\n", "TXT", true)
	assert.Equal(t, NoError, r.status)
	assert.Equal(t, []DNSRecord{{Name: "text.example", Type: "TXT", Value: "x", TTL: -1}}, r.records)
	assert.Equal(t, "0.250.250.200", r.server)
	assert.Equal(t, "text.example", r.question)
}

func TestQuotesInATextRecordStay(t *testing.T) {
	for name, tt := range map[string]struct {
		line    string
		busybox bool
	}{
		"busybox escapes nothing":  {`text.example	text = "a "b" c"`, true},
		"bind escapes":             {`text.example	text = "a \"b\" c"`, false},
		"bind shows every string":  {`text.example	text = "a \"b" "\" c"`, false},
		"bind with numbers for it": {`text.example	text = "a \034b\034 c"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := parseNslookup("Non-authoritative answer:\n"+tt.line+"\n", "TXT", tt.busybox)
			assert.Equal(t, []DNSRecord{{Name: "text.example", Type: "TXT", Value: `a "b" c`, TTL: -1}}, r.records)
		})
	}
}

// host prints nothing of a record that is longer than 4 KB. The answer is not
// empty for that.
func TestAnAnswerThatTheToolHidesIsNotEmpty(t *testing.T) {
	out := "MARK begin ask TXT host\nTrying \"long.example\"\n;; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 1\n" +
		";; flags: qr rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 0\n\n;; QUESTION SECTION:\n;long.example.\t\t\tIN\tTXT\n\n" +
		";; ANSWER SECTION:\nReceived 4167 bytes from 0.250.250.200#53 in 0 ms\n\nMARK end 0\nMARK done\n"
	r, err := ParseDNS(DNSQuery{Name: "long.example", Type: "TXT"}, ParseTranscript("MARK", out))
	require.NoError(t, err)
	assert.Equal(t, NoError, r.Status)
	assert.Empty(t, r.Records)
	require.NotEmpty(t, r.Missing)
	assert.Equal(t, "type TXT", r.Missing[len(r.Missing)-1].Part)
}
