package confine

// NewAt is New on a kernel with that much of Landlock.
func NewAt(abi int, mode Mode, home, orbctl string) (*Sandbox, error) {
	w, err := linuxWall(abi, home, orbctl)
	return open(mode, w, err)
}

// LandlockABI is how much of Landlock this kernel has.
func LandlockABI() int { return landlockABI() }
