package orbctl

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/untrusted"
)

// A Command is a user's command in a machine.
type Command struct {
	guest.Command
	User      string    // "": the machine's default user
	Stdin     io.Reader // nil: nothing; its Read must end by itself
	Clearance runner.Clearance
	Out       io.Writer // gets what the command writes on both streams as it comes, cleaned; must not block
}

// An Executed command has ended, in whatever way.
type Executed struct {
	User           string
	Exit           int
	Late           bool                // its time was up, and it was ended
	Flood          *runner.OutputError // it wrote more than the runner takes, and was ended for that: Exit is -1
	Took           time.Duration
	Stdout, Stderr string // cleaned, the first 24 KiB and the last 8 KiB of each
	Omitted        int64  // bytes left out between
}

// errNotContained is also the words for it.
var errNotContained = errors.New("the Mac's files are in the machine though it is called isolated")

// NotContained reports that a command for a contained machine was not started,
// since the machine turned out not to be contained.
func NotContained(err error) bool { return errors.Is(err, errNotContained) }

// Exec runs a command: one run of orbctl. The machine is as the caller has read it,
// and is read again, by an info more, when a person was asked meanwhile; one that
// does not run is not woken. An exit code is no error, and neither is a command that
// was ended because it wrote too much. When ctx ends, and then too, the command in
// the machine is ended as well, with a second run.
func (c *Client) Exec(ctx context.Context, m MachineInfo, command Command) (Executed, error) {
	if command.Clearance == runner.Approved { // the machine had time to become another one
		var err error
		if m, err = c.again(ctx, runner.OpExec, m); err != nil {
			return Executed{}, err
		}
	}
	if m.State != Running {
		return Executed{}, &Error{Kind: MachineNotRunning, Op: runner.OpExec, Machine: m.Name, State: m.State}
	}
	if err := c.mine(runner.OpExec, m.Machine); err != nil {
		return Executed{}, err
	}
	command.Contained = command.Clearance == runner.Contained
	script, args, limit, err := guest.Exec(command.Command)
	if err != nil {
		return Executed{}, err
	}
	call := runner.Call{
		Op: runner.OpExec, Machine: m.Name, User: command.User, Clearance: command.Clearance, Stdin: command.Stdin,
		Script: script, Mark: guest.NewMark(), Guest: args, Deadline: limit + margin,
	}
	stdout := runner.Ends()
	notes := &noteLines{mark: string(call.Mark), rest: command.Out, from: guest.Began}
	var out io.Writer = stdout
	if command.Out != nil {
		out = io.MultiWriter(stdout, command.Out)
	}
	call.Stdout, call.Stderr = output(call.Mark, out), notes
	res, err := c.inside(ctx, m, call)
	notes.close()
	flood, flooded := errors.AsType[*runner.OutputError](err)
	switch {
	case err != nil && ctx.Err() != nil:
		c.endCommand(ctx, m, call.Mark, res)
		return Executed{}, ended(ctx, call, res, err)
	case flooded && notes.said(guest.Began): // it is the command's doing, and no fault of OrbStack's
		c.endCommand(ctx, m, call.Mark, res)
	case err != nil:
		c.endCommand(ctx, m, call.Mark, res)
		return Executed{}, explain(call, res, err)
	case notes.said(guest.Open) && !notes.said(guest.Began):
		return Executed{}, &Error{Kind: NotAllowed, Op: call.Op, Machine: m.Name, Why: errNotContained.Error(), Err: errNotContained}
	case notes.said(guest.NoFolder) && !notes.said(guest.Began):
		return Executed{}, invalid("workdir", untrusted.Line(command.Dir), "is no folder of the machine that this user may enter")
	case !notes.said(guest.Began):
		return Executed{}, c.notBegun(ctx, m, call, res)
	}
	done := Executed{User: command.User, Exit: res.Exit, Late: notes.said(guest.Late), Flood: flood, Took: res.Took, Stdout: stdout.String()}
	if done.User == "" {
		done.User = m.Config.DefaultUsername
	}
	done.Stderr = withoutNotes(string(call.Mark), guest.Began, res.Stderr)
	done.Omitted = stdout.Omitted() + res.Omitted
	return done, nil
}

// endCommand ends what a run has left in the machine: killing orbctl does not
// (docs/security.md, threat 24). It has its own limit, for the call's time is over.
// That it failed is known to nobody but the command's own time limit, which holds
// anyway.
func (c *Client) endCommand(ctx context.Context, m MachineInfo, mark guest.Mark, res runner.Result) {
	if res.Argv == nil { // there was no process (runner.Run)
		return
	}
	script, args, limit := guest.Cancel(mark)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	own := runner.Call{Op: runner.OpProbe, Machine: m.Name, User: "root", Script: script, Mark: guest.NewMark(), Guest: args, Deadline: limit}
	_, _ = c.inside(ctx, m, own)
}

// notBegun is a run that ended before the script began.
func (c *Client) notBegun(ctx context.Context, m MachineInfo, call runner.Call, res runner.Result) error {
	if !userIsMissing(res) {
		return c.withNames(ctx, noAnswer(call, res))
	}
	user := call.User
	if user == "" {
		user = m.Config.DefaultUsername
	}
	missing := &Error{Kind: GuestUserMissing, Op: call.Op, Machine: m.Name, User: user, Raw: clip(res.Stderr)}
	if report, _, err := c.Users(ctx, m, user); err == nil {
		for _, a := range report.Accounts {
			if a.Login {
				missing.Have = append(missing.Have, a.Name)
			}
		}
		missing.Nearest = Nearest(user, missing.Have)
	}
	return missing
}

// noteLines takes the lines that begin with a mark out of a stream and passes the
// rest on.
type noteLines struct {
	mark  string
	rest  io.Writer // nil: nowhere
	from  string    // the note behind which the rest begins; "": it begins at once
	line  []byte    // so far, if it may yet be a note
	pass  bool      // the line that is coming is none
	notes []string
}

// Write never fails.
func (n *noteLines) Write(p []byte) (int, error) {
	for _, b := range p {
		if n.pass {
			n.line = append(n.line, b)
			if b == '\n' {
				n.flush()
			}
			continue
		}
		n.line = append(n.line, b)
		switch {
		case b == '\n':
			if note, ok := strings.CutPrefix(string(n.line), n.mark+" "); ok {
				n.notes = append(n.notes, strings.TrimSpace(note))
				n.line = n.line[:0]
			} else {
				n.flush()
			}
		case !strings.HasPrefix(n.mark+" ", string(n.line[:min(len(n.line), len(n.mark)+1)])):
			n.pass = true
		}
	}
	if n.pass && len(n.line) > 0 {
		n.write()
	}
	return len(p), nil
}

func (n *noteLines) flush() { n.write(); n.pass = false }

func (n *noteLines) write() {
	if n.rest != nil && (n.from == "" || n.said(n.from)) {
		_, _ = n.rest.Write(n.line)
	}
	n.line = n.line[:0]
}

func (n *noteLines) close() {
	if len(n.line) > 0 {
		n.write()
	}
}

func (n *noteLines) said(word string) bool { return slices.Contains(n.notes, word) }

// withoutNotes is a text without the lines that begin with the mark, and without what
// comes before the note from, if that is not "".
func withoutNotes(mark, from, text string) string {
	var b bytes.Buffer
	n := &noteLines{mark: mark, rest: &b, from: from}
	_, _ = n.Write([]byte(text))
	n.close()
	return b.String()
}
