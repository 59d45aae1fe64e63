// Package namespaces is the engine under the simulated OrbStack: machines that
// are real Linux namespaces with real packets between them.
//
//	launcher                 the host's process: Launch
//	└─ PID 1 of the world    a tiny init (launch_linux.go): reaps orphans, passes signals on, ends the world with its main process
//	   └─ main process       Open: bridge, resolver, proxy addresses; it plays the Mac and keeps the machines
//	      ├─ machine init    PID 1 of each machine: own pid, net, mount, uts, ipc namespaces, overlay root
//	      └─ guest commands  Machine.Run: children of the main process inside a machine's namespaces
//
// Everything of a world lives in its namespaces, so that the kernel takes it
// away when PID 1 of the world dies, however it dies.
//
// A program that uses this package calls RunInit(os.Args[1:]) first thing in
// main (or TestMain), because worlds and machines are this same program
// executed again.
//
// At LevelUser only uid 0 is mapped. Commands of every user run as it; and
// what the host's root owns below /usr, /etc and /var is nobody's, so that a
// guest's root can change files there only in the folders that this package
// itself writes to (/etc, /etc/ssl/certs, those of PATH, those of Files).
//
// What may enter: processes, mounts, packets, name service and certificates of
// a world. What may not: orbctl's command line, its JSON, guest rules and
// orbctl faults; those belong to package orbsim.
//
// On systems other than Linux the package compiles and Probe says level 4.
package namespaces
