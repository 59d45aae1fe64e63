package main

import (
	"math/rand/v2"
	"strings"
)

type args = map[string]any

// A kind of call, and how often it is made among the others.
type kind struct {
	tool   string
	weight int
	args   func(r *rand.Rand) args
}

func fixed(a args) func(*rand.Rand) args { return func(*rand.Rand) args { return a } }

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func anyMachine(r *rand.Rand) string { return pick(r, "web", "web", "slow", "off", "broken", "nope") }

// kinds are all tools, with arguments that work, with such that only look right,
// and with none that any tool takes.
var kinds = []kind{
	{"vm_list", 4, func(r *rand.Rand) args { return pick(r, args{}, args{"state": "running"}, args{"name_contains": "w"}) }},
	{"orbstack_status", 6, fixed(args{})},
	{"orbstack_config_get", 25, func(r *rand.Rand) args {
		return pick(r, args{}, args{"key": "cpu"}, args{"key": "machine.off.username"}, args{"prefix": "network"}, args{"key": "no.such.key"})
	}},
	{"orbstack_config_set", 8, func(r *rand.Rand) args {
		return args{"key": pick(r, "rosetta", "docker.set_context", "cpu"), "value": pick(r, "true", "false", "1", "2"), "dry_run": r.IntN(3) == 0}
	}},
	{"vm_username_set", 5, func(r *rand.Rand) args {
		return args{"machine": pick(r, "off", "off", "web", "nope"), "username": pick(r, "ana", "eve", "root", "-x")}
	}},
	{"vm_logs", 10, func(r *rand.Rand) args {
		return args{"machine": anyMachine(r), "lines": 1 + r.IntN(20), "grep": pick(r, "", "ERROR", "(")}
	}},
	{"vm_logs", 1, func(r *rand.Rand) args { return args{"machine": pick(r, "web", "slow", "off"), "follow_seconds": 1} }},
	{"vm_network_details", 3, func(r *rand.Rand) args { return args{"machine": anyMachine(r)} }},
	{"vm_status_detailed", 2, func(r *rand.Rand) args { return args{"machine": anyMachine(r), "log_lines": r.IntN(5)} }},
	{"vm_dns_lookup", 2, func(r *rand.Rand) args {
		return args{"machine": anyMachine(r), "hostname": pick(r, "web.orb.local", "no.such.example", "a..b")}
	}},
	{"vm_test_connectivity", 2, func(r *rand.Rand) args {
		return args{"machine": anyMachine(r), "target": pick(r, "web:80", "192.168.139.10:81", "slow", "-oProxyCommand=x"), "count": 1, "timeout_seconds": 1}
	}},
	{"vm_list", 10, func(r *rand.Rand) args {
		return pick(r, args{"state": "asleep"}, args{"what": 1}, args{"name_contains": strings.Repeat("x", 5000)})
	}},
	{"vm_logs", 10, func(r *rand.Rand) args { return args{"machine": pick(r, "--all", "", "web\n", "a b"), "lines": -1} }},
}

// random is the next call.
func random(r *rand.Rand) (tool string, a args) {
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	n := r.IntN(total)
	for _, k := range kinds {
		if n -= k.weight; n < 0 {
			return k.tool, k.args(r)
		}
	}
	return kinds[0].tool, args{}
}
