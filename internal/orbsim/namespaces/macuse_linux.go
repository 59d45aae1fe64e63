package namespaces

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// What a machine that is not isolated has of the Mac: /mnt/mac, and a command
// that reaches out to it. Here both are only there to be noticed.
const (
	macMarker  = ".orbsim-mac" // in /mnt/mac
	macUseFile = ".orbsim-uses"
)

func makeMacFolder(base string) error {
	mac := filepath.Join(base, "mac")
	if err := os.MkdirAll(filepath.Join(mac, "Users"), 0o755); err != nil {
		return err
	}
	if err := replaceFile(filepath.Join(mac, macMarker), "the simulated Mac's file system\n", 0o644); err != nil {
		return err
	}
	return replaceFile(filepath.Join(mac, macUseFile), "", 0o666)
}

// macTool is the command mac of a machine. One write for each use, with the
// control characters RS and US between uses and words.
func macTool(machine string) string {
	return "#!/bin/sh\n# The simulated Mac records this use, and does nothing.\nuse='" + machine + `'
for word in "$@"; do use="$use$(printf '\037')$word"; done
printf '%s\036' "$use" >>/mnt/mac/` + macUseFile + "\n"
}

// MacUses lists the uses of the command mac in machines, oldest first.
func (w *World) MacUses() ([]MacUse, error) {
	b, err := os.ReadFile(filepath.Join(w.base, "mac", macUseFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // a guest has deleted it
	}
	if err != nil {
		return nil, fmt.Errorf("read the uses of mac: %w", err)
	}
	return parseMacUses(string(b)), nil
}

func parseMacUses(s string) []MacUse {
	var uses []MacUse
	for use := range strings.SplitSeq(s, "\x1e") {
		if words := strings.Split(use, "\x1f"); words[0] != "" {
			uses = append(uses, MacUse{Machine: words[0], Argv: words[1:]})
		}
	}
	return uses
}
