package runner

import (
	"path/filepath"
	"time"

	"orbstack-mcp/orbctl/runner/confine"
)

// A Class is what an operation can do, from harmless to not.
type Class int

// The classes.
const (
	Read    Class = iota // looks, on the Mac
	Probe                // looks, inside a machine: one of our own scripts
	Add                  // makes something new
	Change               // changes what is there
	Destroy              // takes away what cannot be brought back
	Exec                 // runs a user's command in a machine, or puts a user's file there
)

// String is the class in lower case.
func (c Class) String() string {
	names := [...]string{"read", "probe", "add", "change", "destroy", "exec"}
	if c < 0 || int(c) >= len(names) {
		return "unknown"
	}
	return names[c]
}

// An Op is an operation of the table.
type Op string

// The operations. Bare start and stop, reset, update, login, logout, migrate,
// debug and usb are none, so they cannot be built.
const (
	OpStatus     Op = "status"
	OpVersion    Op = "version"
	OpHelp       Op = "help"
	OpList       Op = "list"
	OpInfo       Op = "info"
	OpDefault    Op = "default"
	OpConfigShow Op = "config-show"
	OpConfigGet  Op = "config-get"
	OpConfigSet  Op = "config-set"
	OpLogs       Op = "logs"
	OpProbe      Op = "probe"
	OpCreate     Op = "create"
	OpStart      Op = "start"
	OpStop       Op = "stop"
	OpForceStop  Op = "force-stop" // without a shutdown: what was not written is lost
	OpRestart    Op = "restart"
	OpRename     Op = "rename"
	OpClone      Op = "clone"
	OpDefaultSet Op = "default-set"
	OpDelete     Op = "delete"
	OpExec       Op = "exec"
	OpPut        Op = "put" // a file into a machine, which may be a program that runs there
	OpGet        Op = "get"
	OpExport     Op = "export"
	OpImport     Op = "import"
)

// Changes reports whether an operation may leave something changed behind.
func (o Op) Changes() bool {
	row, ok := table[o]
	return ok && row.class != Read && row.class != Probe
}

// laneName says which places an operation takes.
type laneName int

const (
	short laneName = iota
	long
)

// bound says how much of stdout there may be, and how much of it is kept when the
// caller gives no writer.
type bound int

const (
	whole  bound = iota // up to 4 MiB, more is an error: it is going to be parsed
	ends                // any amount: the first 24 KiB and the last 8 KiB are kept
	capped              // likewise, and more than 16 MiB is an error, also with a writer
)

// row is all there is to say about an operation.
type row struct {
	class    Class
	argv     func(Call) ([]string, error)
	takes    field
	deadline time.Duration
	lane     laneName
	stdout   bound
	ungated  bool // asks nothing of OrbStack, so it may run while OrbStack does not
}

// longAfter is the deadline above which any call takes a long place: a follower
// must not hold up a list.
const longAfter = 30 * time.Second

// table is the closed list. Deadlines: twice the times of docs/orbctl-contract.md
// §5. A probe's caller knows its script's own limit and gives one that is longer.
var table = map[Op]row{
	OpStatus:     {class: Read, argv: statusArgv, deadline: 10 * time.Second, ungated: true},
	OpVersion:    {class: Read, argv: versionArgv, deadline: 10 * time.Second, ungated: true},
	OpHelp:       {class: Read, argv: helpArgv, takes: fieldArgs, deadline: 10 * time.Second, ungated: true},
	OpList:       {class: Read, argv: listArgv, deadline: 10 * time.Second},
	OpInfo:       {class: Read, argv: infoArgv, takes: fieldMachine, deadline: 10 * time.Second},
	OpDefault:    {class: Read, argv: defaultArgv, deadline: 10 * time.Second},
	OpConfigShow: {class: Read, argv: configShowArgv, deadline: 10 * time.Second},
	OpConfigGet:  {class: Read, argv: configGetArgv, takes: fieldArgs, deadline: 10 * time.Second},
	OpConfigSet:  {class: Change, argv: configSetArgv, takes: fieldArgs, deadline: 10 * time.Second},
	OpLogs:       {class: Read, argv: logsArgv, takes: fieldMachine | fieldVerbose, deadline: 15 * time.Second, lane: long, stdout: ends},
	OpProbe:      {class: Probe, argv: probeArgv, takes: fieldMachine | fieldScript, deadline: 15 * time.Second},
	OpCreate:     {class: Add, argv: createArgv, takes: fieldNewName | fieldCreate, deadline: 10 * time.Minute, lane: long},
	OpStart:      {class: Change, argv: namedArgv("start"), takes: fieldMachine, deadline: 60 * time.Second},
	OpStop:       {class: Change, argv: namedArgv("stop"), takes: fieldMachine, deadline: 60 * time.Second},
	OpForceStop:  {class: Destroy, argv: namedArgv("stop", "-f"), takes: fieldMachine, deadline: 60 * time.Second},
	OpRestart:    {class: Change, argv: namedArgv("restart"), takes: fieldMachine, deadline: 60 * time.Second},
	OpRename:     {class: Change, argv: newNameArgv("rename"), takes: fieldMachine | fieldNewName, deadline: 60 * time.Second},
	OpClone:      {class: Add, argv: newNameArgv("clone"), takes: fieldMachine | fieldNewName, deadline: 10 * time.Minute},
	OpDefaultSet: {class: Change, argv: defaultSetArgv, takes: fieldArgs, deadline: 10 * time.Second},
	OpDelete:     {class: Destroy, argv: namedArgv("delete", "-f"), takes: fieldMachine, deadline: 60 * time.Second},
	OpExec:       {class: Exec, argv: execArgv, takes: fieldMachine | fieldScript, deadline: 60 * time.Second, lane: long, stdout: capped},
	OpPut:        {class: Exec, argv: probeArgv, takes: fieldMachine | fieldScript, deadline: 10 * time.Minute, lane: long},
	OpGet:        {class: Probe, argv: probeArgv, takes: fieldMachine | fieldScript, deadline: 10 * time.Minute, lane: long},
	OpExport:     {class: Add, argv: exportArgv, takes: fieldMachine | fieldFile, deadline: 10 * time.Minute, lane: long},
	OpImport:     {class: Add, argv: importArgv, takes: fieldNewName | fieldFile, deadline: 10 * time.Minute, lane: long},
}

// laneFor is where a call with this deadline waits for its place.
func (r row) laneFor(deadline time.Duration) laneName {
	if deadline > longAfter {
		return long
	}
	return r.lane
}

// allow is the policy, whatever the tools above let through.
func (r row) allow(call Call, readOnly bool, exec ExecPolicy, pinned pins) error {
	refuse := func(why string) error { return &RefusedError{Op: call.Op, Class: r.class, Why: why} }
	switch {
	case readOnly && r.class != Read && r.class != Probe:
		return &RefusedError{Op: call.Op, Class: r.class, Why: "the server runs read-only", Flag: "--read-only"}
	case pinned.allow(call, r.class) != nil:
		return pinned.allow(call, r.class)
	case r.guest() && call.Script.Zero():
		return refuse("only the scripts that are built in may run in a machine, and none was given")
	case r.guest() && call.State != "running":
		return refuse("the machine is not running, and orbctl run would boot it")
	case r.class == Exec,
		!call.Create.zero() && call.Create.UserData != "", // cloud-init runs what it is told
		call.Op == OpImport: // nobody knows what runs in it, and with which walls
		return exec.allow(call)
	}
	return nil
}

// profile is what orbctl may do to the files of the Mac for a call.
func (r row) profile(call Call) (p confine.Profile) {
	switch {
	case !call.Create.zero():
		p.ReadPath = call.Create.UserData
	case call.Op == OpImport:
		p.ReadPath = call.File
	case call.Op == OpExport:
		p.WriteDir = filepath.Dir(call.File)
	}
	return p
}

// guest reports an operation that runs something in a machine.
func (r row) guest() bool { return r.class == Probe || r.class == Exec }
