package guest

import "time"

// Bounds of a StatusFactsReport; Cut says what they left out.
const (
	MaxProcesses   = 50
	MaxFailedUnits = 50
	MaxPorts       = 200
)

// A StatusQuery says what of a machine is looked at more closely.
type StatusQuery struct {
	User      string // the default user, who may be missing in the guest; may be empty
	Processes int    // how many of the largest processes; at most MaxProcesses
}

// StatusFactsReport is how a machine is, seen from inside. All machines share
// one virtual machine and its kernel: what is the VM's stands in VM, and no
// figure there says anything about one machine. A pointer is nil when its part
// could not be read; Missing says why.
type StatusFactsReport struct {
	OS     *OS
	Kernel string // release of the shared kernel
	Arch   string // as uname prints it: x86_64 in an amd64 machine, emulated or not
	VM     VM

	Started *time.Time // when the machine's PID 1 did
	Uptime  time.Duration
	CPU     *CPU
	Memory  *Memory
	InForce InForce
	Disk    *Disk

	ProcessCount int       // without the script's own; 0: see Missing
	Processes    []Process // the largest by memory, largest first
	Ports        []Port    // listening sockets, by number
	Systemd      *bool     // whether it runs
	FailedUnits  []Unit    // where systemd is

	DefaultUser Named
	Users       []Account // root, people (Account.Person) and the default user

	Missing []Missing
	Cut     map[string]int
}

// OS is the operating system as it is now, which upgrades may have moved away
// from the image it was created from.
type OS struct {
	Name     string // PRETTY_NAME: Ubuntu 24.04.1 LTS
	ID       string // ubuntu
	Version  string // VERSION_ID; "" for rolling ones
	Codename string // VERSION_CODENAME
}

// VM is the shared virtual machine; zero fields could not be read.
type VM struct {
	Uptime       time.Duration
	Load         *[3]float64 // averages over 1, 5 and 15 minutes
	CPUs         int
	MemTotal     int64 // bytes
	MemAvailable int64 // bytes
}

// Disk is the file system that / lies in. Without a disk limit OrbStack's
// machines share one, and the figures are those of all of them.
type Disk struct {
	Device                 string
	Total, Used, Available int64 // bytes
}

// A Unit is a systemd unit that failed.
type Unit struct{ Name, Description string }

// StatusFacts asks for a StatusFactsReport.
func StatusFacts(q StatusQuery) (Script, []string, time.Duration) {
	return load("status", "accounts"), []string{lookupName(q.User)}, 20 * time.Second
}

// ParseStatusFacts reads what the script of StatusFacts printed. The error is
// ErrNoAnswer; everything less is in Missing.
func ParseStatusFacts(q StatusQuery, t Transcript) (StatusFactsReport, error) {
	n, err := newNotes(t)
	if err != nil {
		return StatusFactsReport{}, err
	}
	var r StatusFactsReport
	r.OS = readOS(n)
	r.Kernel, r.Arch = readUname(n)
	r.VM = readVM(n)
	r.Started, r.Uptime = readStart(n)
	r.CPU, r.Memory = readCgroup(n)
	r.InForce = readInForce(t)
	r.Disk = readDisk(n)

	accounts, named := readAccounts(n, q.User)
	r.DefaultUser = named
	for _, a := range accounts {
		if a.UID == 0 || a.Person() || a.Name == q.User {
			r.Users = append(r.Users, a)
		}
	}
	r.Users = firsts(n, partUsers, r.Users, MaxAccounts)

	names := userNames(accounts)
	r.ProcessCount, r.Processes = readProcesses(n, names, min(q.Processes, MaxProcesses))
	r.Ports = firsts(n, "ports", readPorts(n, names), MaxPorts)
	r.Systemd, r.FailedUnits = readFailedUnits(n)
	r.Missing, r.Cut = n.gaps()
	return r, nil
}

// userNames maps a uid to the first name that the list has for it.
func userNames(accounts []Account) map[uint32]string {
	names := make(map[uint32]string, len(accounts))
	for _, a := range accounts {
		if _, taken := names[a.UID]; !taken {
			names[a.UID] = a.Name
		}
	}
	return names
}
