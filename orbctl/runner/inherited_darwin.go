package runner

// CloseInherited sees to it that no child gets a file that this process was
// started with, beyond 0, 1 and 2: clients do hand down some that are not
// close-on-exec. Call it first thing in main.
func CloseInherited() error { return closeOnExec("/dev/fd") }
