//go:build linux

package namespaces

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// testVerb begins the arguments of the test binary as another program.
const testVerb = "__test"

// runTestVerb is what tests of Launch have executed: os.Args[2:] says what.
func runTestVerb() {
	if len(os.Args) < 3 || os.Args[1] != testVerb {
		return
	}
	args := os.Args[3:]
	switch os.Args[2] {
	case "exit":
		code, _ := strconv.Atoi(args[0])
		os.Exit(code)
	case "die":
		n, _ := strconv.Atoi(args[0])
		_ = unix.Kill(os.Getpid(), syscall.Signal(n))
		select {}
	case "wait": // for a signal, whose number is the exit code
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
		fmt.Println("ready")
		os.Exit(int((<-signals).(syscall.Signal)))
	case "stubborn":
		signal.Ignore(unix.SIGTERM)
		fmt.Println("ready")
		select {}
	case "facts":
		fmt.Println(os.Getpid(), os.Getppid(), InWorld(), os.Geteuid())
		os.Exit(0)
	case "launch":
		exit, err := Launch(context.Background(), LaunchOptions{Args: args})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(exit)
	case "foreground":
		os.Exit(worldWithCommand(args))
	case "busy":
		busyWorld()
	case "booted":
		os.Exit(worldWithMachine())
	}
	os.Exit(99)
}

// worldWithCommand is what orbsim run does.
func worldWithCommand(argv []string) int {
	w, err := Open(worldfile.World{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 98
	}
	exit, err := w.Foreground(w.MacCommand(argv, nil, []*os.File{os.Stdin, os.Stdout, os.Stderr}))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return exit
}

// worldWithMachine says what a machine looks like.
func worldWithMachine() int {
	w, err := Open(worldfile.World{})
	if err != nil {
		fmt.Println("open:", err)
		return 98
	}
	m, err := w.Boot(context.Background(), worldfile.Machine{Name: "m"})
	if err != nil {
		fmt.Println("boot:", err)
		return 98
	}
	exit, err := m.Run(context.Background(), Command{
		Argv: []string{"sh", "-c", "cat /etc/resolv.conf; ls /var | grep lib; test -e /etc/ld.so.cache"}, Stdout: os.Stdout, Stderr: os.Stderr,
	})
	if err != nil {
		fmt.Println("run:", err)
	}
	return exit
}

// busyWorld has three machines with a command in each, and goes on until it is killed.
func busyWorld() {
	w, err := Open(worldfile.World{})
	if err != nil {
		fmt.Println("open:", err)
		os.Exit(98)
	}
	for i := range 3 {
		m, err := w.Boot(context.Background(), worldfile.Machine{Name: fmt.Sprint("m", i), DefaultUsername: "ana"})
		if err != nil {
			fmt.Println("boot:", err)
			os.Exit(98)
		}
		go func() { _, _ = m.Run(context.Background(), Command{Argv: []string{"sleep", "600"}, User: "ana"}) }()
	}
	fmt.Println("ready")
	time.Sleep(10 * time.Minute)
}
