package orbsim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"orbstack-mcp/internal/orbsim/worldfile"
)

type createFlags struct {
	arch, user, userData, memory, disk           string
	password, isolated, isolateNetwork, sshAgent bool
	cpus                                         int
	mounts                                       []string
}

func (c *call) createCommand() *cobra.Command {
	var f createFlags
	cmd := &cobra.Command{
		Use: "create DISTRO[:VERSION] [NAME]", Aliases: []string{"add", "new"}, Short: "Create a new machine",
		Long: "Create a new Linux machine.\n\nSupported distros: " + strings.Join(worldfile.Distros(), ", "),
		Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error { return c.create(args, f) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.arch, "arch", "a", "", "override the default architecture (arm64, amd64)")
	flags.StringVarP(&f.user, "user", "u", "", "username for the default user")
	flags.StringVarP(&f.userData, "user-data", "c", "", "path to a cloud-init user data file")
	flags.BoolVarP(&f.password, "set-password", "p", false, "set a password for the default user")
	if c.d.has("2.1.0") {
		flags.BoolVar(&f.isolated, "isolated", false, "isolate the machine from macOS")
	}
	if c.d.has("2.2.0") {
		flags.IntVar(&f.cpus, "cpus", 0, "limit the number of CPUs")
		flags.StringVar(&f.memory, "memory", "", "limit memory, e.g. 4G")
		flags.StringVar(&f.disk, "disk", "", "limit disk size, e.g. 64G")
		flags.BoolVar(&f.isolateNetwork, "isolate-network", false, "isolate the machine from the network of others")
		// Not known: a list, or one mount for each flag. A comma does more harm in a list.
		flags.StringSliceVar(&f.mounts, "mount", nil, "mount SRC[:DEST] from macOS (isolated machines only)")
		flags.BoolVar(&f.sshAgent, "forward-ssh-agent", false, "forward the SSH agent")
	}
	return cmd
}

func (c *call) create(args []string, f createFlags) error {
	distro, version, ok := worldfile.ParseDistro(args[0])
	if !ok {
		return fail(1, "[-32098] unknown distro or version: '%s'", args[0])
	}
	name := distro
	if len(args) == 2 {
		name = args[1]
	}
	if err := c.up(c.d.life, true); err != nil {
		return err
	}
	problem := func(format string, args ...any) error {
		return fail(1, "[-32098] create '%s': %s", name, fmt.Sprintf(format, args...))
	}
	spec := worldfile.Machine{
		ID: newID(), Name: name, Distro: distro + ":" + version, Arch: f.arch, State: stateCreating, DefaultUsername: f.user,
		Isolated: f.isolated, IsolateNetwork: f.isolateNetwork, ForwardSSHAgent: f.sshAgent, Mounts: f.mounts,
		Limits: worldfile.Limits{CPU: f.cpus},
	}
	switch {
	case f.password:
		return problem("cannot read a password: not a terminal")
	case f.arch != "" && f.arch != "arm64" && f.arch != "amd64":
		return problem("invalid architecture: '%s'", f.arch)
	case !worldfile.NamePattern.MatchString(name) || slices.Contains(worldfile.Reserved(), name):
		return problem("invalid machine name: '%s'", name)
	case len(f.mounts) > 0 && !f.isolated:
		return problem("mounts are for isolated machines only")
	case f.user == "root" && c.d.has("2.2.0"):
		return problem("setup: usermod: user root is currently used by process 1") // broken since 2.2.0 [stated]
	}
	var err error
	if spec.Limits.MemoryMiB, err = size(f.memory, 1<<20); err != nil {
		return problem("memory: %v", err)
	}
	if spec.Limits.DiskBytes, err = size(f.disk, 1); err != nil {
		return problem("disk: %v", err)
	}
	if spec.DefaultUsername == "" {
		spec.DefaultUsername = c.macUser()
	}
	var userData string
	if f.userData != "" {
		b, err := os.ReadFile(c.hostPath(f.userData))
		if err != nil {
			return problem("%v", err)
		}
		sum := sha256.Sum256(b)
		userData = hex.EncodeToString(sum[:])
	}
	m, err := c.d.add(spec)
	if err != nil {
		return problem("%v", err)
	}
	c.d.mu.Lock()
	m.userData = userData
	c.d.mu.Unlock()
	if _, err := c.d.boot(c.d.life, m); err != nil {
		return err
	}
	c.effect("create %s", name)
	return nil
}

// macUser is the user that new machines get: the Mac's own.
func (c *call) macUser() string {
	if user := c.getenv("USER"); user != "" && user != "root" {
		return user
	}
	return worldfile.DefaultUser
}

func (c *call) getenv(name string) string {
	for _, kv := range slices.Backward(c.req.Env) {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return value
		}
	}
	return ""
}

// hostPath is a path of the client's command line, as the daemon opens it.
func (c *call) hostPath(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.req.Cwd, p)
}

// size reads 4G, 512M, 1T or plain bytes, in units of unit bytes.
func size(s string, unit int64) (int64, error) {
	if s == "" {
		return 0, nil
	}
	digits := strings.TrimRight(strings.ToUpper(s), "IB")
	factor := int64(1)
	for suffix, f := range map[string]int64{"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40} {
		if d, ok := strings.CutSuffix(digits, suffix); ok {
			digits, factor = d, f
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/factor {
		return 0, fmt.Errorf("invalid size: '%s'", s)
	}
	return n * factor / unit, nil
}
