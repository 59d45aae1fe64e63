package orbctl

import "strings"

// bannerWords are what makes a box the update banner
// (docs/orbctl-contract.md §1.11, testdata/update-banner.txt).
const bannerWords = "OrbStack update available"

// StripBanner takes OrbStack's update banner, a box of line-drawing characters,
// out of what orbctl printed on either stream, with the blank lines around it,
// and reports whether there was one. Another box stays, and so does one that
// does not end.
func StripBanner(text string) (rest string, seen bool) {
	if !strings.Contains(text, bannerWords) {
		return text, false
	}
	lines := strings.SplitAfter(text, "\n")
	for from := range lines {
		to := boxEnd(lines, from)
		if to < 0 || !strings.Contains(strings.Join(lines[from:to], ""), bannerWords) {
			continue
		}
		for from > 0 && strings.TrimSpace(lines[from-1]) == "" {
			from--
		}
		for to < len(lines) && strings.TrimSpace(lines[to]) == "" {
			to++
		}
		return strings.Join(lines[:from], "") + strings.Join(lines[to:], ""), true
	}
	return text, false
}

// boxEnd is the line behind the box whose upper edge is lines[from], or -1.
func boxEnd(lines []string, from int) int {
	if !isBoxLine(lines[from], "╭", "╮") {
		return -1
	}
	for i := from + 1; i < len(lines); i++ {
		switch {
		case isBoxLine(lines[i], "╰", "╯"):
			return i + 1
		case !isBoxLine(lines[i], "│", "│"):
			return -1
		}
	}
	return -1
}

func isBoxLine(line, left, right string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(line, left) && strings.HasSuffix(line, right) && len(line) > len(left)
}
