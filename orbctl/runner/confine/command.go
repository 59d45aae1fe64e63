package confine

import "os"

// A Command is what a process is started with. It starts in / and in a process
// group of its own, and gets no other file than these three.
type Command struct {
	Path  string
	Argv  []string // from argv[0] on
	Env   []string
	Files [3]*os.File // its stdin, stdout and stderr

	// DiesWithUs ends it when the thread that starts it ends, and so with this
	// process, however that comes about. Linux can do that; macOS cannot.
	DiesWithUs bool
}

// start starts it as it is, in no sandbox.
func (c Command) start() (*os.Process, error) {
	return os.StartProcess(c.Path, c.Argv, &os.ProcAttr{Dir: "/", Env: c.Env, Files: c.Files[:], Sys: attributes(c.DiesWithUs)})
}
