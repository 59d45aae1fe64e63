package confine

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"strings"
)

// loaderOf is the dynamic loader that the kernel runs a program with (elf(5),
// PT_INTERP); "" for a static one. A script is an error: what it starts would
// have to be let through as well, and that is a shell.
func loaderOf(program string) (string, error) {
	f, err := elf.Open(program)
	var format *elf.FormatError
	switch {
	case errors.As(err, &format) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return "", fmt.Errorf("%s is a script or something else that is no ELF program, and what it starts cannot be told", program)
	case err != nil:
		return "", fmt.Errorf("what %s needs to run cannot be read: %w", program, err)
	}
	defer f.Close() //nolint:errcheck // nothing was written to it
	for _, part := range f.Progs {
		if part.Type != elf.PT_INTERP {
			continue
		}
		name, err := io.ReadAll(io.LimitReader(part.Open(), 4096))
		loader := strings.TrimRight(string(name), "\x00")
		if err != nil || !plainPath(loader) {
			return "", fmt.Errorf("the dynamic loader of %s cannot be told", program)
		}
		return loader, nil
	}
	return "", nil
}
