package namespaces

// machineSpec is all that a machine's PID 1 has to know; it gets it as JSON.
type machineSpec struct {
	Name      string
	Disk      string // folder of the copy-on-write layers, kept over restarts
	Layers    []layer
	Links     map[string]string // symbolic links to make in the root, by path
	UserXattr bool              // of overlay mounts, see overlay
	ManyUsers bool              // files can be given to other users than root
	Hide      []string          // commands to take away
	Tools     map[string]string // commands to put in: path in the guest → path of the world's file
	Users     []User
	Texts     map[string]string // system files: path → content
	Files     map[string]string // the world file's own: path → content
	Mac       string            // the simulated Mac's folder, at /mnt/mac but in an isolated machine
	Isolated  bool
	Mounts    map[string]string // path in the guest → folder below Mac
	Cgroup    string            // folder of the world that is at /sys/fs/cgroup
}

// layer is a copy-on-write view of a folder of the world.
type layer struct {
	Lower  string // or several, joined by colons
	Target string // in the guest
}
