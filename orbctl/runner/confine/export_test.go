package confine

// NewSeatbelt is New on a Mac with its sandbox-exec there.
func NewSeatbelt(launcher, self string, mode Mode, home, orbctl string) (*Sandbox, error) {
	w, err := seatbelt(launcher, self, home, orbctl)
	return open(mode, w, err)
}

// SeatbeltFailed is what the end of sandbox-exec means.
var SeatbeltFailed = seatbeltFailed
