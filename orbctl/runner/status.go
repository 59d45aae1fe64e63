package runner

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
)

// readStatus understands what status answered (docs/orbctl-contract.md §2): its
// word, or where there is none its exit code. Where OrbStack seems not to run,
// blocked is asked whether that is only because we may not see it.
func readStatus(res Result, blocked func() error) standing {
	status, ok := statusWord(res.Stdout)
	if ok && status == Running {
		return standing{status: Running}
	}
	if denied(res.Stderr) {
		return standing{status: Unreachable, detail: "orbctl may not reach it from here (its status says that permission was denied)"}
	}
	if !ok {
		status, ok = statusExit(res)
	}
	if !ok {
		return standing{err: &StatusError{Exit: res.Exit, Signal: res.Signal, Text: firstBytes(res.Stdout+res.Stderr, 2<<10)}}
	}
	if status == Running {
		return standing{status: Running}
	}
	if err := blocked(); err != nil {
		return standing{status: Unreachable, detail: err.Error()}
	}
	return standing{status: status}
}

var statusWords = map[string]Status{"running": Running, "starting": Starting, "stopped": Stopped}

// statusWord finds the one line that is a state. There may be an update banner
// around it (§1.11).
func statusWord(text string) (Status, bool) {
	for line := range strings.Lines(text) {
		if s, ok := statusWords[strings.ToLower(strings.TrimSpace(line))]; ok {
			return s, true
		}
	}
	return "", false
}

// statusExit goes by the exit code if orbctl said nothing at all: with words it
// may as well have crashed, and a Go program crashes with the 2 of Starting.
func statusExit(res Result) (Status, bool) {
	if res.Signal != "" || !onlyBanner(res.Stdout) || !onlyBanner(res.Stderr) {
		return "", false
	}
	switch res.Exit {
	case 0:
		return Running, true
	case 1:
		return Stopped, true
	case 2:
		return Starting, true
	}
	return "", false
}

// onlyBanner reports text without a word outside a drawn box.
func onlyBanner(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.ContainsRune("╭│╰", []rune(line)[0]) {
			return false
		}
	}
	return true
}

func denied(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "operation not permitted") || strings.Contains(text, "permission denied")
}

// blocked finds out whether this process is kept from OrbStack's sockets below
// home (docs/orbctl-contract.md §8), by a client's sandbox for instance: then
// "stopped" means nothing. It opens a connection and closes it.
func blocked(ctx context.Context, home string) error {
	dir := filepath.Join(home, ".orbstack", "run")
	_, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrPermission) { // EPERM or EACCES
		return errors.New("its folder ~/.orbstack/run may not be read from here")
	}
	dialer := net.Dialer{Timeout: 250 * time.Millisecond}
	conn, err := dialer.DialContext(ctx, "unix", filepath.Join(dir, "vmcontrol.sock"))
	if errors.Is(err, fs.ErrPermission) {
		return errors.New("its sockets in ~/.orbstack/run may not be used from here")
	}
	if err == nil {
		_ = conn.Close() // it has said all that was asked
	}
	return nil
}

// firstBytes is the beginning of a cleaned text, in whole characters.
func firstBytes(s string, n int) string {
	s = strings.TrimSpace(s)
	if len(s) <= n {
		return s
	}
	return strings.TrimRightFunc(strings.ToValidUTF8(s[:n], ""), unicode.IsSpace)
}
