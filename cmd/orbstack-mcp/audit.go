package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"orbstack-mcp/internal/statefolder"
	"orbstack-mcp/orbctl/runner/audit"
	"orbstack-mcp/orbctl/untrusted"
)

// noAudit is the value of --audit-log that does without.
const noAudit = "off"

// usualAudit is where the audit log of the user with that home folder is.
func usualAudit(home string) string {
	return filepath.Join(stateFolder(home), "audit.jsonl")
}

// auditPath is where the audit log is: what the user named, or in the state
// folder; "" for off.
func auditPath(flag, home string) (string, error) {
	switch {
	case flag == noAudit:
		return "", nil
	case flag == "":
		return usualAudit(home), nil
	case !filepath.IsAbs(flag):
		return "", fmt.Errorf("--audit-log: %q is neither an absolute path nor %s", flag, noAudit)
	}
	return filepath.Clean(flag), nil
}

// openAudit opens the audit log, or returns nil for off. One that the user named
// must work; with the usual one the server goes on, and what needs a record is
// refused until it works.
func openAudit(flag, home string, log *slog.Logger) (*audit.Log, error) {
	path, err := auditPath(flag, home)
	if err != nil || path == "" {
		return nil, err
	}
	l := audit.Open(path, audit.Options{Version: version, Log: log})
	if err := l.Err(); err != nil && flag != "" {
		l.Close()
		return nil, fmt.Errorf("--audit-log: %s %w", path, err)
	}
	return l, nil
}

// chosen says which records to show.
type chosen struct {
	last          int
	machine, tool string
	json          bool
}

func auditCommand(f *flags) *cobra.Command {
	var c chosen
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show what this server ran and refused",
		Long: "Shows the last records of the audit log, the newest last: which tool ran or wanted to run which operation,\n" +
			"on which machine, what was decided, and how it ended. All servers of a user share the log.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := os.UserHomeDir()
			if err != nil {
				return fmt.Errorf("the audit log is below the home folder of its user: %w", err)
			}
			path, err := auditPath(f.auditLog, home)
			switch {
			case err != nil:
				return err
			case path == "":
				return fmt.Errorf("--audit-log %s: there is no log to show; give its path", noAudit)
			case c.last < 1:
				return fmt.Errorf("--last: %d is not 1 or more", c.last)
			}
			return showAudit(cmd.Context(), path, c, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().IntVar(&c.last, "last", 20, "how many calls to show")
	cmd.Flags().StringVar(&c.machine, "machine", "", "only calls about this machine")
	cmd.Flags().StringVar(&c.tool, "tool", "", "only calls of this tool")
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON, one call a line, with everything that is recorded")
	return cmd
}

// showAudit prints what was chosen to out, and what is missing to errOut.
func showAudit(ctx context.Context, path string, c chosen, out, errOut io.Writer) error {
	history, err := audit.Read(ctx, path)
	if err != nil {
		return fmt.Errorf("the audit log %s %w", path, err)
	}
	if n := history.Unreadable; n > 0 {
		fmt.Fprintf(errOut, "orbstack-mcp: %d damaged or unknown lines of %s are left out\n", n, path)
	}
	if n := history.Startless; n > 0 {
		fmt.Fprintf(errOut, "orbstack-mcp: %d calls whose beginning was rotated away are left out\n", n)
	}
	entries := slices.DeleteFunc(history.Entries, func(e audit.Entry) bool {
		return c.machine != "" && !e.Concerns(c.machine) || c.tool != "" && e.Tool != c.tool
	})
	if len(entries) == 0 {
		fmt.Fprintf(errOut, "orbstack-mcp: no such call in %s\n", path)
		return nil
	}
	entries = entries[max(0, len(entries)-c.last):]
	if c.json {
		return printJSON(out, entries)
	}
	return printTable(out, entries)
}

func printJSON(out io.Writer, entries []audit.Entry) error {
	for _, e := range entries {
		line, err := e.JSON()
		if err != nil {
			return err
		}
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return nil
}

func printTable(out io.Writer, entries []audit.Entry) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TIME\tTOOL\tOPERATION\tMACHINE\tDECISION\tMS\tRESULT")
	for _, e := range entries {
		ms := "-"
		if e.End != nil {
			ms = fmt.Sprint(e.End.MS)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			e.At.Local().Format(time.DateTime), cell(e.Tool), cell(e.Op), cell(machines(e)), cell(string(e.Decision)), ms, cell(result(e)))
	}
	return table.Flush()
}

// machines is what a call was about: a machine, one that was made, or the one that
// another was made of or renamed to.
func machines(e audit.Entry) string {
	if e.Machine == "" || e.NewName == "" {
		return e.Machine + e.NewName
	}
	return e.Machine + " → " + e.NewName
}

// result is how a call ended, or why it was refused.
func result(e audit.Entry) string {
	switch {
	case e.Event == audit.Refused:
		return e.Rule
	case e.End == nil:
		return "no end: it still runs, or its server was killed"
	case e.End.Outcome == audit.OK:
		return fmt.Sprintf("exit %d", e.End.Exit)
	case e.End.Signal != "":
		return fmt.Sprintf("%s (%s)", e.End.Outcome, e.End.Signal)
	}
	return string(e.End.Outcome)
}

// cell is a text from the file as a terminal may see it.
func cell(text string) string {
	const most = 80
	runes := []rune(untrusted.Line(text))
	switch {
	case len(runes) == 0:
		return "-"
	case len(runes) > most:
		return string(runes[:most]) + "…"
	}
	return string(runes)
}

// stateFolder is what all servers of the user share.
func stateFolder(home string) string { return statefolder.Path(runtime.GOOS, home, os.Getenv) }
