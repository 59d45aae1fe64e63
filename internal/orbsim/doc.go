// Package orbsim is a simulated OrbStack: a daemon that keeps machines,
// settings and logs, and a thin command line (orbctl) that talks to it over a
// Unix socket in $HOME/.orbstack/run, as the real one does. Its behaviour is
// docs/orbctl-contract.md and nothing more: traps and bugs of that page
// included, and a switch in the world file where the page says [unknown].
//
//	orbctl (cli/cli.go)  → socket (wire/wire.go) → Daemon (daemon.go)
//	   faults (fault.go), then the cobra commands (commands*.go), which change
//	   the state (state.go) and use an Engine (engine.go, of which real.go and
//	   plain.go are the two) for what happens inside machines; everything is
//	   written down (record.go)
//
// What may enter: what orbctl prints, accepts and does. What may not: kernel
// namespaces and packets (package namespaces beneath it), the description of a
// world (worldfile), and anything that orbstack-mcp links.
package orbsim
