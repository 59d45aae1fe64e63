package guest

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

type httpAnswer struct {
	status   int
	location string
}

var (
	statusLine  = regexp.MustCompile(`(?m)^(?:< | *)HTTP/[\d.]+ (\d{3})\b`)
	wget2Status = regexp.MustCompile(`(?m)^HTTP (?:ERROR )?response (\d{3})\b`)
	// curl 7, curl 8, and both where the handshake has begun.
	curlConnected = regexp.MustCompile(`(?m)^(?:Connected to |Established connection to |ALPN: |TLSv1\.\d \(OUT\)|SSL connection timeout)`)
	// bash (connectivity.sh), netcat of OpenBSD and of Hobbit, ncat, wget
	rawConnected  = regexp.MustCompile(`(?m)^connect 0 |^Connection to .* succeeded!|^\(UNKNOWN\) .* open$|^Ncat: Connected to `)
	wgetConnected = regexp.MustCompile(`(?m)^Connecting to .* connected\.$`)
	locationLine  = regexp.MustCompile(`(?mi)^(?:< | *)Location: *(\S+)\s*$`)
)

// judgeHTTP reads one HEAD request.
func judgeHTTP(run toolRun) (Attempt, Tool, httpAnswer) {
	tool := netTool(run)
	answer := readAnswer(run.text)
	var a Attempt
	switch run.tool {
	case "curl":
		a = judgeCurl(run, &answer)
	case "wget":
		a = judgeWget(run, answer)
	default:
		a = judgeRaw(run, answer)
	}
	return a, tool, answer
}

func readAnswer(text string) httpAnswer {
	var answer httpAnswer
	m := lastMatch(statusLine, text)
	if m == nil {
		m = lastMatch(wget2Status, text)
	}
	if m != nil {
		answer.status, _ = strconv.Atoi(m[1])
	}
	if m := lastMatch(locationLine, text); m != nil && answer.status/100 == 3 {
		answer.location = short(m[1], maxTarget)
	}
	return answer
}

// byStatus is the attempt that an HTTP answer makes.
func byStatus(status int, latency time.Duration) Attempt {
	a := Attempt{Verdict: OK, Latency: latency, Detail: "HTTP " + strconv.Itoa(status)}
	if status >= 400 {
		a.Verdict = HTTPError
	}
	return a
}

// silent is the attempt that a host makes which takes a connection and then says
// nothing.
func silent(run toolRun) Attempt {
	return Attempt{Verdict: Timeout, Connected: true, Detail: "connected, but no answer in " + run.patience.String()}
}

// judgeCurl goes by curl's exit status (curl(1), EXIT CODES), and for what it
// does not tell apart by what -v says.
func judgeCurl(run toolRun, answer *httpAnswer) Attempt {
	var connected, answered time.Duration
	if m := lastMatch(curlTiming, run.text); m != nil {
		connected, answered = parseSeconds(m[2]), parseSeconds(m[4])
		if code, err := strconv.Atoi(m[1]); err == nil && code > 0 {
			answer.status = code
		}
	} else if answer.status != 0 {
		answered = run.took
	}
	run.text = curlRemarks(run.text)
	_, line, known := cause(run.text)
	lastRemark := Attempt{Detail: evidence(lastLineOf(run.text))}
	switch run.exit {
	case 0, 22:
		if answer.status != 0 {
			return byStatus(answer.status, answered)
		}
		return Attempt{Verdict: HTTPError, Detail: "the answer is not HTTP"}
	case 6:
		return Attempt{Verdict: DNSFailed, Detail: line}
	case 28:
		// Its time to connect holds the TLS handshake; what -v says of TCP comes before.
		if connected > 0 || curlConnected.MatchString(run.text) {
			return silent(run)
		}
		return Attempt{Verdict: Timeout, Detail: "no connection in " + run.patience.String()}
	case 1, 8, 16, 92: // HTTP/0.9, a weird reply, HTTP/2 framing
		if connected > 0 {
			return Attempt{Verdict: HTTPError, Detail: "the answer is not HTTP: " + lastRemark.Detail}
		}
	case 35, 51, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91:
		if known && strings.Contains(strings.ToLower(line), "connection reset") {
			return Attempt{Verdict: Reset, Detail: line}
		}
		return Attempt{Verdict: TLSFailed, Detail: tlsRemark(run.text)}
	case 52, 55, 56:
		if strings.Contains(run.text, "SSL") && strings.Contains(run.text, "alert") && !known {
			return Attempt{Verdict: TLSFailed, Detail: tlsRemark(run.text)}
		}
		return Attempt{Verdict: Reset, Detail: lastRemark.Detail}
	}
	return run.failure()
}

// curlRemarks keeps curl's own lines of -v: no headers, no data notes, not our
// timing, and not "Closing connection".
func curlRemarks(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, "* "); ok {
			if rest = strings.TrimSpace(rest); !strings.HasPrefix(strings.ToLower(rest), "closing connection") && !strings.HasPrefix(rest, "shutting down") {
				out = append(out, rest)
			}
		} else if strings.HasPrefix(line, "curl: ") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return strings.Join(out, "\n")
}

// tlsRemark is the line of curl that says best why there is no TLS.
func tlsRemark(remarks string) string {
	lines := strings.Split(remarks, "\n")
	for _, line := range slices.Backward(lines) {
		if lower := strings.ToLower(line); strings.Contains(lower, "certificate problem") || strings.Contains(lower, "error:") ||
			strings.Contains(lower, "subject name") || strings.Contains(lower, "verif") {
			return evidence(line)
		}
	}
	return evidence(lines[len(lines)-1])
}

// judgeWget goes by the answer where there is one, else by GNU wget's exit
// status (wget(1)) and words.
func judgeWget(run toolRun, answer httpAnswer) Attempt {
	if answer.status != 0 {
		return byStatus(answer.status, run.took)
	}
	lower := strings.ToLower(run.text)
	switch {
	case run.exit == 0:
		return Attempt{Verdict: HTTPError, Detail: "the answer is not HTTP"}
	case run.exit == 5, strings.Contains(lower, "ssl connection"):
		return Attempt{Verdict: TLSFailed, Detail: wgetTLS(run.text)}
	}
	a := run.failure()
	if a.Verdict == Timeout && wgetConnected.MatchString(run.text) {
		return silent(run)
	}
	return a
}

// wgetTLS is wget's line about the certificate or the handshake.
func wgetTLS(text string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "ERROR:") || strings.Contains(line, "TLS") || strings.Contains(line, "SSL") {
			return evidence(line)
		}
	}
	return said(text, "no TLS")
}

// judgeRaw reads a HEAD request that went through bash or a netcat, whose own
// words stand between the answer's lines.
func judgeRaw(run toolRun, answer httpAnswer) Attempt {
	if answer.status != 0 {
		return byStatus(answer.status, run.took)
	}
	own, theirs := sortRaw(run.text)
	v, line, known := cause(own)
	switch {
	case known && (v != Reset || theirs == ""): // who has spoken and then breaks off has been reached
		return Attempt{Verdict: v, Detail: line}
	case theirs != "":
		return Attempt{Verdict: HTTPError, Detail: "the answer is not HTTP: " + said(theirs, "")}
	case (killed(run.exit) || run.took >= run.patience) && rawConnected.MatchString(run.text):
		return silent(run)
	case killed(run.exit) && own == "" && (run.dialect == "exec" || run.dialect == "plain"):
		return silent(run) // busybox says when it cannot connect in its time
	case killed(run.exit), run.took >= run.patience:
		return Attempt{Verdict: Timeout, Detail: "no answer in " + run.patience.String()}
	case run.exit == 0:
		return Attempt{Verdict: Reset, Detail: "the connection was closed without an answer"}
	}
	run.text = own
	return run.failure()
}

// sortRaw parts the tool's own lines from the host's.
func sortRaw(text string) (own, theirs string) {
	var a, b []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "", bashConnect.MatchString(line), strings.HasPrefix(line, "Connection to "):
		case strings.HasPrefix(line, "nc: "), strings.HasPrefix(line, "Ncat: "), strings.HasPrefix(line, "bash: "), strings.HasPrefix(line, "(UNKNOWN) "):
			a = append(a, line)
		default:
			b = append(b, line)
		}
	}
	return strings.Join(a, "\n"), strings.Join(b, "\n")
}
