package namespaces

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// The hidden verbs of this program, executed again.
const (
	verbWorld   = "__orbsim-world"   // PID 1 of a world; the rest are the main process's arguments
	verbMachine = "__orbsim-machine" // PID 1 of a machine
	verbProbe   = "__orbsim-probe"   // tries out what a world needs
)

// selfExe is this program even after its file was replaced or deleted, and for
// a user who may not read the folder it is in.
const selfExe = "/proc/self/exe"

// worldEnv marks the main process of a world.
const worldEnv = "ORBSIM_WORLD"

// Descriptors that hidden verbs get beside 0, 1 and 2.
const (
	specFD   = 3 // machine: its spec as JSON, then end of file
	resultFD = 4 // world, machine, probe: where they say "up" or what went wrong
)

// upWord is what a hidden verb says on resultFD when all is well.
const upWord = "up"

// namespaceFlags are those that a world and every machine have of their own.
const namespaceFlags = unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC

// RunInit runs the hidden verbs of worlds and machines (args[0] begins with
// "__orbsim-") and then never returns; for any other args it returns at once.
// Call it with os.Args[1:] first thing in main or TestMain.
func RunInit(args []string) {
	if len(args) == 0 {
		return
	}
	switch args[0] {
	case verbWorld:
		worldInit(args[1:])
	case verbMachine:
		machineInit()
	case verbProbe:
		probeInit(args[1:])
	}
}

// InWorld says whether this process is the main process of a world: started by
// the PID 1 that Launch made.
func InWorld() bool { return os.Getenv(worldEnv) != "" && os.Getppid() == 1 }

// result reports once to the process that started a hidden verb.
type result struct{ f *os.File }

func openResult() result {
	unix.CloseOnExec(resultFD)
	return result{os.NewFile(resultFD, "result")}
}

// up says that all is well, and closes.
func (r result) up() {
	_, _ = r.f.WriteString(upWord) // the reader is gone: then so are we, soon
	_ = r.f.Close()
}

// must ends the process when err is not nil, and says at which step.
func (r result) must(step string, err error) {
	if err != nil {
		_, _ = fmt.Fprintf(r.f, "%s: %v", step, err)
		os.Exit(1)
	}
}
