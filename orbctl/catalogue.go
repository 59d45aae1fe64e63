package orbctl

import (
	"math"
	"strconv"
	"strings"
)

// A Scope is what a setting applies to.
type Scope string

// The scopes.
const (
	OrbStackScope Scope = "orbstack" // the VM that all machines share, or the app
	MachineScope  Scope = "machine"  // one machine
)

// A ValueType is what a setting's value must look like.
type ValueType string

// The types of values.
const (
	IntValue      ValueType = "int"
	BoolValue     ValueType = "bool"
	CIDRValue     ValueType = "cidr"  // IPv4, private
	ProxyValue    ValueType = "proxy" // auto, none, or a URL
	ListValue     ValueType = "list"  // separated by commas
	MountsValue   ValueType = "mounts"
	PathValue     ValueType = "path"     // absolute
	HostnameValue ValueType = "hostname" // one label or more
	UsernameValue ValueType = "username" // a Linux account
)

// Evidence is how sure a fact of the catalogue is: the marks of
// docs/orbctl-contract.md.
type Evidence string

// The marks.
const (
	Seen      Evidence = "seen"
	Stated    Evidence = "stated"
	Inferred  Evidence = "inferred"
	NoneKnown Evidence = "unknown"
)

// A Default is the value that holds when a key is not set.
type Default struct {
	Value    string // "" with Evidence other than NoneKnown: nothing is set
	Evidence Evidence
}

// Answer is yes, no, or not known.
type Answer string

// The answers.
const (
	Yes     Answer = "yes"
	No      Answer = "no"
	Unclear Answer = "unknown"
)

// A Restart says whether a change needs OrbStack to be restarted, which stops
// every machine and every container.
type Restart struct {
	Needed   Answer
	Evidence Evidence
}

// A Bound is an upper limit that the Mac sets.
type Bound string

// The bounds.
const (
	NoBound   Bound = ""
	MacCPUs   Bound = "cpus of the Mac"
	MacMemory Bound = "memory of the Mac"
)

// A Wall says which values of a key let more through between machines, the Mac
// and the network than before. Such a change needs a person.
type Wall struct {
	Lowered WallRule
	Reason  string // what gets through
}

// A WallRule picks the values that lower a wall.
type WallRule int

// The rules. Setting `isolated` to true raises a wall and needs nobody.
const (
	NeverLowers WallRule = iota
	TrueLowers
	FalseLowers
	AnyLowers
)

// A Key is one row of the catalogue: what is known of a setting.
type Key struct {
	Pattern string // as orbctl names it; "machine.NAME.cpu" for every machine
	Field   string // of a machine key: "cpu"
	Scope   Scope
	Type    ValueType
	Unit    string // of an int: "MiB", "bytes", "cores"; "" for none

	Min, Max int64 // of an int; Max 0: see Bound
	Bound    Bound
	// ZeroUnlimited: 0 is allowed beside Min to Max and means no limit.
	ZeroUnlimited bool

	Default  Default
	Observed string // a value seen in the wild, where no default is known
	Restart  Restart
	Does     string // one line
	Breaks   string // what goes wrong when the value is wrong, with when it is; of an int or a bool rather:
	Up, Down string // what raising it or switching it on may bring, and the opposite
	Wall     Wall
	Feature  Feature // what orbctl must have for this key; "" for every version
}

// LowersWall reports whether setting this (checked) value lowers a wall, and why.
func (k Key) LowersWall(value string) (reason string, lowers bool) {
	switch k.Wall.Lowered {
	case TrueLowers:
		lowers = value == "true"
	case FalseLowers:
		lowers = value == "false"
	case AnyLowers:
		lowers = true
	}
	if !lowers {
		return "", false
	}
	return k.Wall.Reason, true
}

// Risk is what a change of stored values may bring: in its direction where the key
// has one, both ways where the value of before is not known. "" is nothing known.
func (k Key) Risk(before, after string) string {
	if k.Type == BoolValue {
		if on, _ := checkBool(after); on == "true" {
			return k.Up
		}
		return k.Down
	}
	if k.Up == "" && k.Down == "" {
		return k.Breaks
	}
	old, known := k.amount(before)
	now, _ := k.amount(after)
	switch {
	case known && now > old:
		return k.Up
	case known && now < old:
		return k.Down
	case k.Up != "" && k.Down != "":
		return k.Down + "; " + k.Up
	}
	return k.Up + k.Down
}

// amount is a stored int to compare with others: no limit is the most.
func (k Key) amount(stored string) (n int64, known bool) {
	if stored == "" {
		stored = k.Default.Value
	}
	n, err := strconv.ParseInt(stored, 10, 64)
	if err == nil && n == 0 && k.ZeroUnlimited {
		n = math.MaxInt64
	}
	return n, err == nil
}

// An Entry is a Key for one name: the pattern, and what is said of it, with a machine
// put in.
type Entry struct {
	Key
	Name    string // the whole key: "machine.web.cpu"
	Machine string // "web"; "" for a key of OrbStack
}

// Catalogue is every key that is known, those of OrbStack first.
func Catalogue() []Key { return append(orbstackKeys(), machineKeys()...) }

// Lookup finds what is known of a key.
func Lookup(key string) (Entry, bool) {
	if machine, field, ok := SplitMachineKey(key); ok {
		for _, k := range machineKeys() {
			if k.Field == field {
				for _, says := range []*string{&k.Does, &k.Breaks} {
					*says = strings.ReplaceAll(*says, "NAME.orb.local", machine+".orb.local")
				}
				return Entry{Key: k, Name: key, Machine: machine}, true
			}
		}
		return Entry{}, false
	}
	for _, k := range orbstackKeys() {
		if k.Pattern == key {
			return Entry{Key: k, Name: key}, true
		}
	}
	return Entry{}, false
}

const machinePrefix = "machine."

// MachineKey is the key of one field of one machine.
func MachineKey(machine, field string) string { return machinePrefix + machine + "." + field }

// SplitMachineKey takes a key of one machine apart. A machine's name may have
// dots in it (docs/orbctl-contract.md §9), a field has none: the name is what is
// left between the prefix and the last dot.
func SplitMachineKey(key string) (machine, field string, ok bool) {
	rest, ok := strings.CutPrefix(key, machinePrefix)
	if !ok {
		return "", "", false
	}
	dot := strings.LastIndexByte(rest, '.')
	if dot <= 0 || dot == len(rest)-1 {
		return "", "", false
	}
	return rest[:dot], rest[dot+1:], true
}

// NearestKeys suggests keys that an unknown one may have been meant to be: of machines
// only those of the machine that it names.
func NearestKeys(key string) []string {
	machine, _, named := SplitMachineKey(key)
	var names []string
	for _, k := range Catalogue() {
		switch {
		case k.Scope == OrbStackScope:
			names = append(names, k.Pattern)
		case named:
			names = append(names, MachineKey(machine, k.Field))
		}
	}
	return Nearest(key, names)
}
