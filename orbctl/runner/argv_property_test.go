package runner_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"orbstack-mcp/orbctl/runner"
)

// parsed is a command line as orbctl would understand it.
type parsed struct {
	flags map[string]string
	words []string
}

// parse is a model of orbctl's flags: cobra hands a command's words to pflag;
// run stops at the first word that is no flag (docs/orbctl-contract.md §2).
func parse(argv []string) (parsed, error) {
	fs := pflag.NewFlagSet(argv[0], pflag.ContinueOnError)
	rest := argv[1:]
	fs.BoolP("help", "h", false, "")
	switch argv[0] {
	case "list":
		fs.StringP("format", "f", "", "")
		fs.BoolP("quiet", "q", false, "")
		fs.BoolP("running", "r", false, "")
	case "info":
		fs.StringP("format", "f", "", "")
	case "logs", "start", "restart":
		fs.BoolP("all", "a", false, "")
	case "create":
		for _, name := range []string{"arch", "user", "cpus", "memory", "disk", "user-data"} {
			fs.String(name, "", "")
		}
		fs.Bool("isolated", false, "")
		fs.Bool("isolate-network", false, "")
		fs.StringSlice("mount", nil, "")
	case "stop", "delete":
		fs.BoolP("all", "a", false, "")
		fs.BoolP("force", "f", false, "")
	case "import":
		fs.StringP("name", "n", "", "")
	case "run":
		fs.SetInterspersed(false)
		fs.StringP("machine", "m", "", "")
		fs.StringP("user", "u", "", "")
		fs.StringP("workdir", "w", "", "")
		fs.BoolP("shell", "s", false, "")
		fs.BoolP("path", "p", false, "")
	}
	if err := fs.Parse(rest); err != nil {
		return parsed{}, err
	}
	p := parsed{flags: map[string]string{}, words: fs.Args()}
	fs.Visit(func(f *pflag.Flag) { p.flags[f.Name] = f.Value.String() })
	return p, nil
}

// checkArgv holds for every call: it is refused, or every value of the user's
// arrives where it belongs and nowhere else.
func checkArgv(tb checker, call runner.Call) (built bool) {
	tb.Helper()
	argv, err := runner.Build(call)
	if err != nil {
		var invalid *runner.InvalidError
		var refused *runner.RefusedError
		require.True(tb, asAny(err, &invalid, &refused), "%T", err)
		return false
	}
	require.NotContains(tb, argv, "--")
	require.NotContains(tb, argv, "--all")
	require.Equal(tb, call.Op == runner.OpLogs && call.Verbose, argv[0] != "run" && slices.Contains(argv, "-a"))
	p, err := parse(argv)
	require.NoError(tb, err, "%q", argv)
	flags := map[string]string{}
	var words []string
	switch call.Op {
	case runner.OpHelp:
		flags["help"] = "true"
		require.Equal(tb, call.Args[0], argv[0])
	case runner.OpList:
		flags["format"] = "json"
	case runner.OpInfo:
		flags["format"] = "json"
		words = []string{call.Machine}
	case runner.OpConfigShow:
		words = []string{"show"}
	case runner.OpConfigGet:
		words = append([]string{"get"}, call.Args...)
	case runner.OpConfigSet:
		words = append([]string{"set"}, call.Args...)
	case runner.OpLogs:
		words = []string{call.Machine}
		if call.Verbose {
			flags["all"] = "true"
		}
	case runner.OpStart, runner.OpStop, runner.OpRestart:
		require.NotEmpty(tb, call.Machine)
		words = []string{call.Machine}
	case runner.OpForceStop, runner.OpDelete:
		flags["force"] = "true"
		words = []string{call.Machine}
	case runner.OpCreate:
		for name, value := range map[string]string{"user": call.Create.User, "memory": call.Create.Memory, "user-data": call.Create.UserData} {
			if value != "" {
				flags[name] = value
			}
		}
		words = []string{call.Create.Distro, call.NewName}
	case runner.OpRename, runner.OpClone:
		words = []string{call.Machine, call.NewName}
	case runner.OpDefaultSet:
		words = call.Args
	case runner.OpExport:
		words = []string{call.Machine, call.File}
	case runner.OpImport:
		flags["name"], words = call.NewName, []string{call.File}
	case runner.OpProbe, runner.OpExec, runner.OpPut, runner.OpGet:
		flags = map[string]string{"machine": call.Machine, "workdir": "/"}
		if call.User != "" {
			flags["user"] = call.User
		}
		words = call.Script.Argv(call.Mark, call.Guest...)
	}
	require.Equal(tb, flags, p.flags, "%q", argv)
	require.Equal(tb, append([]string{}, words...), append([]string{}, p.words...), "%q", argv)
	return true
}

var nastyWords = []string{
	"", "-", "--", "-a", "--all", "-m", "--machine=x", "-x", "-oProxyCommand=x", "--help", "web", "my-web.1", "web -a", "web;id", "$(id)", "`id`", "a'b\"c", "a\\b", "%s", "a=b", "=", "a b",
	"\x00", "a\x00b", "\n", "a\nb", "\t", "\x1b[31m", "\u2013all", "\u2212a", "\ufe63a", "é", "\u202e", "\xff", "docker", "none", "all", "..", ".", "/", "../../etc/passwd", "~", "*", "machine.web.cpu",
	"root", "01HX3ZK8Q4T6V9W2Y5B7D1F3G8", "0", "-1", "http://u:p@h/?q=1&r=2#f", "[::1%eth0]", strings.Repeat("a", 63), strings.Repeat("a", 300),
}

func anyWord() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom(nastyWords), rapid.String(), rapid.StringMatching(`[A-Za-z0-9._-]{1,20}`),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 12), func(b []byte) string { return string(b) }),
		rapid.Map(rapid.String(), func(s string) string { return "-" + s }),
	)
}

// fill gives a call of that operation only fields that it takes, so that most
// calls come to where values are checked.
func fill(op runner.Op, machine, user string, args []string, verbose bool) runner.Call {
	switch op {
	case runner.OpInfo:
		return runner.Call{Op: op, Machine: machine}
	case runner.OpLogs:
		return runner.Call{Op: op, Machine: machine, Verbose: verbose}
	case runner.OpStart, runner.OpStop, runner.OpForceStop, runner.OpRestart, runner.OpDelete:
		return runner.Call{Op: op, Machine: machine}
	case runner.OpRename, runner.OpClone:
		return runner.Call{Op: op, Machine: machine, NewName: user}
	case runner.OpCreate:
		n := &runner.Create{Distro: "ubuntu", User: user}
		for i, arg := range args {
			*[]*string{&n.Memory, &n.UserData, &n.Distro}[i] = arg
		}
		return runner.Call{Op: op, NewName: machine, Create: n}
	case runner.OpExec:
		return command(machine, user, args...)
	case runner.OpHelp, runner.OpConfigGet, runner.OpDefaultSet:
		return runner.Call{Op: op, Args: args[:min(1, len(args))]}
	case runner.OpConfigSet:
		return runner.Call{Op: op, Args: args[:min(2, len(args))]}
	case runner.OpProbe, runner.OpPut, runner.OpGet:
		return as(op, probe(machine, user, args...))
	case runner.OpExport:
		return runner.Call{Op: op, Machine: machine, File: user}
	case runner.OpImport:
		return runner.Call{Op: op, NewName: machine, File: user}
	default:
		return runner.Call{Op: op}
	}
}

func TestThreat02_UserDataNeverBecomesAFlag(t *testing.T) {
	built := 0
	rapid.Check(t, func(rt *rapid.T) {
		for range 20 {
			op := rapid.SampledFrom(runner.Ops()).Draw(rt, "op")
			args := rapid.SliceOfN(anyWord(), 0, 3).Draw(rt, "args")
			if checkArgv(rt, fill(op, anyWord().Draw(rt, "machine"), anyWord().Draw(rt, "user"), args, rapid.Bool().Draw(rt, "verbose"))) {
				built++
			}
		}
	})
	assert.Greater(t, built, 100, "the generators should make calls that pass")
}

// A mount is in an allowed folder by what stands before its colon: nothing behind that
// may begin another.
func TestThreat02_AMountIsOneMount(t *testing.T) {
	built := 0
	piece := rapid.SampledFrom([]string{"/", "a", "b c", ",", ":", `"`, "'", "\\", "-", "..", ".", "=", "\n", "é"})
	rapid.Check(t, func(rt *rapid.T) {
		for range 20 {
			mount := "/a" + strings.Join(rapid.SliceOfN(piece, 0, 8).Draw(rt, "mount"), "")
			argv, err := runner.Build(created(runner.Create{Distro: "ubuntu", Isolated: true, Mounts: []string{mount}}))
			if err != nil {
				continue
			}
			built++
			// Which of them orbctl has is not known.
			for _, kind := range []func(*pflag.FlagSet, string, []string, string) *[]string{(*pflag.FlagSet).StringSlice, (*pflag.FlagSet).StringArray} {
				fs := pflag.NewFlagSet("create", pflag.ContinueOnError)
				fs.Bool("isolated", false, "")
				mounts := kind(fs, "mount", nil, "")
				require.NoError(rt, fs.Parse(argv[1:]), "%q", argv)
				require.Equal(rt, []string{mount}, *mounts)
				require.LessOrEqual(rt, strings.Count(mount, ":"), 1)
			}
		}
	})
	assert.Greater(t, built, 100, "the generator should make mounts that pass")
}

func FuzzArgv(f *testing.F) {
	ops := runner.Ops()
	for i, w := range nastyWords {
		f.Add(i%len(ops), w, "root", w, "x", i%2 == 0)
		f.Add(slices.Index(ops, runner.OpProbe), "web", w, "x", w, false)
	}
	f.Fuzz(func(t *testing.T, op int, machine, user, first, second string, verbose bool) {
		checkArgv(t, fill(ops[(op%len(ops)+len(ops))%len(ops)], machine, user, []string{first, second}, verbose))
	})
}

func TestThreat01_TenThousandNastyWordsArriveUnchanged(t *testing.T) {
	w := newWorld(t, nil)
	r := w.runner(t)
	const all, each = 10_000, 200
	gen := rapid.SliceOfN(anyWord(), each, each)
	for calls, arrived := 0, 0; arrived < all; calls++ {
		call := []runner.Call{probe("web", ""), command("web", "root")}[calls%2]
		for _, word := range gen.Example(calls) {
			one := call
			one.Guest = []string{word}
			if _, err := runner.Build(one); err == nil {
				call.Guest = append(slices.Clip(call.Guest), word)
			}
		}
		require.Greater(t, len(call.Guest), each/4, "the generators should make words that pass")
		res, err := r.Run(t.Context(), call)
		require.NoError(t, err)
		got := w.calls(t, "run")
		require.Len(t, got, calls+1)
		require.Equal(t, res.Argv[1:], got[calls])
		require.Equal(t, call.Guest, got[calls][len(got[calls])-len(call.Guest):])
		arrived += len(call.Guest)
	}
}

func TestThreat01_AWordOfASettingArrivesUnchanged(t *testing.T) {
	w := newWorld(t, nil)
	r := w.runner(t)
	var want [][]string
	for _, word := range nastyWords {
		call := runner.Call{Op: runner.OpConfigSet, Args: []string{"network_proxy", word}}
		if _, err := runner.Build(call); err == nil {
			_, err := r.Run(t.Context(), call)
			require.NoError(t, err)
			want = append(want, []string{"config", "set", "network_proxy", word})
		}
	}
	assert.Contains(t, want, []string{"config", "set", "network_proxy", "$(id)"})
	assert.Equal(t, want, w.calls(t, ""))
}
