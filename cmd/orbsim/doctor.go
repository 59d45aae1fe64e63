package main

import (
	"fmt"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"orbstack-mcp/internal/orbsim/namespaces"
)

var levels = map[int]string{
	namespaces.LevelUser:    "a world without root",
	namespaces.LevelRoot:    "a world as root",
	namespaces.LevelNetOnly: "network namespaces only: guest_rules",
	namespaces.LevelNone:    "no namespaces: guest_rules only",
}

// tools are the programs that machines with the host's own rootfs lend from it,
// and the Debian package of each.
var tools = []struct{ command, debian string }{
	{"ping", "iputils-ping"},
	{"nc", "netcat-openbsd"},
	{"dig", "bind9-dnsutils"},
	{"nft", "nftables"},
	{"busybox", "busybox-static"},
	{"curl", "curl"},
	{"ip", "iproute2"},
}

// has says whether a machine with the host's rootfs has a command: its PATH names
// the folders for root, which an ordinary user's need not.
func has(command string) bool {
	for _, path := range []string{command, "/usr/local/sbin/" + command, "/usr/sbin/" + command, "/sbin/" + command} {
		if _, err := exec.LookPath(path); err == nil {
			return true
		}
	}
	return false
}

func doctorCommand(code *int) *cobra.Command {
	var require int
	cmd := &cobra.Command{
		Use: "doctor", Short: "Say what worlds this host can bring up", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			level, why := namespaces.Probe()
			fmt.Fprintf(cmd.OutOrStdout(), "level %d of 4: %s (%s)\n", level, levels[level], why)
			var missing []string
			for _, t := range tools {
				if !has(t.command) {
					missing = append(missing, t.debian)
				}
			}
			if len(missing) > 0 {
				fmt.Fprintf(cmd.OutOrStdout(), "missing for machines with the host's rootfs: apt-get install %s\n", strings.Join(missing, " "))
			} else {
				fmt.Fprintln(cmd.OutOrStdout(), "all tools for machines with the host's rootfs are there")
			}
			if level > require {
				*code = 1
				return fmt.Errorf("level %d or better is required", require)
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&require, "require", namespaces.LevelRoot, "the worst level that is good enough; below it the exit code is 1")
	return cmd
}
