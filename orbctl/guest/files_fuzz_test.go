package guest

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"
)

// Whatever the path: it is refused with its field named, or the scripts get an
// argument that is no option, one line, and the same place.
func FuzzFilePath(f *testing.F) {
	for _, seed := range []string{"", "~", "~/", "~//x", "~root/x", "-rf", "a", "./-x", "/", "/etc/passwd", "../x", "a\nb", "a\x00b", "\xff", strings.Repeat("a", maxPath), strings.Repeat("a", maxPath+1)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		_, args, _, err := Get(file, time.Minute)
		if err != nil {
			var bad *TargetError
			if !errors.As(err, &bad) || bad.Field != "source" || bad.Why == "" {
				t.Fatalf("%q: %v", file, err)
			}
			return
		}
		place := args[len(args)-1]
		switch {
		case strings.ContainsFunc(place, unicode.IsControl):
			t.Fatalf("%q became %q, which has a control character", file, place)
		case place == ".":
		case !strings.HasPrefix(place, "/") && !strings.HasPrefix(place, "./"):
			t.Fatalf("%q became %q, which may be an option or a home folder", file, place)
		case !strings.HasSuffix(place, strings.TrimLeft(strings.TrimPrefix(file, "~"), "/")):
			t.Fatalf("%q became %q, which is another place", file, place)
		}
	})
}
