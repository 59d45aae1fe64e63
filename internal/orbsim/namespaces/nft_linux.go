package namespaces

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// errNoNft is also Probe's reason: without nft there are no proxy addresses, no
// faults and no isolated machines.
var errNoNft = errors.New("the command nft is missing (Debian: apt-get install nftables)")

// findNft looks where nft is, also for users whose PATH has no sbin.
func findNft() (string, error) {
	for _, p := range append(strings.Split(os.Getenv("PATH"), ":"), "/usr/sbin", "/sbin", "/usr/local/sbin") {
		if st, err := os.Stat(p + "/nft"); err == nil && st.Mode().IsRegular() {
			return p + "/nft", nil
		}
	}
	return "", errNoNft
}

// applyRules loads a text of firewall.go into the network namespace of the
// calling thread.
func applyRules(nft, rules string) error {
	c := exec.Command(nft, "-f", "-")
	c.Stdin = strings.NewReader(rules)
	out, err := c.CombinedOutput()
	if err != nil {
		return fmt.Errorf("nft: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}
