package orbctl

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/untrusted"
)

// A Version is that of the orbctl that runs. The zero Version is an unknown one.
type Version struct {
	Major, Minor, Patch int
	Pre                 string // "rc1" of 2.3.0-rc1
	Build               string // "2020100"
	Commit              string
}

// String is "2.2.1", or "unknown".
func (v Version) String() string {
	if v == (Version{}) {
		return "unknown"
	}
	s := fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch)
	if v.Pre != "" {
		s += "-" + v.Pre
	}
	return s
}

// Compare orders versions by number; a pre-release is before its release.
// Build and commit do not count.
func (v Version) Compare(o Version) int {
	return cmp.Or(
		cmp.Compare(v.Major, o.Major),
		cmp.Compare(v.Minor, o.Minor),
		cmp.Compare(v.Patch, o.Patch),
		comparePre(v.Pre, o.Pre),
	)
}

func comparePre(a, b string) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	}
	return cmp.Compare(a, b)
}

var (
	versionLine = regexp.MustCompile(`(?m)^(?:Version:[ \t]*)?v?(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:-([0-9A-Za-z.-]{1,64}))?(?:[ \t]+\(([^()\n]{1,64})\))?[ \t]*$`)
	commitLine  = regexp.MustCompile(`(?m)^Commit:[ \t]*([0-9a-fA-F]{7,64})\b`)
)

// ParseVersion reads what `version` prints: two lines (testdata/version.txt), of
// which the second, the commit, may be absent.
func ParseVersion(stdout string) (Version, error) {
	text, _ := StripBanner(stdout)
	m := versionLine.FindStringSubmatch(text)
	if m == nil {
		return Version{}, unreadable(runner.OpVersion, text, "no line that says the version")
	}
	v := Version{Pre: m[4], Build: untrusted.Line(m[5])}
	for i, n := range []*int{&v.Major, &v.Minor, &v.Patch} {
		*n, _ = strconv.Atoi(m[i+1]) // at most six digits, as the pattern says
	}
	if c := commitLine.FindStringSubmatch(text); c != nil {
		v.Commit = strings.ToLower(c[1])
	}
	return v, nil
}
