package orbsim

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"orbstack-mcp/internal/orbsim/cli"
	"orbstack-mcp/internal/orbsim/wire"
	"orbstack-mcp/internal/orbsim/worldfile"
)

// runFlags are the flags of run. The real program reads them itself: flag
// parsing stops at the first guest word, and -- is an unknown flag.
type runFlags struct {
	machine, user, dir string
	shell, path, help  bool
}

func parseRun(args []string) (f runFlags, guest []string, err error) {
	values := map[string]*string{"m": &f.machine, "machine": &f.machine, "u": &f.user, "user": &f.user, "w": &f.dir, "workdir": &f.dir}
	bools := map[string]*bool{"s": &f.shell, "shell": &f.shell, "p": &f.path, "path": &f.path, "h": &f.help, "help": &f.help}
	for len(args) > 0 {
		word := args[0]
		if !strings.HasPrefix(word, "-") || word == "-" {
			return f, args, nil
		}
		args = args[1:]
		name, value, given := strings.Cut(strings.TrimLeft(word, "-"), "=")
		if !strings.HasPrefix(word, "--") && len(name) > 1 { // -mNAME
			name, value, given = word[1:2], strings.TrimPrefix(word[2:], "="), true
		}
		if b := bools[name]; b != nil && !given {
			*b = true
			continue
		}
		v := values[name]
		if v == nil || word == "--" {
			return f, nil, fail(1, "Error: unknown flag %s", word)
		}
		if !given {
			if len(args) == 0 {
				return f, nil, fail(1, "Error: flag needs an argument: %s", word)
			}
			value, args = args[0], args[1:]
		}
		*v = value
	}
	return f, nil, nil
}

func (c *call) runCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "run [flags] COMMAND [ARGS]...", Short: "Run a command on Linux", DisableFlagParsing: true,
		Long: "Run a command on Linux, in the default machine or the one given with -m.\n\n" +
			"Flags:\n  -m, --machine string   use a specific machine\n  -p, --path             translate absolute macOS paths to Linux paths\n" +
			"  -s, --shell            run in a login shell\n  -u, --user string      run as a specific user\n  -w, --workdir string   set the working directory\n",
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f, guest, err := parseRun(args)
		if err != nil {
			return err
		}
		if f.help {
			return cmd.Help()
		}
		switch {
		case len(guest) == 0:
			guest = []string{"sh"}
		case f.shell:
			guest = []string{"sh", "-c", strings.Join(guest, " ")}
		}
		if err := c.up(c.d.life, true); err != nil {
			return err
		}
		m, err := c.target(f.machine)
		if err != nil {
			return err
		}
		if err := c.boot(c.d.life, m); err != nil { // run boots a stopped machine [stated, twice]
			return err
		}
		return c.guestCommand(cmd.Context(), m, f, guest)
	}
	return cmd
}

// guestCommand answers by a rule of the world, or lets the machine do it.
func (c *call) guestCommand(ctx context.Context, m *machine, f runFlags, argv []string) error {
	c.d.mu.Lock()
	spec, guest := m.spec, m.guest
	c.d.mu.Unlock()
	if guest == nil {
		return fail(1, "[-32098] machine is not running: '%s'", spec.Name)
	}
	if r := c.d.ruleFor(spec.Name, argv); r != nil {
		c.rule = r.Argv
		c.swallowStdin()
		sleep(ctx, r.Delay)
		c.print(r.Stdout, r.Stderr)
		c.exit = r.Exit
		return nil
	}
	g := GuestCommand{Argv: argv, User: f.user, Dir: f.dir, Env: c.forwardedEnv()}
	if g.User == "" {
		g.User = spec.DefaultUsername
	}
	if g.Dir == "" {
		dir, err := c.macDir(spec, guest)
		if err != nil {
			return err
		}
		g.Dir = dir
	}
	exit, err := c.stream(ctx, guest, g)
	c.exit = exit
	return c.runError(err)
}

// swallowStdin lets the client pass its stdin on, for the record of a command
// that a rule answers: to its end, or until nothing more comes for a while.
func (c *call) swallowStdin() {
	p, err := newPipes()
	if err != nil || c.captured {
		return
	}
	defer p.close()
	if err := c.wire.SendFiles(wire.Streams, p.client); err != nil {
		return
	}
	p.client[0].Close()
	buf := make([]byte, 64<<10)
	for {
		_ = p.guest[0].SetReadDeadline(time.Now().Add(cli.Idle)) // a pipe has deadlines
		if _, err := p.guest[0].Read(buf); err != nil {
			return
		}
	}
}

func (c *call) runError(err error) error {
	var gap *GapError
	var unknown *UnknownUserError
	switch {
	case err == nil, errors.Is(err, errClientGone):
		return nil
	case errors.As(err, &gap):
		c.gap = true
		return fail(126, "%s", gap)
	case errors.As(err, &unknown):
		return fail(1, "%s", unknown)
	default:
		return fail(1, "[-32098] run: %v", err)
	}
}

func (d *Daemon) ruleFor(machine string, argv []string) *worldfile.GuestRule {
	line := strings.Join(argv, " ")
	for i := range d.rules {
		r := &d.rules[i]
		if (r.Machine == "" || r.Machine == machine) && r.argv.MatchString(line) {
			return &r.GuestRule
		}
	}
	return nil
}

// forwardedEnv has the names that ORBENV lists, and nothing else.
func (c *call) forwardedEnv() []string {
	var env []string
	for name := range strings.SplitSeq(c.getenv("ORBENV"), ":") {
		if value := c.getenv(name); name != "" && value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// macDir is where a command without -w starts: the Mac's own path. It exists
// in a normal machine of the real OrbStack; here it may not, and then the home
// stands in for it. In an isolated machine it does not exist at all [stated].
func (c *call) macDir(spec worldfile.Machine, guest Guest) (string, error) {
	exit, err := guest.Run(c.d.life, GuestCommand{Argv: []string{"test", "-d", c.req.Cwd}, User: "root", Dir: "/"})
	switch {
	case err == nil && exit == 0:
		return c.req.Cwd, nil
	case spec.Isolated:
		return "", fail(1, "[-32098] run: chdir %s: no such file or directory", c.req.Cwd)
	default:
		return "", nil
	}
}

// stream runs a guest command with pipes whose other ends the client gets. The
// command goes on when the client leaves; what it prints then is read and
// dropped, so that it doesn't die of a broken pipe.
func (c *call) stream(ctx context.Context, guest Guest, g GuestCommand) (int, error) {
	p, err := newPipes()
	if err != nil {
		return 1, err
	}
	g.Stdin, g.Stdout, g.Stderr = p.guest[0], p.guest[1], p.guest[2]
	if c.captured {
		defer context.AfterFunc(c.d.life, p.closeClient)()
		p.client[0].Close()
		drained := p.drain(&c.d.work, c.stdout, c.stderr)
		exit, err := guest.Run(c.d.life, g)
		p.closeGuest()
		<-drained
		return exit, err
	}
	if err := c.wire.SendFiles(wire.Streams, p.client); err != nil {
		p.close()
		return 1, errClientGone
	}
	p.client[0].Close()
	type ended struct {
		exit int
		err  error
	}
	done := make(chan ended, 1)
	c.d.work.Go(func() {
		exit, err := guest.Run(c.d.life, g)
		p.closeGuest()
		done <- ended{exit, err}
	})
	defer c.d.work.Go(func() { // after the client: nobody else reads
		<-ctx.Done()
		defer context.AfterFunc(c.d.life, p.closeClient)() // what the guest left behind may hold the pipes
		var none sync.WaitGroup
		<-p.drain(&none, io.Discard, io.Discard)
		p.closeClient()
	})
	select {
	case e := <-done:
		return e.exit, e.err
	case <-ctx.Done():
		return 1, errClientGone
	}
}

// pipes are the three streams of a guest command: the guest's ends and the
// other ones, in the order stdin, stdout, stderr.
type pipes struct{ guest, client [3]*os.File }

func newPipes() (*pipes, error) {
	p := &pipes{}
	for i := range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			p.close()
			return nil, err
		}
		if i == 0 {
			p.guest[i], p.client[i] = r, w
		} else {
			p.guest[i], p.client[i] = w, r
		}
	}
	return p, nil
}

func (p *pipes) close()       { p.closeGuest(); p.closeClient() }
func (p *pipes) closeGuest()  { closeAll(p.guest[:]) }
func (p *pipes) closeClient() { closeAll(p.client[:]) }

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close() // closing twice is harmless
		}
	}
}

// drain copies stdout and stderr of the guest until both have ended.
func (p *pipes) drain(wg *sync.WaitGroup, stdout, stderr io.Writer) <-chan struct{} {
	done := make(chan struct{})
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(stdout, p.client[1]) }) // ends with the pipe
	both.Go(func() { _, _ = io.Copy(stderr, p.client[2]) })
	wg.Go(func() { both.Wait(); close(done) })
	return done
}
