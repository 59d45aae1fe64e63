package guest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asked is one dig of a transcript: what it says to a question for that type.
func asked(kind, text string, exit string) string {
	return "MARK begin ask " + kind + " dig\n" + text + "\nMARK end " + exit + "\n"
}

func dig(status, answer string) string {
	return ";; ->>HEADER<<- opcode: QUERY, status: " + status + ", id: 1\n;; QUESTION SECTION:\n;web.test. IN A\n;; ANSWER SECTION:\n" + answer
}

const (
	alias   = "web.test. 60 IN CNAME gone.test.\n"
	late    = ";; communications error to 10.9.9.9#53: timed out\n;; no servers could be reached\n"
	address = "web.test. 60 IN A 10.9.1.1\n"
)

// What several questions got is said in one word: the best of it; and what got
// no answer is missing.
func TestTheStatusOfAnyIsTheBestOfItsAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		answers []string // of A, AAAA, …
		status  DNSStatus
		records int
		missing []string
	}{
		"an address, the rest late":      {[]string{asked("A", dig("NOERROR", address), "0"), asked("AAAA", late, "9")}, NoError, 1, []string{"type AAAA"}},
		"late, then an address":          {[]string{asked("A", late, "9"), asked("AAAA", dig("NOERROR", address), "0")}, NoError, 1, []string{"type A"}},
		"no data, then late":             {[]string{asked("A", dig("NOERROR", ""), "0"), asked("AAAA", late, "9")}, NoError, 0, []string{"type AAAA"}},
		"late, then no such name":        {[]string{asked("A", late, "9"), asked("AAAA", dig("NXDOMAIN", ""), "0")}, NXDomain, 0, []string{"type A"}},
		"late, then an alias to nowhere": {[]string{asked("A", late, "9"), asked("AAAA", dig("NXDOMAIN", alias), "0")}, NXDomain, 1, []string{"type A"}},
		"all late":                       {[]string{asked("A", late, "9"), asked("AAAA", late, "9")}, DNSTimeout, 0, []string{"type AAAA"}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := ParseDNS(DNSQuery{Name: "web.test", Type: "ANY"}, ParseTranscript("MARK", strings.Join(tt.answers, "")+"MARK done\n"))
			require.NoError(t, err)
			if tt.records == 0 && tt.status == NoError {
				tt.status = NoData
			}
			assert.Equal(t, tt.status, r.Status)
			assert.Len(t, r.Records, tt.records)
			var parts []string
			for _, m := range r.Missing {
				if m.Part != "resolv_conf" { // these transcripts hold no resolv.conf
					parts = append(parts, m.Part)
				}
			}
			assert.Equal(t, tt.missing, parts)
		})
	}
}

// Lines like records, without the head of a response, are no answer.
func TestRecordsWithoutAResponseAreNone(t *testing.T) {
	r, err := ParseDNS(DNSQuery{Name: "web.test"}, ParseTranscript("MARK", asked("A", ";; ANSWER SECTION:\n"+address, "0")+"MARK done\n"))
	require.NoError(t, err)
	assert.Equal(t, DNSFailure, r.Status)
	assert.Empty(t, r.Records)
	assert.NotEmpty(t, r.Detail)
}

// On a machine that is too slow for a single question, the answer is a timeout
// with a part missing, and no broken script.
func TestAQuestionThatNobodyCameToIsATimeout(t *testing.T) {
	r, err := ParseDNS(DNSQuery{Name: "web.test"}, ParseTranscript("MARK", "MARK begin cut A\n\nMARK end 0\nMARK done\n"))
	require.NoError(t, err)
	assert.Equal(t, DNSTimeout, r.Status)
	assert.NotEmpty(t, r.Detail)
	var parts []string
	for _, m := range r.Missing {
		parts = append(parts, m.Part)
	}
	assert.Contains(t, parts, "type A")
}
