package confine

import "path/filepath"

// NewSeatbelt is New on a Mac with its sandbox-exec there.
func NewSeatbelt(launcher, self string, mode Mode, home, orbctl string) (*Sandbox, error) {
	w, err := seatbelt(launcher, self, home, orbctl)
	return open(mode, w, err)
}

// SeatbeltFailed is what the end of sandbox-exec means.
var SeatbeltFailed = seatbeltFailed

// SeatbeltCommand is what becomes of a command on a Mac.
func SeatbeltCommand(launcher, home string, p Profile, c Command) Command {
	return seatbeltCommand(launcher, filepath.Join(home, ".orbstack"), p, c)
}
