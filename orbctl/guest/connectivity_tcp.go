package guest

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	bashConnect = regexp.MustCompile(`(?m)^connect (\d+) ([\d.]*) ([\d.]*)$`)
	curlTiming  = regexp.MustCompile(`(?m)^timing (\d{3}) ([\d.,]+) ([\d.,]+) ([\d.,]+)$`)
)

// judgeTCP reads one connection.
func judgeTCP(run toolRun) (Attempt, Tool) {
	tool := netTool(run)
	switch {
	case run.tool == "curl":
		if m := lastMatch(curlTiming, run.text); m != nil && parseSeconds(m[2]) > 0 {
			return Attempt{Verdict: OK, Latency: parseSeconds(m[2])}, tool // telnet:// then waits for a banner until its time is up
		}
	case run.exit == 0 && run.tool == "bash":
		if m := bashConnect.FindStringSubmatch(run.text); m != nil {
			return Attempt{Verdict: OK, Latency: clockDifference(m[2], m[3])}, tool
		}
	case run.exit == 0:
		return Attempt{Verdict: OK, Latency: run.took}, tool
	case run.dialect == "plain" && killed(run.exit) && strings.TrimSpace(run.text) == "":
		return Attempt{Verdict: OK}, tool // it says when it cannot connect; it was open until its time was up
	}
	return run.failure(), tool
}

// netTool names the tool of a tcp or http attempt.
func netTool(run toolRun) Tool {
	tool := Tool{Name: run.tool, Process: run.tool != "bash" && run.tool != "curl"}
	switch run.dialect {
	case "exec", "plain":
		tool.Dialect = "busybox"
	case "ncat":
		tool.Dialect = "ncat"
	}
	if tool.Name == "busybox" {
		tool.Name, tool.Dialect = "nc", "busybox"
	}
	return tool
}

func milliseconds(s string) time.Duration {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f <= 0 || f > 3.6e6 {
		return 0
	}
	return time.Duration(f * float64(time.Millisecond)).Round(time.Microsecond)
}

func parseSeconds(s string) time.Duration {
	f, err := strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
	if err != nil || f <= 0 || f > 3600 {
		return 0
	}
	return time.Duration(f * float64(time.Second)).Round(time.Microsecond)
}

func lastMatch(re *regexp.Regexp, text string) []string {
	all := re.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return nil
	}
	return all[len(all)-1]
}

func lastLineOf(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
