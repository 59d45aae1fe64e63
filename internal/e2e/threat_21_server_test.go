package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
)

// The two servers of TestThreat21_TwoServersAgree are this test binary. They
// stand where cmd/orbstack-mcp stands: a Runner and a Client on the real
// environment, and a folder of locks that is the same for both.

const (
	pairVerb   = "threat-21-pair"   // FOLDER: starts both and waits for them
	serverVerb = "threat-21-server" // FOLDER SEED

	bothServers = 2
	workers     = 4   // goroutines of each server
	turns       = 125 // operations of each goroutine: 1,000 in all
)

// pool are the machines that come and go. counter stays, and is stopped.
var pool = []string{"m0", "m1", "m2", "m3", "m4"}

const counter = "counter"

// A report is what a server says that it did.
type report struct {
	Ran    []outcome // operations as they came back
	Counts []count   // read n, set n+1
	Passed []passed  // settings by way of the Client: what it found, what it left
	Failed []string  // what must not fail, and did
}

type outcome struct {
	Argv []string
	Exit int
}

type count struct {
	Key      string
	From, To int
}

type passed struct{ Key, Before, After string }

// runPair is the Mac's command in the world: it has no other.
func runPair(folder string) int {
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var all sync.WaitGroup
	errs := make([]error, bothServers)
	for i := range bothServers {
		all.Go(func() {
			cmd := exec.Command(self, serverVerb, folder, strconv.Itoa(i))
			cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
			errs[i] = cmd.Run()
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			fmt.Fprintln(os.Stderr, "server:", err)
			return 1
		}
	}
	return 0
}

// runServer does its share and leaves a report in the folder.
func runServer(folder, seed string) int {
	n, err := strconv.Atoi(seed)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	run := runner.New(runner.Options{Locks: filepath.Join(folder, "locks")})
	s := &changer{run: run, client: orbctl.New(run, orbctl.Mac{}), server: n}
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(n), uint64(w)))
			for range turns {
				s.turn(context.Background(), r)
			}
		})
	}
	all.Wait()
	text, err := json.Marshal(s.report)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "report-"+seed+".json"), text, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// A changer is one server that does one thing after another, many at once.
type changer struct {
	run    *runner.Runner
	client *orbctl.Client
	server int

	mu     sync.Mutex
	names  int // made up so far
	report report
}

// turn is one random operation. Far more machines are cloned than deleted, so that
// some are always there.
func (s *changer) turn(ctx context.Context, r *rand.Rand) {
	machine, other := pool[r.IntN(len(pool))], pool[r.IntN(len(pool))]
	named := func(op runner.Op) { s.change(ctx, runner.Call{Op: op, Machine: machine}) }
	set := func(key, value string) {
		s.change(ctx, runner.Call{Op: runner.OpConfigSet, Args: []string{key, value}})
	}
	switch n := r.IntN(100); {
	case n < 10:
		named(runner.OpStart)
	case n < 18:
		named(runner.OpStop)
	case n < 21:
		named(runner.OpForceStop)
	case n < 24:
		named(runner.OpRestart)
	case n < 32:
		s.change(ctx, runner.Call{Op: runner.OpRename, Machine: machine, NewName: other})
	case n < 47:
		s.change(ctx, runner.Call{Op: runner.OpClone, Machine: machine, NewName: other})
	case n < 50:
		named(runner.OpDelete)
	case n < 58:
		s.change(ctx, runner.Call{Op: runner.OpDefaultSet, Args: []string{[]string{machine, machine, "none"}[r.IntN(3)]}})
	case n < 64:
		set("machine."+machine+".http_port", strconv.Itoa(1000+r.IntN(9000)))
	case n < 68:
		set("network_proxy", fmt.Sprintf("http://proxy:%d", 1000+r.IntN(9000)))
	case n < 74:
		s.look(ctx, machine)
	case n < 82:
		s.count(ctx, "memory_mib")
	case n < 88:
		s.count(ctx, "machine."+counter+".http_port")
	case n < 94:
		s.pass(s.client.ConfigSet(ctx, "docker.node_name", s.name(), nil))
	default:
		s.pass(s.client.SetUsername(ctx, counter, s.name()))
	}
}

// change is an operation that may well be refused: by orbctl, with an exit code.
func (s *changer) change(ctx context.Context, call runner.Call) {
	res, err := s.run.Run(ctx, call)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.report.Failed = append(s.report.Failed, fmt.Sprintf("%v: %v", call.Op, err))
		return
	}
	s.report.Ran = append(s.report.Ran, outcome{Argv: res.Argv[1:], Exit: res.Exit})
}

// look runs a script in a machine, if it is there and runs. That it ends with its
// machine's absence is no failure; that a change came between is for the record to
// tell.
func (s *changer) look(ctx context.Context, machine string) {
	info, err := s.client.Machine(ctx, machine)
	if err == nil && info.State == "running" {
		_, _, _ = s.client.NetworkFacts(ctx, info)
	}
}

// count adds one to a setting: two runs that nobody may come between.
func (s *changer) count(ctx context.Context, key string) {
	from, to, err := s.addOne(ctx, key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.report.Failed = append(s.report.Failed, fmt.Sprintf("count %s: %v", key, err))
		return
	}
	s.report.Counts = append(s.report.Counts, count{Key: key, From: from, To: to})
}

func (s *changer) addOne(ctx context.Context, key string) (from, to int, err error) {
	set := runner.Call{Op: runner.OpConfigSet, Args: []string{key, ""}}
	hold, err := s.run.Hold(ctx, set)
	if err != nil {
		return 0, 0, err
	}
	defer hold.Release()
	res, err := s.run.Run(ctx, runner.Call{Op: runner.OpConfigGet, Args: []string{key}, Under: hold})
	if err != nil {
		return 0, 0, err
	}
	if from, err = strconv.Atoi(strings.TrimSpace(res.Stdout)); err != nil {
		return 0, 0, err
	}
	to = from + 1
	set.Args[1], set.Under = strconv.Itoa(to), hold
	if res, err = s.run.Run(ctx, set); err == nil && res.Exit != 0 {
		err = fmt.Errorf("exit %d: %s", res.Exit, res.Stderr)
	}
	return from, to, err
}

// pass keeps what a change through the Client found and left.
func (s *changer) pass(change orbctl.ConfigChange, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || change.Unverified != nil {
		s.report.Failed = append(s.report.Failed, fmt.Sprintf("set %s: %v %v", change.Name, err, change.Unverified))
		return
	}
	s.report.Passed = append(s.report.Passed, passed{Key: change.Name, Before: change.Before.Value, After: change.After.Value})
}

// name is one that no other change uses.
func (s *changer) name() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names++
	return fmt.Sprintf("s%dn%d", s.server, s.names)
}
