package tools

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
	"orbstack-mcp/orbctl/runner"
)

// words are those of an error of orbctl or its runner, by its kind.
func words(e *orbctl.Error) *failure {
	switch e.Kind {
	case orbctl.InvalidArgument:
		return wordsOfInvalid(e)
	case orbctl.OrbctlNotFound:
		return wordsOfBinary(e)
	case orbctl.OrbStackNotRunning:
		return &failure{
			Message: "OrbStack is not running.", Retryable: true,
			Hint: "This server never starts it. Ask the user to open the OrbStack app, or to run orbctl start, and call again.",
		}
	case orbctl.OrbStackStarting:
		return &failure{
			Message: "OrbStack is starting and cannot answer yet.", Retryable: true,
			Hint: "Wait a few seconds and call orbstack_status. If it stays so for more than two minutes, ask the user to look at the OrbStack app.",
		}
	case orbctl.OrbStackNotReached:
		return &failure{
			Message: "OrbStack cannot be reached from here: " + orElse(e.Why, "its sockets in ~/.orbstack/run are hidden from this process") + ". It may well be running.",
			Hint:    "Most likely a sandbox around the assistant hides them. Ask the user to allow ~/.orbstack/run in that sandbox, or to start this server outside it.",
		}
	case orbctl.MachineNotFound:
		return wordsOfMissing(e)
	case orbctl.MachineNotRunning:
		f := &failure{
			Message: fmt.Sprintf("The machine %q is %s, and this tool starts none.", e.Machine, orElse(e.State, "not running")),
			Hint:    "If it should run, vm_start starts it.",
			Details: details{Machine: e.Machine, State: e.State}, Retryable: true,
		}
		if e.State == orbctl.Starting {
			f.Message, f.Hint = fmt.Sprintf("The machine %q is starting and cannot be asked yet.", e.Machine), "Call again in a moment."
		}
		return f
	case orbctl.UnsupportedVersion:
		return wordsOfVersion(e)
	case orbctl.NotAllowed:
		return wordsOfRefused(e)
	case orbctl.Timeout:
		return wordsOfTimeout(e)
	case orbctl.Busy:
		if e.Why != "" {
			return &failure{
				Message: upper(e.Why) + ". Nothing was done.", Retryable: true,
				Hint: "Somebody else, perhaps another assistant, works on it. Look at its state and call again when that is done.",
			}
		}
		return &failure{Message: "Too many calls are waiting for OrbStack.", Hint: "Call again when some of the earlier calls have been answered.", Retryable: true}
	case orbctl.GuestToolMissing:
		return wordsOfTools(e)
	case orbctl.GuestUserMissing:
		return &failure{
			Message: fmt.Sprintf("The machine %q has no user %q. Nothing was changed.", e.Machine, e.User),
			Hint:    "Users it has: " + listOr(e.Have, "none could be read") + nearest(e.Nearest) + ".",
			Details: details{Machine: e.Machine, Users: e.Have, Nearest: e.Nearest},
		}
	case orbctl.OutputLimit:
		return &failure{
			Message: fmt.Sprintf("%s printed more than %d bytes and was ended.", command(e), e.Limit),
			Hint:    may(e) + "OrbStack never says so much here, so something is wrong with it: tell the user. Call orbstack_status to see whether it is well.",
			Details: details{Machine: e.Machine, Key: e.Key},
		}
	case orbctl.OrbctlFailed:
		return wordsOfFailed(e)
	case orbctl.MachineExists, orbctl.MachineChanged, orbctl.DiskQuotaFull, orbctl.FileExists, orbctl.Internal:
		return wordsOfRare(e)
	}
	return &failure{Message: upper(e.Error()) + ".", Hint: "Please report it, with the arguments of the call."}
}

func wordsOfInvalid(e *orbctl.Error) *failure {
	problems := make([]string, 0, len(e.Problems))
	for _, p := range e.Problems {
		problems = append(problems, strings.TrimSpace(p.Field+" "+p.Why))
	}
	if len(problems) == 0 && e.Why != "" {
		problems = append(problems, e.Why)
	}
	f := invalid(problems...)
	f.Details.Key, f.Details.Nearest = e.Key, e.Nearest
	switch {
	case len(e.Nearest) > 0:
		f.Hint = "Did you mean " + strings.Join(e.Nearest, " or ") + "?"
	case e.Key != "" && len(e.Have) > 0: // the key is none of those
		f.Hint = "orbstack_config_get without key lists them."
	}
	if e.Op == runner.OpCreate && len(e.Have) > 0 { // it is for orbctl to say which there are
		f.Hint = strings.TrimSpace(f.Hint + " Known are " + strings.Join(e.Have, ", ") + ". What OrbStack said:")
		f.Details.Output = clip(e.Raw)
	}
	return f
}

func wordsOfBinary(e *orbctl.Error) *failure {
	f := &failure{
		Message: "orbctl, the command of OrbStack, was not found or cannot be trusted.",
		Hint:    "Ask the user to install OrbStack, or to start this server with --orbctl PATH (or ORBSTACK_MCP_ORBCTL=PATH).",
		Details: details{Flag: "--orbctl"},
	}
	var b *runner.BinaryError
	if errors.As(e, &b) {
		f.Message = b.Error() + "."
	}
	return f
}

func wordsOfRefused(e *orbctl.Error) *failure {
	f := &failure{
		Message: "This server may not do that: " + orElse(e.Why, "its policy refuses "+string(e.Op)) + ".",
		Hint:    "The user decides this when starting the server; nothing in a conversation can change it.",
		Details: details{Machine: e.Machine, Key: e.Key, Flag: e.Flag},
	}
	switch e.Flag {
	case "":
	case "--exec":
		f.Hint = "The user decides this with --exec when starting the server; nothing in a conversation can change it."
	default:
		f.Hint = "The user has started this server with " + e.Flag + ". " + onlyTheUser
	}
	if e.Path != "" {
		f.Message = fmt.Sprintf("This server may not use %s: it %s. Nothing was changed.", e.Path, e.Why)
		f.Hint = "The user can allow a folder with --allow-path FOLDER when starting the server; nothing in a conversation can."
		f.Details.Flag = "--allow-path"
	}
	var audit *runner.AuditError
	if errors.As(e, &audit) {
		f.Hint = "Nothing was done: what deletes or executes needs a record. Ask the user to free the disk or to mend what is wrong with that file, " +
			"or to restart this server with --audit-log PATH, or with --audit-log off to do without records."
		f.Details.Flag = "--audit-log"
	}
	var lock *runner.LockError
	if errors.As(e, &lock) {
		f.Hint = "Nothing was changed: without it, two servers could change the same thing at once. Ask the user to mend what is wrong with that file or its disk."
	}
	return f
}

func wordsOfVersion(e *orbctl.Error) *failure {
	what := upper(orElse(e.Feature, "this"))
	switch {
	case e.Key != "":
		what = "The setting " + e.Key
	case e.Feature == string(orbctl.MachineLimits):
		what = "A limit for one machine"
	}
	f := &failure{
		Message: fmt.Sprintf("%s needs OrbStack %s or newer; %s is running. Nothing was changed.", what, e.Needs, e.Running),
		Hint:    "Ask the user to update OrbStack.",
		Details: details{Key: e.Key, Needs: e.Needs, Running: e.Running.String()},
	}
	if e.Feature == string(orbctl.MachineLimits) {
		f.Hint += " Until then there are only the keys cpu and memory_mib, which all machines share."
	}
	return f
}

func wordsOfMissing(e *orbctl.Error) *failure {
	if e.Machine == "" {
		f := &failure{
			Message: "No machine was named, and OrbStack names no default machine.",
			Hint:    "Name one with the argument machine. There are: " + listOr(e.Have, "") + ".",
			Details: details{Machines: orNil(e.Have)},
		}
		switch {
		case e.Have == nil:
			f.Hint = "Name one with the argument machine. vm_list shows which there are."
		case len(e.Have) == 0:
			f.Message = "No machine was named, and OrbStack has none yet."
			f.Hint = "If the user wants one, vm_create makes it."
		}
		return f
	}
	f := &failure{
		Message: fmt.Sprintf("No machine named %q. There are: %s.", e.Machine, listOr(e.Have, "")),
		Hint:    "vm_list shows them with their states.",
		Details: details{Machine: e.Machine, Machines: orNil(e.Have), Nearest: e.Nearest},
	}
	switch {
	case e.Have == nil:
		f.Message = fmt.Sprintf("No machine named %q.", e.Machine)
		f.Hint = "vm_list shows which there are."
	case len(e.Have) == 0:
		f.Message = fmt.Sprintf("No machine named %q: there are none yet.", e.Machine)
		f.Hint = "If the user wants one, vm_create makes it."
	case len(e.Nearest) > 0:
		f.Hint = "Did you mean " + strings.Join(e.Nearest, " or ") + "?"
	}
	return f
}

func wordsOfTimeout(e *orbctl.Error) *failure {
	f := &failure{
		Message:   fmt.Sprintf("%s did not end within %s and was stopped.", command(e), e.After.Round(100*time.Millisecond)),
		Hint:      "OrbStack or the machine may be busy. Call orbstack_status, then try once more.",
		Retryable: true, Details: details{Machine: e.Machine, Key: e.Key},
	}
	if e.After == 0 { // orbctl's own patience
		f.Message = command(e) + " gave up before it was done."
	}
	if e.State != "" { // it ended, and what it was to bring about did not come
		f.Message = fmt.Sprintf("%s ended, and yet the machine was %s still %s later.", command(e), e.State, e.After.Round(100*time.Millisecond))
		f.Details.State = e.State
	}
	if e.MayFinish {
		f.Hint, f.Retryable = may(e)+"Call orbstack_status to see whether OrbStack is well.", false
	}
	return f
}

func wordsOfTools(e *orbctl.Error) *failure {
	missing := &guest.ToolMissingError{Wanted: e.Tools, Distro: e.Distro}
	return &failure{
		Message: fmt.Sprintf("In %q: %s.", e.Machine, missing),
		Hint:    "Installing it changes the machine: ask the user first.",
		Details: details{Machine: e.Machine, Tools: e.Tools},
	}
}

func wordsOfFailed(e *orbctl.Error) *failure {
	what := fmt.Sprintf("%s failed with exit code %d", command(e), e.Exit)
	exit := e.Exit
	switch {
	case e.Crashed:
		what = command(e) + " crashed"
	case e.Signal != "":
		what, exit = fmt.Sprintf("%s was ended by %s", command(e), e.Signal), 0
	case e.Unreadable:
		what = fmt.Sprintf("%s answered with something this server cannot read: %s", command(e), e.Why)
	case e.Why != "":
		what = command(e) + ": " + e.Why
	}
	f := &failure{Message: what + ".", Retryable: !e.Crashed, Details: details{Machine: e.Machine, Key: e.Key, Exit: exit, Output: clip(e.Raw)}}
	f.Hint = "Call orbstack_status to see whether OrbStack is well; tell the user if it happens again."
	switch {
	case e.MayFinish:
		f.Hint, f.Retryable = may(e)+f.Hint, false
	case e.Why != "" && (e.Op == runner.OpPut || e.Op == runner.OpGet):
		f.Hint = "OrbStack need not be at fault. Look at the file in the machine, and call again if it is as it should be."
	case e.Op == runner.OpConfigSet:
		f.Hint, f.Retryable = "OrbStack seems to have refused the key or the value: look with orbstack_config_get before trying another.", false
	}
	if f.Details.Output != "" {
		f.Hint += " What it printed:"
	}
	return f
}

// may says that a change may have been made though the call failed.
func may(e *orbctl.Error) string {
	if !e.MayFinish {
		return ""
	}
	return "The change may still have been made: look with orbstack_config_get or vm_list before trying again. "
}

// command is the run of orbctl that an error is about, as a user knows it.
func command(e *orbctl.Error) string {
	name := strings.ReplaceAll(string(e.Op), "-", " ")
	switch e.Op {
	case runner.OpProbe, runner.OpExec, runner.OpPut, runner.OpGet:
		name = "run"
	}
	if e.Machine != "" {
		name += fmt.Sprintf(" for %q", e.Machine)
	}
	return "orbctl " + name
}

// wordsOfRare has the words of kinds that have little to say.
func wordsOfRare(e *orbctl.Error) *failure {
	f := &failure{Details: details{Machine: e.Machine, Output: clip(e.Raw)}}
	switch e.Kind {
	case orbctl.MachineExists:
		f.Message = fmt.Sprintf("There is a machine named %q already.", e.Machine)
		f.Hint = "Choose another name, or use that machine."
	case orbctl.MachineChanged:
		f.Message = fmt.Sprintf("%q is another machine now than the one that was looked at. Nothing was done.", e.Machine)
		if e.HaveID == e.WantID {
			f.Message = fmt.Sprintf("%q has other walls now than when it was looked at. Nothing was done.", e.Machine)
		}
		f.Hint = "Look at it again with vm_list and start over."
	case orbctl.DiskQuotaFull:
		if e.Machine == "" {
			f.Message, f.Hint = "A disk quota is full.", "Tell the user; vm_list shows how much disk each machine uses."
			break
		}
		f.Message = fmt.Sprintf("The disk quota of %q is full; the Mac's own disk may have room.", e.Machine)
		f.Hint = "Raise it with vm_limits_set, after asking the user."
	case orbctl.FileExists:
		f.Message = fmt.Sprintf("%s exists already and was left alone.", e.Path)
		f.Hint = "Choose another path, or say overwrite if it may be replaced."
	default:
		f.Message = command(e) + " failed in a way that this server does not know."
		f.Hint = "This is a fault of this server. Please report it, with the arguments of the call."
		if e.Err != nil {
			f.Details.Output = clip(e.Err.Error())
		}
	}
	return f
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// listOr names at most 20; a long list would drown the message.
func listOr(names []string, none string) string {
	const most = 20
	switch {
	case len(names) == 0:
		return none
	case len(names) > most:
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}

// orNil makes an empty list an absent one.
func orNil(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	return names
}

func nearest(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; the nearest is " + names[0]
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
