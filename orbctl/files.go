package orbctl

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"time"

	"orbstack-mcp/orbctl/folders"
	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/untrusted"
)

// A Place is a file in a machine.
type Place struct {
	Machine string
	ID      string // of the machine, if it must be that one: MachineChanged otherwise
	User    string // "": the machine's default user
	Path    string // absolute, or from that user's home folder on, with or without ~/
	// Clearance is why a file may be put there; nothing for one that is read.
	Clearance runner.Clearance
}

// A Transfer is a file that has arrived.
type Transfer struct {
	Machine MachineInfo // that it went to, or came from if it went to the Mac
	Path    string      // that it has now, one line of clean text
	Bytes   int64
	Mode    fs.FileMode // permission bits
	Took    time.Duration
}

// Progress is told of bytes that have passed, of how many; often, and never by two
// goroutines at once. It must not block. nil is nobody.
type Progress func(done, total int64)

// fileLimit is how long a file may take.
const fileLimit = 10 * time.Minute

// Push puts a file of the Mac into a machine that runs: info and one run. It is
// there when all of it has come, and otherwise nothing of it is; a file that was
// there is kept unless overwrite, and then until the new one is whole. A path that
// is a folder means the file in it. The errors name the arguments source and
// destination.
func (c *Client) Push(ctx context.Context, mac *folders.Allowed, source string, to Place, overwrite bool, progress Progress) (Transfer, error) {
	file, err := mac.Read(source)
	if err != nil {
		return Transfer{}, onMac("source", err)
	}
	defer func() { _ = file.Close() }()
	m, err := c.running(ctx, runner.OpPut, to)
	if err != nil {
		return Transfer{}, err
	}
	in := &counted{from: file, total: file.Size, progress: progress}
	return c.put(ctx, m, to, guest.Putting{Name: filepath.Base(file.Path), Size: file.Size, Mode: uint32(file.Mode), Overwrite: overwrite}, in, nil)
}

// Pull gets a file out of a machine that runs: info and one run. The rest is as
// with Push.
func (c *Client) Pull(ctx context.Context, mac *folders.Allowed, from Place, destination string, overwrite bool, progress Progress) (Transfer, error) {
	m, err := c.running(ctx, runner.OpGet, from)
	if err != nil {
		return Transfer{}, err
	}
	var target *folders.Target
	out := &arrival{progress: progress, open: func(size int64, mode fs.FileMode) (io.Writer, error) {
		var err error
		if target, err = mac.Create(destination, path.Base(from.Path), mode, overwrite); err != nil {
			return nil, err // not target: a nil *Target is no nil Writer
		}
		return target, nil
	}}
	took, err := c.get(ctx, m, from, out, nil)
	if target == nil {
		return Transfer{}, onMac("destination", err)
	}
	defer target.Discard()
	if err == nil {
		err = target.Commit()
	}
	if err != nil {
		return Transfer{}, onMac("destination", err)
	}
	return Transfer{Machine: m, Path: target.Path, Bytes: out.size, Mode: out.mode, Took: took}, nil
}

// running reads the machine of a place, which is not woken.
func (c *Client) running(ctx context.Context, op runner.Op, p Place) (MachineInfo, error) {
	m, err := c.Machine(ctx, p.Machine)
	switch {
	case err != nil:
		return MachineInfo{}, err
	case p.ID != "" && m.ID != p.ID:
		return MachineInfo{}, &Error{Kind: MachineChanged, Op: op, Machine: m.Name, WantID: p.ID, HaveID: m.ID}
	case m.State != Running:
		return MachineInfo{}, &Error{Kind: MachineNotRunning, Op: op, Machine: m.Name, State: m.State}
	}
	if op == runner.OpPut {
		err = c.mine(op, m.Machine)
	}
	return m, err
}

// onMac is what a *folders.PathError somewhere in err means; another error stays.
func onMac(field string, err error) error {
	bad, ok := errors.AsType[*folders.PathError](err)
	if !ok {
		return err
	}
	e := &Error{Path: untrusted.Line(bad.Path), Why: bad.Why, Err: err}
	switch bad.Kind {
	case folders.NotAllowed:
		e.Kind = NotAllowed
	case folders.Exists:
		e.Kind = FileExists
	case folders.NoSpace:
		e.Kind = DiskQuotaFull
	default:
		e.Kind, e.Problems, e.Why = InvalidArgument, []Problem{{Field: field, Value: e.Path, Why: bad.Why}}, ""
	}
	return e
}

// put is one run that writes in to a machine.
func (c *Client) put(ctx context.Context, m MachineInfo, to Place, p guest.Putting, in io.Reader, places *runner.Places) (Transfer, error) {
	p.Path, p.Contained, p.Limit = to.Path, to.Clearance == runner.Contained, fileLimit
	script, args, limit, err := guest.Put(p)
	if err != nil {
		return Transfer{}, badTarget(err)
	}
	call := runner.Call{
		Op: runner.OpPut, Machine: m.Name, User: to.User, Clearance: to.Clearance, Stdin: in, In: places,
		Script: script, Mark: guest.NewMark(), Guest: args, Deadline: limit + margin,
	}
	notes := &noteLines{mark: string(call.Mark)}
	call.Stderr = notes
	res, err := c.inside(ctx, m, call)
	notes.close()
	if err != nil {
		c.endCommand(ctx, m, call.Mark, res)
		return Transfer{}, ended(ctx, call, res, err)
	}
	what, rest := notes.last()
	if what != guest.Written {
		return Transfer{}, c.refusedFile(ctx, m, call, "destination", what, rest, to.Path, res)
	}
	return Transfer{Machine: m, Path: rest, Bytes: p.Size, Mode: fs.FileMode(p.Mode).Perm(), Took: res.Took}, nil
}

// get is one run that reads a file of a machine into out.
func (c *Client) get(ctx context.Context, m MachineInfo, from Place, out *arrival, places *runner.Places) (time.Duration, error) {
	script, args, limit, err := guest.Get(from.Path, fileLimit)
	if err != nil {
		return 0, badTarget(err)
	}
	call := runner.Call{
		Op: runner.OpGet, Machine: m.Name, User: from.User, In: places,
		Script: script, Mark: guest.NewMark(), Guest: args, Deadline: limit + margin,
	}
	out.begin(ctx, string(call.Mark))
	call.Raw, call.Stderr = output(call.Mark, out), &out.notes
	res, err := c.inside(ctx, m, call)
	out.notes.close()
	what, rest := out.notes.last()
	switch {
	case out.err != nil && ctx.Err() == nil:
		return res.Took, out.err
	case err != nil:
		c.endCommand(ctx, m, call.Mark, res)
		return res.Took, ended(ctx, call, res, err)
	case what == guest.Whole:
		return res.Took, out.finish()
	}
	return res.Took, c.refusedFile(ctx, m, call, "source", what, rest, from.Path, res)
}

// What cat, mv and the shells say (strerror(3) in the C locale, which the scripts
// set).
var (
	fullDisk = regexp.MustCompile(`(?i)no space left on device|disk quota exceeded`)
	noRights = regexp.MustCompile(`(?i)permission denied|operation not permitted`)
	readOnly = regexp.MustCompile(`(?i)read-only file system`)
)

// refusedFile is the error of a run that did not come to its good end: what is its
// last note, rest what stands behind it.
func (c *Client) refusedFile(ctx context.Context, m MachineInfo, call runner.Call, field, what, rest, asked string, res runner.Result) error {
	said := withoutNotes(string(call.Mark), "", res.Stderr)
	e := &Error{Kind: InvalidArgument, Op: call.Op, Machine: m.Name, Path: untrusted.Line(asked)}
	bad := func(why string) error {
		e.Problems = []Problem{{Field: field, Value: e.Path, Why: why}}
		return e
	}
	switch what {
	case guest.Open:
		e.Kind, e.Why, e.Err = NotAllowed, errNotContained.Error(), errNotContained
	case guest.Exists:
		e.Kind, e.Path = FileExists, rest
	case guest.NoSuchFile:
		return bad("is not there, or this user may not look into its folder")
	case guest.NoParent:
		return bad("is in a folder that the machine does not have, or that this user may not look into")
	case guest.IsFolder:
		return bad("is a folder, and only single files can be passed: pack it with tar in the machine first")
	case guest.IsSpecial:
		return bad("is a FIFO, a socket or a device, and not a regular file")
	case guest.NoHome:
		return bad("needs the user's home folder, which cannot be entered: give an absolute path")
	case guest.NoStat:
		e.Kind, e.Tools = GuestToolMissing, []string{"stat"}
	case guest.Late:
		e.Kind, e.After = Timeout, fileLimit
	case guest.Changed, guest.FileThere:
		e.Kind, e.Why = OrbctlFailed, "the file changed or could not be read to its end, so nothing of it was kept"
		e.Raw = clip(said)
	case guest.Torn:
		e.Kind, e.Why = OrbctlFailed, "not all bytes came to the machine, so nothing of the file was kept"
	case guest.NoWrite, guest.NoRead:
		e.Raw = clip(said)
		switch {
		case fullDisk.MatchString(said):
			e.Kind, e.Why = DiskQuotaFull, "no space is left in the machine"
		case readOnly.MatchString(said):
			return bad("is on a file system of the machine that is read-only")
		case noRights.MatchString(said):
			return bad("may not be used by this user of the machine")
		default:
			e.Kind, e.Why = OrbctlFailed, "the machine could not write or read the file"
		}
	default:
		return c.notBegun(ctx, m, call, res)
	}
	return e
}
