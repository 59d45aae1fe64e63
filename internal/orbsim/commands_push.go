package orbsim

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// pushScript unpacks a tar stream beside the target and lets the guest's own cp
// do the rest, so that cp's words about a bad place are the guest's.
const pushScript = `dest=$1; shift
case $dest in /*) ;; *) dest=$HOME/$dest ;; esac
t=$(mktemp -d "${TMPDIR:-/tmp}/.push.XXXXXX") || exit 1
trap 'rm -rf "$t"' EXIT
tar -xf - -C "$t" && cd "$t" && cp -R "$@" "$dest"`

// pullScript has the guest's own cp copy one file or folder, for its words about
// what can't be read, and gives what it could copy as a tar stream: of folders that
// were shut, too, which are opened for tar and rm. $2 is the last part of the path.
const pullScript = `cd || exit 1
t=$(mktemp -d "${TMPDIR:-/tmp}/.pull.XXXXXX") || exit 1
trap 'rm -rf "$t"' EXIT
cp -R -- "$1" "$t/$2"; exit=$?
find "$t" -type d -exec chmod u+rwx {} \;
if [ -e "$t/$2" ] || [ -L "$t/$2" ]; then tar -cf - -C "$t" "$2" || exit 1; fi
exit "$exit"`

func (c *call) pushCommand() *cobra.Command {
	return c.copyCommand("push [-m NAME] SRC... [DEST]", "Copy files from macOS to Linux", func(ctx context.Context, m *machine, sources []string, dest string) error {
		names := make([]string, len(sources))
		for i, s := range sources {
			if _, err := os.Lstat(c.hostPath(s)); err != nil {
				return fail(1, "cp: %s: No such file or directory", s)
			}
			names[i] = filepath.Base(s)
		}
		return c.copyStream(ctx, m, append([]string{"sh", "-c", pushScript, "push", dest}, names...), nil, func(w io.Writer) error {
			t := tar.NewWriter(w)
			for _, s := range sources {
				if err := pack(t, c.hostPath(s)); err != nil {
					return err
				}
			}
			return t.Close()
		})
	})
}

func (c *call) pullCommand() *cobra.Command {
	return c.copyCommand("pull [-m NAME] SRC... [DEST]", "Copy files from Linux to macOS", func(ctx context.Context, m *machine, sources []string, dest string) error {
		for _, s := range sources {
			unpack := func(r io.Reader) error { return unpackTo(r, path.Base(s), c.hostPath(dest), len(sources) > 1) }
			if err := c.copyStream(ctx, m, []string{"sh", "-c", pullScript, "pull", s, path.Base(s)}, unpack, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// copyCommand is what push and pull share; the machine is never positional.
func (c *call) copyCommand(use, short string, do func(ctx context.Context, m *machine, sources []string, dest string) error) *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := c.up(c.d.life, true); err != nil {
				return err
			}
			m, err := c.target(name)
			if err != nil {
				return err
			}
			if err := c.boot(c.d.life, m); err != nil {
				return err
			}
			sources, dest := args, "."
			if len(args) > 1 {
				sources, dest = args[:len(args)-1], args[len(args)-1]
			}
			if err := do(c.d.life, m, sources, dest); err != nil {
				return err
			}
			c.effect("%s %s", strings.Fields(use)[0], c.name(m))
			return nil
		},
	}
	cmd.Flags().StringVarP(&name, "machine", "m", "", "use a specific machine")
	return cmd
}

// copyStream runs one end of a copy in the machine: it reads what send writes,
// and receive reads what it prints.
func (c *call) copyStream(ctx context.Context, m *machine, argv []string, receive func(io.Reader) error, send func(io.Writer) error) error {
	c.d.mu.Lock()
	guest, user := m.guest, m.spec.DefaultUsername
	c.d.mu.Unlock()
	if guest == nil {
		return fail(1, "[-32098] machine is not running: '%s'", c.name(m))
	}
	p, err := newPipes()
	if err != nil {
		return err
	}
	defer p.close()
	defer context.AfterFunc(c.d.life, p.closeClient)()
	errs := make(chan error, 2)
	go func() {
		defer p.client[0].Close()
		if send == nil {
			errs <- nil
			return
		}
		errs <- send(p.client[0])
	}()
	go func() {
		var err error
		if receive != nil {
			err = receive(p.client[1])
		}
		_, _ = io.Copy(io.Discard, p.client[1]) // tar pads its end
		errs <- err
	}()
	words := make(chan struct{})
	go func() { defer close(words); _, _ = io.Copy(c.stderr, p.client[2]) }()
	exit, err := guest.Run(ctx, GuestCommand{Argv: argv, User: user, Stdin: p.guest[0], Stdout: p.guest[1], Stderr: p.guest[2]})
	p.closeGuest()
	problem := errors.Join(<-errs, <-errs)
	<-words
	if err := c.runError(err); err != nil {
		return err
	}
	if exit != 0 {
		return fail(exit, "")
	}
	if problem != nil {
		return fail(1, "%v", problem)
	}
	return nil
}

// pack adds a file or a folder with all below it.
func pack(t *tar.Writer, root string) error {
	base := filepath.Dir(root)
	return filepath.WalkDir(root, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("cp: %w", err)
		}
		info, err := os.Lstat(p)
		if err != nil {
			return err
		}
		link := ""
		if info.Mode()&fs.ModeSymlink != 0 {
			if link, err = os.Readlink(p); err != nil {
				return err
			}
		}
		h, err := tar.FileInfoHeader(info, link)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(base, p)
		if err != nil {
			return err
		}
		h.ModTime = h.ModTime.Truncate(time.Second) // the header rounds up, and tar warns of the future
		h.Name, h.Uid, h.Gid, h.Uname, h.Gname = filepath.ToSlash(rel), 0, 0, "", ""
		if err := t.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
			return err
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(t, f)
		return err
	})
}

// unpackTo writes a tar stream whose entries begin with base to dest, as cp -R
// does: into a folder that exists, else under the name of dest.
func unpackTo(r io.Reader, base, dest string, many bool) error {
	folder, name := dest, base
	if info, err := os.Stat(dest); err != nil || !info.IsDir() {
		if many {
			return fmt.Errorf("cp: target '%s': No such file or directory", dest)
		}
		folder, name = filepath.Dir(dest), filepath.Base(dest)
	}
	root, err := os.OpenRoot(folder) // no entry gets out of it
	if err != nil {
		return fmt.Errorf("cp: cannot create '%s': %w", dest, err)
	}
	defer root.Close()
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := unpackEntry(root, t, h, path.Join(name, strings.TrimPrefix(path.Clean(h.Name), base))); err != nil {
			return err
		}
	}
}

func unpackEntry(root *os.Root, t *tar.Reader, h *tar.Header, name string) error {
	switch h.Typeflag {
	case tar.TypeDir:
		if err := root.Mkdir(name, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	case tar.TypeSymlink:
		return root.Symlink(h.Linkname, name)
	case tar.TypeReg:
		f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, fs.FileMode(h.Mode).Perm())
		if err != nil {
			return err
		}
		if _, err := io.Copy(f, t); err != nil {
			_ = f.Close()
			return err
		}
		return f.Close()
	}
	return nil
}
