package main

import (
	"fmt"
	"strings"
)

// A scene is one thing that an assistant does, and what comes of it.
type scene struct {
	user  string // what the user says first; mostly nothing
	think string // why the assistant calls the tool
	tool  string
	args  map[string]any
	show  func(r result) []string // the lines that a person wants to see
	want  func(r result) bool     // what must have come out, or the demo fails
}

// story is a morning with the world `demo` (internal/orbsim/worldfile/worlds).
func story() []scene {
	return []scene{
		{
			user:  "The team wiki is down: web says 502. Can you find out why?",
			think: "First, what is there.", tool: "vm_list",
			show: func(r result) []string {
				var lines []string
				for _, m := range r.list("machines") {
					lines = append(lines, fmt.Sprintf("%-8s %-8s %-16s %s", m.text("name"), m.text("state"), m.text("ipv4"), m.text("distro")))
				}
				return lines
			},
			want: func(r result) bool { return len(r.list("machines")) == 7 },
		},
		{
			think: "What does web itself say?", tool: "vm_logs", args: map[string]any{"machine": "web", "grep": "ERROR"},
			show: func(r result) []string { return r.texts("lines") },
			want: func(r result) bool {
				return strings.Contains(strings.Join(r.texts("lines"), " "), "connection refused")
			},
		},
		{
			think: "It cannot reach Postgres on db. Is it the network, the name, or the service?", tool: "vm_test_connectivity",
			args: map[string]any{"machine": "web", "target": "db:5432"}, show: verdicts,
			want: func(r result) bool { return r.text("verdict") == "refused" },
		},
		{
			think: "The name resolves and the host answers, but nobody listens for web. Is db there at all?", tool: "vm_test_connectivity",
			args: map[string]any{"machine": "web", "target": "db"}, show: verdicts,
			want: func(r result) bool { return r.text("verdict") == "ok" },
		},
		{
			think: "So look at db from the inside: where does Postgres listen?", tool: "vm_status_detailed",
			args: map[string]any{"machine": "db", "log_lines": 1},
			show: func(r result) []string {
				lines := r.texts("log")
				for _, p := range r.list("listening_ports") {
					lines = append(lines, fmt.Sprintf("listens: %s %s port %s", p.text("protocol"), p.text("address"), p.text("port")))
				}
				return lines
			},
			want: func(r result) bool {
				for _, p := range r.list("listening_ports") {
					if p.text("port") == "5432" && p.text("address") == "127.0.0.1" {
						return true
					}
				}
				return false
			},
		},
		{
			user:  "Aha: Postgres listens on 127.0.0.1 only, so web is refused. I will set listen_addresses. One more: git.corp.example works on my Mac and not in the machines?",
			think: "Ask both resolvers, side by side.", tool: "vm_dns_lookup",
			args: map[string]any{"machine": "web", "hostname": "git.corp.example", "type": "A"}, show: resolvers,
			want: func(r result) bool {
				return r.at("on_mac").text("status") == "NOERROR" && r.at("in_machine").text("status") == "NXDOMAIN"
			},
		},
		{
			user:  "A name of the VPN, then, that only the Mac's resolver knows. Last: 16 GB is much for this Mac. Let OrbStack have 6.",
			think: "See first what that would do.", tool: "orbstack_config_set",
			args: map[string]any{"key": "memory_mib", "value": "6144", "dry_run": true},
			show: func(r result) []string {
				return []string{
					fmt.Sprintf("memory_mib: %s → %s (dry run, nothing changed)", r.text("before"), r.text("after")),
					"restart required: " + r.text("restart_required") + ". " + r.text("restart"),
				}
			},
			want: func(r result) bool { return r.text("before") == "16384" && r.text("changed") == "false" },
		},
	}
}

// verdicts shows what a connectivity test found, each way.
func verdicts(r result) []string {
	lines := []string{strings.ToUpper(r.text("verdict")) + ": " + r.text("meaning")}
	for _, leg := range r.list("results") {
		lines = append(lines, fmt.Sprintf("by %-7s %-18s → %-28s %-10s %s", leg.text("by"), leg.text("host"), leg.text("address"), leg.text("verdict"), leg.text("tool")))
	}
	return lines
}

// resolvers shows the machine's answer beside the Mac's.
func resolvers(r result) []string {
	var lines []string
	for _, side := range []string{"in_machine", "on_mac"} {
		answer := r.at(side)
		var values []string
		for _, record := range answer.list("records") {
			values = append(values, record.text("type")+" "+record.text("value"))
		}
		lines = append(lines, fmt.Sprintf("%-12s %-9s %s", strings.ReplaceAll(side, "_", " "), answer.text("status"), strings.Join(values, ", ")))
	}
	return append(lines, r.text("meaning"))
}
