package runner

import (
	"path/filepath"
	"regexp"
	"strings"
)

// A Create is what `create` is told of the machine that is to be
// (docs/orbctl-contract.md §2). What an older orbctl does not know must be empty:
// it would fail for it.
type Create struct {
	Distro         string // ubuntu or ubuntu:noble
	Arch           string // arm64, amd64; "": the Mac's own
	User           string // "": the Mac user's name
	CPUs           string // 2; "": unlimited
	Memory, Disk   string // 4G; "": unlimited
	Isolated       bool
	IsolateNetwork bool
	Mounts         []string // SRC or SRC:DEST, both absolute; of isolated machines only
	UserData       string   // file with cloud-init user data, absolute
}

// zero reports whether nothing is set.
func (c *Create) zero() bool { return c == nil }

var (
	distroPattern = regexp.MustCompile(`\A[a-z][a-z0-9-]{0,31}(:[A-Za-z0-9][A-Za-z0-9._-]{0,31})?\z`)
	archPattern   = regexp.MustCompile(`\A(arm64|amd64)\z`)
	cpusPattern   = regexp.MustCompile(`\A[1-9][0-9]{0,3}\z`)
	sizePattern   = regexp.MustCompile(`\A[1-9][0-9]{0,8}[KMGT]\z`)
)

func createArgv(c Call) ([]string, error) {
	if c.Create.zero() {
		return nil, &InvalidError{Field: "distro", Why: "must be given"}
	}
	if err := checkOwn(newNameOf(c.Op), c.NewName); err != nil {
		return nil, err
	}
	n := c.Create
	if err := checkForm("distro", n.Distro, distroPattern, "must be a distribution such as ubuntu or ubuntu:noble"); err != nil {
		return nil, err
	}
	argv := []string{"create"}
	for _, o := range []struct {
		flag, field, value string
		form               *regexp.Regexp
		why                string
	}{
		{"--arch", "arch", n.Arch, archPattern, "must be arm64 or amd64"},
		{"--user", "user", n.User, userPattern, "must be a user's name"},
		{"--cpus", "cpus", n.CPUs, cpusPattern, "must be a whole number of CPUs"},
		{"--memory", "memory", n.Memory, sizePattern, "must be a size such as 4G or 512M"},
		{"--disk", "disk", n.Disk, sizePattern, "must be a size such as 64G"},
	} {
		if o.value == "" {
			continue
		}
		if err := checkForm(o.field, o.value, o.form, o.why); err != nil {
			return nil, err
		}
		argv = append(argv, o.flag, o.value)
	}
	if n.Isolated {
		argv = append(argv, "--isolated")
	}
	if n.IsolateNetwork {
		argv = append(argv, "--isolate-network")
	}
	for _, mount := range n.Mounts {
		if err := checkMount(mount, n.Isolated); err != nil {
			return nil, err
		}
		argv = append(argv, "--mount", mount)
	}
	if n.UserData != "" {
		if err := checkPath("user_data", n.UserData); err != nil {
			return nil, err
		}
		argv = append(argv, "--user-data", n.UserData)
	}
	return append(argv, n.Distro, c.NewName), nil
}

func checkForm(field, value string, form *regexp.Regexp, why string) error {
	if form.MatchString(value) {
		return nil
	}
	return &InvalidError{Field: field, Value: value, Why: why}
}

// checkMount takes what ParseMount takes, of an isolated machine.
func checkMount(mount string, isolated bool) error {
	if !isolated {
		return &InvalidError{Field: "mounts", Value: mount, Why: "are for isolated machines only: others see the Mac's files anyway"}
	}
	_, _, err := ParseMount(mount)
	return err
}

// ParseMount reads SRC or SRC:DEST, as --mount and the setting machine.NAME.mounts have
// it (docs/orbctl-contract.md §2); without DEST destination is "". One text is one mount:
// a comma would begin another if orbctl's flag is a list of pflag's, which is not known,
// and a quotation mark would hide one; nor is it known how a second colon is read. The
// error is an *InvalidError.
func ParseMount(text string) (source, destination string, err error) {
	source, destination, both := strings.Cut(text, ":")
	if strings.ContainsAny(text, `,"`) || strings.Contains(destination, ":") ||
		checkPath("mounts", source) != nil || both && checkPath("mounts", destination) != nil {
		return "", "", &InvalidError{Field: "mounts", Value: text, Why: "must be SRC or SRC:DEST: absolute paths without .., a slash at their end, a comma, a colon or a quotation mark"}
	}
	return source, destination, nil
}

// checkPath takes an absolute path that is written as it is meant.
func checkPath(field, path string) error {
	if !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return &InvalidError{Field: field, Value: path, Why: "must be an absolute path without .. in it"}
	}
	return checkWord(field, path, true)
}
