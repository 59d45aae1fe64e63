package orbctl_test

import (
	"strings"
	"testing"
	"unicode"

	"orbstack-mcp/orbctl"
)

// A parser takes any text: it gives a value of clean strings, or an *Error with
// the text in it.

func unclean(s string) bool {
	return strings.ContainsFunc(s, unicode.IsControl)
}

func sampled(f *testing.F, names ...string) {
	for _, name := range names {
		f.Add(sample(f, name))
		f.Add(sample(f, "update-banner.txt") + sample(f, name))
	}
	f.Add("")
	f.Add("null")
	f.Add(goPanic)
}

func FuzzList(f *testing.F) {
	sampled(f, "list.v2.0.json", "list.v2.2.json", "no-machines.stderr.txt")
	f.Fuzz(func(t *testing.T, text string) {
		machines, err := orbctl.ParseList(text, "")
		if err != nil {
			failure(t, err, orbctl.OrbctlFailed)
			return
		}
		if machines == nil || len(machines) == 0 && !strings.Contains(text, "[") {
			t.Fatal("nothing became an empty list")
		}
		for _, m := range machines {
			if m.Name == "" || m.State == "" || unclean(m.Name+m.State+m.ID+m.Image.Distro+m.Config.DefaultUsername) {
				t.Fatalf("%+v", m)
			}
			m.CreatedAt()
		}
		if _, err := orbctl.ParseList("", text); err == nil && !strings.Contains(text, "orb create") {
			t.Fatal("an error text became an empty list")
		}
	})
}

func FuzzInfo(f *testing.F) {
	sampled(f, "info.v2.0.running.json", "info.v2.2.running.limits.json", "info.v2.2.stopped.json")
	f.Fuzz(func(t *testing.T, text string) {
		info, err := orbctl.ParseInfo(text)
		if err != nil {
			failure(t, err, orbctl.OrbctlFailed)
			return
		}
		if info.Name == "" || info.IP4.IsValid() && !info.IP4.Is4() || info.IP6.IsValid() && !info.IP6.Is6() {
			t.Fatalf("%+v", info)
		}
	})
}

func FuzzConfig(f *testing.F) {
	sampled(f, "config-show.txt", "config-set.restart-hint.txt")
	f.Fuzz(func(t *testing.T, text string) {
		settings, err := orbctl.ParseConfigShow(text)
		if err == nil && len(settings) == 0 {
			t.Fatal("nothing became an empty listing")
		}
		for _, s := range settings {
			if s.Key == "" || unclean(s.Key+s.Value) || s.Set && s.Value == "" && !unclean(text) && !strings.ContainsFunc(text, func(r rune) bool { return r > 126 }) {
				t.Fatalf("%+v", s)
			}
			one, err := orbctl.ParseConfigGet(s.Key, text)
			if err != nil || one.Key != s.Key {
				t.Fatalf("%s is listed and not found: %v", s.Key, err)
			}
		}
		if s, err := orbctl.ParseConfigGet("cpu", text); err == nil && unclean(s.Value) {
			t.Fatalf("%+v", s)
		}
		if name, err := orbctl.ParseDefault(text); err == nil && unclean(name) {
			t.Fatalf("%q", name)
		}
	})
}

func FuzzVersion(f *testing.F) {
	sampled(f, "version.txt")
	f.Fuzz(func(t *testing.T, text string) {
		v, err := orbctl.ParseVersion(text)
		if err != nil {
			failure(t, err, orbctl.OrbctlFailed)
			return
		}
		again, err := orbctl.ParseVersion("Version: " + v.String())
		if v == (orbctl.Version{}) {
			return // 0.0.0 is written as unknown
		}
		if err != nil || again.Compare(v) != 0 || unclean(v.String()+v.Build+v.Commit) {
			t.Fatalf("%+v, and again %+v: %v", v, again, err)
		}
	})
}

func FuzzBanner(f *testing.F) {
	sampled(f, "update-banner.txt")
	f.Fuzz(func(t *testing.T, text string) {
		rest, seen := orbctl.StripBanner(text)
		if !seen && rest != text || seen && len(rest) >= len(text) {
			t.Fatalf("%v %q", seen, rest)
		}
		if got, seen := orbctl.StripBanner(sample(t, "update-banner.txt") + "Running\n"); got != "Running\n" || !seen {
			t.Fatal(got)
		}
	})
}
