package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// One `list` can fail while another orbctl runs (docs/orbctl-contract.md §1.7):
// a read that fails once, or twice, is made again, and what comes then is right.
func TestAFlakyReadIsMadeAgain(t *testing.T) {
	t.Parallel()
	for i, kind := range []string{"error", "garbage", "truncated", "crash", "empty"} {
		for times := 1; times <= 2; times++ {
			e := eras[(i+times)%2]
			t.Run(fmt.Sprintf("%s %s %d", e, kind, times), func(t *testing.T) {
				t.Parallel()
				flaky(t, e, kind, times)
			})
		}
	}
}

func flaky(t *testing.T, e era, kind string, times int) {
	t.Helper()
	var faults strings.Builder
	for _, argv := range []string{"^list", "^info web", "^config show", "^version", "^create"} {
		fmt.Fprintf(&faults, "  - {argv: '%s', kind: %s, times: %d}\n", argv, kind, times)
	}
	s := open(t, "default: web\nconfig: {cpu: \"2\"}\nmachines: [{name: web, ip4: 192.168.139.10}]\nfaults:\n"+faults.String(), e)

	r := s.call(t, "vm_network_details", args{"machine": "web"})
	require.False(t, r.IsError, r.Text)
	assert.Equal(t, "192.168.139.10", r.at("ipv4"))
	assert.Nil(t, r.at("missing"), r.Text)
	r = s.call(t, "vm_list", args{})
	require.False(t, r.IsError, r.Text)
	assert.Equal(t, "192.168.139.10", r.at("machines", 0, "ipv4"))
	r = s.call(t, "orbstack_config_get", args{"prefix": "cpu"})
	require.False(t, r.IsError, r.Text)
	assert.Equal(t, "2", r.at("settings", 0, "value"))
	r = s.call(t, "orbstack_status", args{})
	require.False(t, r.IsError, r.Text)
	assert.Nil(t, r.at("missing"), r.Text)
	assert.Equal(t, "2.2.3", r.at("version"))

	calls, _ := s.spawns(0)
	again := func(call string) []string { return slices.Repeat([]string{call}, times+1) }
	want := slices.Concat(
		again("info web -f json"), []string{"run -m web -w / network"},
		again("list -f json"), []string{"info web -f json"},
		again("config show"), []string{"list -f json"},
		again("version"), again("create --help"), []string{"list -f json", "default"},
	)
	if kind == "truncated" { // half of the version's two lines is a version
		want = slices.DeleteFunc(want, func(c string) bool { return c == "version" })
		calls = slices.DeleteFunc(calls, func(c string) bool { return c == "version" })
	}
	assert.Equal(t, want, calls)
}

// A setChange is one way in which `config set` breaks, and what is true then.
type setChange struct {
	kind    string
	work    bool // the setting is stored all the same
	code    string
	changed bool
	words   string // in the answer
}

// A change is never made twice, whatever becomes of orbctl, and the answer says
// what is stored.
func TestABrokenChangeIsMadeOnceAndToldTruly(t *testing.T) {
	t.Parallel()
	for i, c := range []setChange{
		{kind: "hang", code: "timeout", words: "may still have been made"},
		{kind: "hang", work: true, changed: true},
		{kind: "error", code: "orbctl_failed", words: "refused"},
		{kind: "error", work: true, code: "orbctl_failed", words: "look with orbstack_config_get"},
		{kind: "delay", changed: true},
		{kind: "garbage", words: "nothing was changed"},
		{kind: "garbage", work: true, changed: true},
		{kind: "huge", code: "output_limit", words: "may still have been made"},
		{kind: "huge", work: true, changed: true},
		{kind: "truncated", changed: true},
		{kind: "crash", code: "orbctl_failed", words: "may still have been made"},
		{kind: "crash", work: true, changed: true},
		{kind: "empty", words: "nothing was changed"},
		{kind: "empty", work: true, changed: true},
	} {
		e := eras[i%2]
		t.Run(fmt.Sprintf("%s %s work %t", e, c.kind, c.work), func(t *testing.T) {
			t.Parallel()
			c.test(t, e)
		})
	}
}

func (c setChange) test(t *testing.T, e era) {
	t.Helper()
	delay := ""
	if c.kind == "delay" {
		delay = ", delay: 300ms"
	}
	s := open(t, fmt.Sprintf("config: {rosetta: \"true\"}\nmachines: [{name: web, state: stopped}]\nfaults: [{argv: '^config set', kind: %s, work: %t%s}]\n", c.kind, c.work, delay), e)
	for key, call := range map[string]struct {
		tool string
		args args
	}{
		"rosetta false":             {"orbstack_config_set", args{"key": "rosetta", "value": "false"}},
		"machine.web.username root": {"vm_username_set", args{"machine": "web", "username": "root"}},
	} {
		mark := len(s.reached())
		r := s.call(t, call.tool, call.args)
		assert.Equal(t, c.code, r.code(), r.Text)
		assert.Contains(t, r.Text, c.words)
		if c.code == "" {
			assert.Equal(t, c.changed, r.at("changed"), r.Text)
		} else if c.kind != "error" {
			assert.Equal(t, false, r.at("error", "retryable"), "it may have been done")
		}
		times := 0
		for _, sent := range s.reached()[mark:] {
			if sent == "config set "+key {
				times++
			}
		}
		assert.Equal(t, 1, times, "%s", key)
	}
}
