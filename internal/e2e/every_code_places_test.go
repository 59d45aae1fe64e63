package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"orbstack-mcp/schemas"
	"orbstack-mcp/tools"
)

// What may reach orbctl: what asks nobody but itself, what looks, and what looks into
// a machine.
const (
	asksItself = `status|version|create --help`
	looks      = asksItself + `|list -f json|info \S+ -f json|default|config (show|get \S+)|logs \S+`
	looksIn    = looks + `|run -m \S+ (-u root )?-w / (network|connectivity|dns|netmap|users|status|journal|posture)`
	anything   = `.*`
)

func only(shapes string) *regexp.Regexp { return regexp.MustCompile(`^(` + shapes + `)$`) }

func codePlaces() []codePlace {
	return slices.Concat(wrongCalls(), closedPlaces(), refusals(), wrongMachines(), failures(), crowds())
}

// but spares tools by name.
func but(why string, names ...string) func(tools.Tool) string {
	return func(t tools.Tool) string {
		if slices.Contains(names, t.Name) {
			return why
		}
		return ""
	}
}

// unless spares the tools for which a property does not hold.
func unless(why string, holds func(tools.Tool) bool) func(tools.Tool) string {
	return func(t tools.Tool) string {
		if holds(t) {
			return ""
		}
		return why
	}
}

// those is unless by name.
func those(why string, names ...string) func(tools.Tool) string {
	return unless(why, func(t tools.Tool) bool { return slices.Contains(names, t.Name) })
}

// asksOrbctl spares the tools that get by without an answer of orbctl.
func asksOrbctl(t tools.Tool) string {
	switch {
	case t.Family == tools.Jobs:
		return "it knows its jobs and asks nobody"
	case t.Name == "orbstack_status":
		return "what is wrong with OrbStack is what it is asked"
	}
	return ""
}

// wrongCalls are wrong before anybody is asked anything.
func wrongCalls() []codePlace {
	return []codePlace{
		{name: "an argument too many, or too few", code: "invalid_argument", calls: func(tool tools.Tool, c everyCall, _ string) []args {
			all := changing(c, func(name string, _ any) any {
				if slices.ContainsFunc(tool.Input().Properties(), func(p schemas.Property) bool { return p.Required && p.Name == name }) {
					return "" // as good as none
				}
				return nil
			})
			c.args["colour"] = "red"
			return append(all, c.args)
		}},
		{
			name: "an option for a machine", code: "invalid_argument", reaches: only(looks), calls: func(_ tools.Tool, c everyCall, _ string) []args { return naming(c, "--all") },
			spares: but("it looks for the name among those there are", "vm_test_connectivity", "vm_dns_lookup", "vm_network_map"),
		},
	}
}

// closedPlaces are those in which there is no OrbStack to talk to.
func closedPlaces() []codePlace {
	none := func(t *testing.T, server []string) []string { return append(server, "--orbctl", "/nowhere/orbctl") }
	walled := func(t *testing.T, server []string) []string {
		return append(asNobody(t)[:4:4], // without the server that it starts
			append(server, "--orbctl", bin.sim)...)
	}
	return []codePlace{
		{name: "missing", code: "orbctl_not_found", command: none, spares: asksOrbctl, tries: true},
		{name: "walled off", code: "orbstack_unreachable", command: walled, spares: asksOrbctl, tries: true},
		{name: "down", code: "orbstack_not_running", world: "status: stopped\n", reaches: only(asksItself), spares: asksOrbctl, tries: true},
		{name: "starting", code: "orbstack_starting", world: "status: starting\n", reaches: only(asksItself), spares: asksOrbctl, tries: true},
		{name: "no answer", code: "timeout", world: "faults: [{argv: '^status', kind: hang}]\n", reaches: only(asksItself), spares: asksOrbctl, tries: true},
	}
}

// refusals are what the user has decided.
func refusals() []codePlace {
	var all []string
	for _, t := range tools.All() {
		all = append(all, t.Name)
	}
	return []codePlace{
		{name: "taken out", code: "not_allowed", flags: []string{"--exclude-tools", strings.Join(all, ",")}},
		{name: "for one machine", code: "not_allowed", flags: []string{"--machine", "web"}, spares: unless("it is about one machine", func(t tools.Tool) bool { return t.Beyond })},
		{name: "no commands", code: "not_allowed", flags: []string{"--exec", "off"}, spares: unless("it runs nothing that somebody wrote", func(t tools.Tool) bool { return t.Runs })},
		{
			name: "for machines that it made", code: "not_allowed", flags: []string{"--managed-only"}, reaches: only(looksIn),
			spares: unless("it changes nothing of a machine that is there", func(t tools.Tool) bool {
				return t.Effect != tools.Reads && t.Effect != tools.Adds && t.Family != tools.Jobs && t.Name != "vm_pull"
			}),
		},
		{name: "another folder", code: "not_allowed", reaches: only(looksIn + `|run -m web -w / get`), calls: func(_ tools.Tool, c everyCall, folder string) []args {
			return changing(c, func(_ string, value any) any {
				if path, ok := value.(string); ok && strings.HasPrefix(path, folder) {
					return "/elsewhere/file"
				}
				return nil
			})
		}},
	}
}

// wrongMachines are calls that are right for another machine, file or user.
func wrongMachines() []codePlace {
	to := func(machine string) func(tools.Tool, everyCall, string) []args {
		return func(_ tools.Tool, c everyCall, _ string) []args { return naming(c, machine) }
	}
	set := func(value any, names ...string) func(tools.Tool, everyCall, string) []args {
		return func(_ tools.Tool, c everyCall, _ string) []args {
			return changing(c, func(name string, _ any) any {
				if slices.Contains(names, name) {
					return value
				}
				return nil
			})
		}
	}
	guests := []string{"vm_network_details", "vm_status_detailed", "vm_test_connectivity", "vm_dns_lookup", "vm_logs", "vm_exec", "vm_push", "vm_pull", "vm_copy"}
	return []codePlace{
		{name: "no such machine", code: "machine_not_found", calls: to("nope"), reaches: only(looks)},
		{
			name: "a stopped machine", code: "machine_not_running", calls: to("off"), reaches: only(looks),
			spares: those("it works with a stopped machine as well, or says what is missing", "vm_test_connectivity", "vm_dns_lookup", "vm_logs", "vm_restart", "vm_exec", "vm_push", "vm_pull", "vm_copy"),
		},
		{name: "a taken name", code: "machine_exists", world: "  - {name: off-cp-box, state: stopped}\n", calls: set("box", "name", "new_name", "label"), reaches: only(looks)},
		{
			name: "no shell", code: "guest_tool_missing", calls: to("nosh"), reaches: only(anything),
			world:  "  - {name: nosh, ip4: 192.168.139.20}\nguest_rules: [{machine: nosh, argv: '^sh ', exit: 127, stderr: \"sh: not found\\n\"}]\n",
			spares: those("it looks into no machine, or says what it could not see", append([]string{"vm_username_set", "orbstack_config_set"}, guests...)...),
		},
		{name: "no such user", code: "guest_user_missing", calls: set("eva", "user", "username", "value"), reaches: only(anything)},
		{name: "a file that is there", code: "file_exists", reaches: only(anything), calls: func(tool tools.Tool, c everyCall, folder string) []args {
			switch tool.Name {
			case "vm_export":
				return set(folder+"/file", "path")(tool, c, folder)
			case "vm_pull":
				return set(folder+"/file", "destination")(tool, c, folder)
			}
			return set("/etc/passwd", "destination")(tool, c, folder)
		}},
	}
}

// lastSteps are what a tool that changes something does in the end, after it has looked:
// of orbctl, and by these scripts in a machine.
func lastSteps(scripts string) string {
	return `(?s)^(create [^-]|create --cpus|clone|start|stop|restart|rename|delete|default .|config set|export|import|run .* orbstack-mcp-(` + scripts + `))`
}

// failures are those of an orbctl that runs.
func failures() []codePlace {
	changes := unless("it changes nothing", func(t tools.Tool) bool { return t.Effect != tools.Reads && t.Family != tools.Jobs })
	fault := func(argv, rest string) string { return fmt.Sprintf("faults: [{argv: '%s', %s}]\n", argv, rest) }
	return []codePlace{
		{name: "the first look fails", code: "orbctl_failed", world: fault("^(list|info|default|config|logs|run)", "kind: error"), reaches: only(looks), spares: asksOrbctl, tries: true},
		{name: "the change fails", code: "orbctl_failed", world: fault(lastSteps("exec|put|get"), "kind: error"), reaches: only(anything), spares: changes},
		{name: "the change finds no room", code: "disk_quota_full", world: fault(lastSteps("exec|put|get"), "stderr: 'disk quota exceeded'"), reaches: only(anything), spares: changes},
		{name: "the change never stops talking", code: "output_limit", world: fault(lastSteps("put"), "kind: huge"), reaches: only(anything), spares: unless("what it reads in a machine has no limit, or is cut", func(t tools.Tool) bool {
			return changes(t) == "" && t.Name != "vm_exec" && t.Name != "vm_pull"
		})},
	}
}

// withLocks runs a server while somebody else has these locks.
const withLocks = `cd; mkdir -p .local/state/orbstack-mcp/locks
for lock in $0; do set -- flock ".local/state/orbstack-mcp/locks/$lock.lock" "$@"; done; exec "$@"`

// crowds are others who want the same.
func crowds() []codePlace {
	locked := func(_ *testing.T, server []string) []string {
		locks := "settings"
		for _, m := range machineNames.FindAllStringSubmatch(everyWorld, -1) {
			locks += " machine-" + m[1]
		}
		return append([]string{"sh", "-c", withLocks, locks}, server...)
	}
	return []codePlace{
		{
			name: "many jobs", code: "busy", flags: []string{"--job-after", "1ns"}, world: "faults: [{argv: '^create debian many', kind: hang}]\n", reaches: only(looks + `|create debian many\d+`),
			calls: func(tool tools.Tool, c everyCall, _ string) []args { // others would wait for the places of these
				if !tool.Long {
					return nil
				}
				return []args{c.args}
			},
			ahead: func(t *testing.T, s *session) {
				for i := range 32 {
					r := s.call(t, "vm_create", args{"name": fmt.Sprintf("many%d", i), "distro": "debian"})
					require.NotNil(t, r.at("job"), r.Text)
				}
			},
		},
		{
			name: "others at work", code: "busy", command: locked, reaches: only(looks), tries: true,
			calls: func(tool tools.Tool, c everyCall, _ string) []args { // a server does sixteen calls at once, and these take a minute
				if tool.Long {
					return nil
				}
				return []args{c.args}
			},
			spares: func(tool tools.Tool) string {
				if why := asksOrbctl(tool); why != "" {
					return why
				}
				return but("it is in nobody's way", "vm_list", "orbstack_config_get")(tool)
			},
		},
	}
}
