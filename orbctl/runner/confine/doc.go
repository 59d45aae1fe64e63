// Package confine puts orbctl into the operating system's sandbox: it may run as
// one process, read OrbStack's folder and talk to OrbStack's sockets, and that is
// about all. On Linux that is Landlock, seccomp and resource limits, taken on by
// the child between fork and execve; on macOS it is sandbox-exec with a fixed
// profile (orbctl.sb).
//
// A [Sandbox] starts commands inside. When it is made it starts a short test of
// itself (package trial), by which a sandbox that works is told from one that is
// missing, or that cannot be had since this program is in one already. What is
// then in force is its [Level], and what this system's sandbox cannot do is
// listed there.
//
// Threats that this is for: docs/security.md, rows 7, 9, 10, 14, 15, 19, 25, 26.
// The reasons for its shape: docs/adr/0015-confine-between-fork-and-exec.md.
//
// The part for macOS has not been run on a Mac. Its profile, its parameters and
// what it makes of the answers of sandbox-exec are tested on Linux with a fake.
package confine
