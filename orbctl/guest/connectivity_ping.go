package guest

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	// 64 bytes from 10.0.0.1: icmp_seq=1 ttl=64 time=0.05 ms (iputils, inetutils; busybox has seq=0)
	pingReply = regexp.MustCompile(`^\d+ bytes from .*[ _]seq=(\d+)(?:.*time[=<]([\d.]+) ?ms)?`)
	// From 10.0.0.1 icmp_seq=1 Destination Host Unreachable (iputils)
	pingError = regexp.MustCompile(`^From .* icmp_seq=(\d+) (.+)$`)
	// 92 bytes from 10.0.0.1: Destination Host Unreachable (inetutils, without a number)
	pingBareError = regexp.MustCompile(`^\d+ bytes from [^ ]+: ([A-Z].+)$`)
	pingStats     = regexp.MustCompile(`(?m)^(\d+) packets transmitted`)
)

func pingTool(word string) Tool {
	switch word {
	case "iputils", "inetutils", "busybox":
		return Tool{Name: "ping", Dialect: word}
	case "ping6":
		return Tool{Name: "ping6"}
	}
	return Tool{Name: "ping"}
}

// judgePing reads a series of at most count packets. Of a ping that was ended with
// its time, it is known how many it has sent only as far as it told.
func judgePing(run toolRun, count int) []Attempt {
	sent := count
	if killed(run.exit) {
		sent = 1
	}
	if m := pingStats.FindStringSubmatch(run.text); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			sent = min(n, count)
		}
	}
	series := make(map[int]Attempt)
	var bare []Attempt // answers that do not say to which packet
	first := 0
	if run.tool == "iputils" || strings.Contains(run.text, "packets transmitted, ") && strings.Contains(run.text, ", time ") {
		first = 1 // iputils counts from one
	}
	for line := range strings.Lines(run.text) {
		line = strings.TrimSpace(line)
		if m := pingReply.FindStringSubmatch(line); m != nil {
			seq, _ := strconv.Atoi(m[1])
			if strings.Contains(line, "DUP!") || series[seq].Verdict == OK {
				continue
			}
			series[seq] = Attempt{Verdict: OK, Latency: milliseconds(m[2])}
		} else if m := pingError.FindStringSubmatch(line); m != nil {
			seq, _ := strconv.Atoi(m[1])
			if v, _, ok := cause(m[2]); ok && series[seq].Verdict == "" {
				series[seq] = Attempt{Verdict: v, Detail: evidence(line)}
			}
		} else if m := pingBareError.FindStringSubmatch(line); m != nil {
			if v, _, ok := cause(m[1]); ok {
				bare = append(bare, Attempt{Verdict: v, Detail: evidence(line)})
			}
		}
	}
	if len(series) == 0 && len(bare) == 0 {
		return unansweredPings(run, sent)
	}
	if killed(run.exit) {
		told := len(bare)
		for seq := range series {
			told = max(told, seq-first+1)
		}
		sent = max(sent, min(told, count))
	}
	out := make([]Attempt, 0, sent)
	for seq := first; seq < first+sent; seq++ {
		a, ok := series[seq]
		if !ok && len(bare) > 0 {
			a, bare, ok = bare[0], bare[1:], true
		}
		if !ok {
			a = Attempt{Verdict: Timeout, Detail: "no reply in " + run.patience.String()}
		}
		out = append(out, a)
	}
	return out
}

// unansweredPings is a series to which nobody said anything.
func unansweredPings(run toolRun, sent int) []Attempt {
	quiet := Attempt{Verdict: Timeout, Detail: "no reply in " + run.patience.String()}
	if v, line, ok := cause(withoutStats(run.text)); ok && v != Timeout {
		return []Attempt{{Verdict: v, Detail: line}} // the first packet could not be sent: no use in more
	}
	if pingStats.MatchString(run.text) || killed(run.exit) {
		return slices.Repeat([]Attempt{quiet}, max(sent, 1))
	}
	return []Attempt{run.failure()}
}

// withoutStats leaves a ping's closing lines out: they are numbers.
func withoutStats(text string) string {
	before, _, _ := strings.Cut(text, "\n---")
	return before
}
