package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"orbstack-mcp/internal/stdio"
	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/folders"
	"orbstack-mcp/orbctl/managed"
	"orbstack-mcp/orbctl/runner"
	"orbstack-mcp/orbctl/runner/confine"
	"orbstack-mcp/tools"
	"orbstack-mcp/tools/job"
)

type flags struct {
	orbctl   string
	policy   tools.Policy
	exec     string
	confirm  string
	jobAfter time.Duration
	managed  bool
	logLevel string
	auditLog string
	sandbox  string
}

// command is the program's whole command line.
func command() *cobra.Command {
	var f flags
	root := &cobra.Command{
		Use:   "orbstack-mcp",
		Short: "An MCP server for the Linux machines of OrbStack",
		Long: "orbstack-mcp lets an assistant look after the Linux machines that OrbStack runs on this Mac.\n" +
			"Without a verb it serves the Model Context Protocol on stdin and stdout; an assistant starts it so.",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), f, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	root.PersistentFlags().StringVar(&f.orbctl, "orbctl", "", "path of orbctl; default: where OrbStack installs it (env ORBSTACK_MCP_ORBCTL)")
	root.PersistentFlags().BoolVar(&f.policy.ReadOnly, "read-only", false, "offer only tools that change nothing")
	root.PersistentFlags().StringSliceVar(&f.policy.Toolsets, "toolsets", nil, "groups of tools to offer: "+strings.Join(tools.Toolsets(), ", "))
	root.PersistentFlags().StringSliceVar(&f.policy.Tools, "tools", nil, "single tools to offer beside those; without --toolsets these alone")
	root.PersistentFlags().StringSliceVar(&f.policy.Exclude, "exclude-tools", nil, "tools not to offer, whatever else is said")
	root.PersistentFlags().StringArrayVar(&f.policy.Machines, "machine", nil, "be a server for this machine only; repeat it for several")
	root.PersistentFlags().StringArrayVar(&f.policy.AllowPaths, "allow-path", nil, "a folder that files may be copied from and to; repeat it for several (default: none, and the tools for files are not offered)")
	root.PersistentFlags().BoolVar(&f.managed, "managed-only", false, "change only machines that this server, or another one of this user's, has made")
	root.PersistentFlags().StringVar(&f.exec, "exec", string(runner.ExecIsolated), "where commands may run: isolated (free in contained machines, a person is asked in others), off or all")
	root.PersistentFlags().StringVar(&f.confirm, "confirm", string(tools.ConfirmAsk), "where a person has to agree: ask (through the client; refuse if it can't), deny or allow")
	root.PersistentFlags().DurationVar(&f.policy.ConfirmWithin, "confirm-timeout", 5*time.Minute, "how long a person has for an answer")
	root.PersistentFlags().DurationVar(&f.jobAfter, "job-after", 45*time.Second, "how long a call may take before it is answered with a job")
	root.PersistentFlags().StringVar(&f.logLevel, "log-level", "warn", "what goes to stderr: debug, info, warn or error")
	root.PersistentFlags().StringVar(&f.sandbox, "sandbox", string(confine.Auto), "the operating system's sandbox around orbctl: auto (run without where there is none), require or off")
	root.PersistentFlags().StringVar(&f.auditLog, "audit-log", "", "file for a record of every call, or off; default: "+usualAudit("~"))
	root.AddCommand(auditCommand(&f), &cobra.Command{
		Use:    runner.ReapVerb,
		Short:  "End what a server left behind; a server starts this for itself",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			runner.Reap(cmd.InOrStdin())
			return nil
		},
	}, &cobra.Command{
		Use:   "version",
		Short: "Print the version of this server",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "orbstack-mcp", version)
			return err
		},
	})
	return root
}

func serve(ctx context.Context, f flags, in io.Reader, out, errOut io.Writer) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return fmt.Errorf("--log-level: %q is none of debug, info, warn, error", f.logLevel)
	}
	log := slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: level}))
	home, err := os.UserHomeDir()
	if err != nil {
		return fmt.Errorf("orbctl needs the home folder of its user: %w", err)
	}
	mac, err := orbctl.ReadMac(home)
	if err != nil {
		log.Warn("some facts about this Mac could not be read", "error", err)
	}
	mode, err := confine.ParseMode(f.sandbox)
	if err != nil {
		return fmt.Errorf("--sandbox: %w", err)
	}
	records, err := openAudit(f.auditLog, home, log)
	if err != nil {
		return err
	}
	if records != nil {
		defer records.Close()
	}
	reaper := ""
	if runner.NeedsReaper {
		if reaper, err = os.Executable(); err != nil {
			log.Warn("children would survive a sudden death of this server", "error", err)
		}
	}
	if err := f.choose(); err != nil {
		return err
	}
	run := runner.New(runner.Options{
		Orbctl: f.orbctl, Home: home, ReadOnly: f.policy.ReadOnly, Exec: f.policy.Exec, Machines: f.policy.Machines, Sandbox: mode, Locks: filepath.Join(stateFolder(home), "locks"),
		Audit: records, Reaper: reaper, Log: log,
	})
	defer run.Close()
	sandbox, err := run.Sandbox()
	if err != nil {
		return err
	}
	if binary, err := run.Binary(); err != nil {
		log.Warn("every call will fail until orbctl is found", "error", err)
	} else {
		log.Info("serving", "version", version, "orbctl", binary.Path, "read_only", f.policy.ReadOnly, "sandbox", sandbox)
	}
	orb := orbctl.New(run, mac, f.policy.Machines...)
	if f.managed {
		record, err := managed.Open(filepath.Join(stateFolder(home), "machines.jsonl"))
		if err != nil {
			return fmt.Errorf("--managed-only: %w", err)
		}
		orb = orb.Managing(record)
	}
	allowed, err := folders.Open(home, f.policy.AllowPaths)
	if err != nil {
		return fmt.Errorf("--allow-path: %w", err)
	}
	jobs := job.NewBook(filepath.Join(stateFolder(home), "jobs"))
	defer jobs.Close()
	srv, err := tools.NewServer(orb, tools.Options{
		Policy: f.policy, Version: version, Sandbox: sandbox.String(), Home: home, Folders: allowed, Jobs: jobs, JobAfter: f.jobAfter, Log: log,
	})
	if err != nil {
		return err
	}
	return stdio.Serve(ctx, srv, in, out, stdio.Options{Logger: log})
}

// choose reads the flags that are a word out of a few.
func (f *flags) choose() error {
	f.policy.Exec, f.policy.Confirm = runner.ExecPolicy(f.exec), tools.ConfirmPolicy(f.confirm)
	switch f.policy.Exec {
	case runner.ExecOff, runner.ExecIsolated, runner.ExecAll:
	default:
		return fmt.Errorf("--exec: %q is none of off, isolated, all", f.exec)
	}
	switch f.policy.Confirm {
	case tools.ConfirmAsk, tools.ConfirmDeny, tools.ConfirmAllow:
	default:
		return fmt.Errorf("--confirm: %q is none of ask, deny, allow", f.confirm)
	}
	if f.policy.ConfirmWithin <= 0 || f.jobAfter <= 0 {
		return errors.New("--confirm-timeout and --job-after have to be longer than nothing")
	}
	for _, name := range f.policy.Machines {
		if err := runner.CheckMachine(name); err != nil {
			return fmt.Errorf("--machine: %w", err)
		}
	}
	return nil
}
