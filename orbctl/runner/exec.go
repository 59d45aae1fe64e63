package runner

// ExecPolicy says where a user's command may run. In a machine that can reach
// the Mac it is as strong as a shell on the Mac.
type ExecPolicy string

// The policies. The zero value is as ExecOff.
const (
	ExecOff      ExecPolicy = "off"
	ExecIsolated ExecPolicy = "isolated" // in a contained machine; elsewhere when a person has agreed
	ExecAll      ExecPolicy = "all"
)

// A Clearance is why a command may run in this machine, as the caller has found
// out for this very call.
type Clearance string

// The clearances.
const (
	Contained Clearance = "contained" // the machine cannot reach the Mac: looked up in the same call
	Approved  Clearance = "approved"  // a person has seen command, machine and user and said yes
)

// allow refuses what the policy does not let through, whatever the tools did.
func (p ExecPolicy) allow(call Call) error {
	refuse := func(why string) error { return &RefusedError{Op: call.Op, Class: Exec, Why: why, Flag: "--exec"} }
	switch {
	case p == ExecAll:
		return nil
	case p != ExecIsolated:
		return refuse("this server runs no commands in machines")
	case call.Clearance != Contained && call.Clearance != Approved:
		return refuse("the machine is not contained, and nobody has agreed")
	}
	return nil
}
