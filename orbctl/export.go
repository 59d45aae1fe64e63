package orbctl

import (
	"context"
	"time"

	"orbstack-mcp/orbctl/folders"
	"orbstack-mcp/orbctl/runner"
)

// Export writes a machine into an archive on the Mac: info and one run. The machine
// is paused for that time (docs/orbctl-contract.md §2). orbctl writes into a private
// folder, and the archive gets its name when it is whole and if the name is free;
// of one that failed nothing is left. A path that is a folder means MACHINE.tar.zst
// in it.
func (c *Client) Export(ctx context.Context, mac *folders.Allowed, machine, destination string) (Transfer, error) {
	m, err := c.Machine(ctx, machine)
	if err != nil {
		return Transfer{}, err
	}
	stage, err := mac.Stage(destination, m.Name+".tar.zst")
	if err != nil {
		return Transfer{}, onMac("path", err)
	}
	defer stage.Discard()
	began := time.Now()
	if _, err := c.run(ctx, runner.Call{Op: runner.OpExport, Machine: m.Name, File: stage.File}); err != nil {
		return Transfer{}, c.withNames(ctx, err)
	}
	size, mode, err := stage.Commit()
	if err != nil {
		return Transfer{}, onMac("path", err)
	}
	return Transfer{Machine: m, Path: stage.Path, Bytes: size, Mode: mode, Took: time.Since(began)}, nil
}

// Import makes a machine of an archive on the Mac: list, one run, and info. A taken
// name is MachineExists. When orbctl is late or dies, what is there decides.
func (c *Client) Import(ctx context.Context, mac *folders.Allowed, source, name string, clearance runner.Clearance) (Made, error) {
	file, err := mac.Read(source)
	if err != nil {
		return Made{}, onMac("path", err)
	}
	defer func() { _ = file.Close() }()
	path, err := file.Real()
	if err != nil {
		return Made{}, onMac("path", err)
	}
	return c.make(ctx, runner.Call{Op: runner.OpImport, NewName: name, File: path, Clearance: clearance}, nil)
}
