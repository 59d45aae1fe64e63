package guest

import (
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// maxFile is the size of the largest file that Put takes, in bytes.
const maxFile = 64 << 30

// maxPath is PATH_MAX of Linux, in bytes.
const maxPath = 4096

// The first words of the notes of Put and Get: lines "MARK WORD…" on stderr. What
// the commands of the script said stands beside them.
const (
	Written    = "written"  // put: it is there under its name; then the path
	FileThere  = "file"     // get: bytes, octal mode, path; the file comes on stdout
	Whole      = "whole"    // get: the file was printed, and is as long as it was
	Changed    = "changed"  // get: it grew or shrank meanwhile
	Exists     = "exists"   // put: the name is taken, and it may not be replaced
	NoSuchFile = "missing"  // get
	NoParent   = "nofolder" // put: the folder that it is to be in is not there
	IsFolder   = "folder"   // then the path
	IsSpecial  = "special"  // a FIFO, a socket or a device; then the path
	NoWrite    = "nowrite"  // put: it could not be written; stderr says why
	NoRead     = "noread"   // get: it could not be read; stderr says why
	NoStat     = "nostat"   // get: the machine has no stat
	NoHome     = "nohome"   // the user has no home folder for a path that needs one
	Torn       = "torn"     // put: other bytes came than were announced
)

// A Putting is a file that is to be in a machine.
type Putting struct {
	Path      string // absolute, or from the user's home folder on, with or without ~/; a folder means Name in it
	Name      string // its name, if Path is a folder
	Size      int64  // bytes that will come on stdin, 0 to 64 GiB
	Mode      uint32 // permission bits, 0 to 0777
	Overwrite bool   // a regular file that is there already is replaced; a link is, and not what it points to
	Contained bool   // only if the Mac's files are not in the machine
	Limit     time.Duration
}

// Put is the script that writes what it reads. The limit of the call has to be
// longer than the duration returned. The error is a *TargetError.
func Put(p Putting) (Script, []string, time.Duration, error) {
	where, overwrite := "anywhere", "keep"
	if p.Contained {
		where = "contained"
	}
	if p.Overwrite {
		overwrite = "overwrite"
	}
	place, err := filePath("destination", p.Path)
	switch {
	case err != nil:
		return Script{}, nil, 0, err
	case strings.Contains(p.Name, "/") || p.Name == "." || p.Name == ".." || unfitPath(p.Name) != "":
		return Script{}, nil, 0, &TargetError{Field: "source", Value: p.Name, Why: "its last part is no name for a file"}
	case p.Size < 0 || p.Size > maxFile:
		return Script{}, nil, 0, &TargetError{Field: "source", Value: p.Name, Why: "it is larger than 64 GiB"}
	}
	args := []string{
		wholeSeconds(p.Limit), where, place, p.Name, strconv.FormatInt(p.Size, 10),
		"0" + strconv.FormatUint(uint64(p.Mode&0o777), 8), overwrite,
	}
	return load("put", "watch"), args, p.Limit + 5*time.Second, nil
}

// Get is the script that prints a file. The limit of the call has to be longer
// than the duration returned. The error is a *TargetError.
func Get(file string, limit time.Duration) (Script, []string, time.Duration, error) {
	place, err := filePath("source", file)
	if err != nil {
		return Script{}, nil, 0, err
	}
	return load("get", "watch"), []string{wholeSeconds(limit), place}, limit + 5*time.Second, nil
}

// filePath is a path as the scripts take it: absolute, or beginning with ./ from
// the user's home folder on.
func filePath(field, file string) (string, error) {
	if why := unfitPath(file); why != "" {
		return "", &TargetError{Field: field, Value: file, Why: why}
	}
	switch {
	case file == "~":
		return ".", nil
	case path.IsAbs(file):
		return file, nil
	case strings.HasPrefix(file, "~/"):
		return "./" + strings.TrimLeft(file[2:], "/"), nil
	case file[0] == '~':
		return "", &TargetError{Field: field, Value: file, Why: "another user's home folder has to be written out"}
	}
	return "./" + file, nil
}

func unfitPath(file string) string {
	switch {
	case file == "":
		return "it is empty"
	case len(file) > maxPath:
		return "it is longer than 4096 bytes"
	case strings.HasPrefix(file, "-"):
		return "it starts with -, like an option"
	case !utf8.ValidString(file):
		return "it is no UTF-8"
	case strings.ContainsFunc(file, unicode.IsControl):
		return "it has a newline or another control character in it"
	}
	return ""
}
