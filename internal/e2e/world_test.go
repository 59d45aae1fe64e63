package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim"
)

// worldArg is what orbsim takes: a name as it is, a YAML text as a file.
func worldArg(t testing.TB, world string) string {
	t.Helper()
	if !strings.Contains(world, "\n") {
		return world
	}
	file := filepath.Join(t.TempDir(), "world.yaml")
	require.NoError(t, os.WriteFile(file, []byte(world), 0o644))
	return file
}

// reached is every call that reached orbctl so far, as one string of arguments
// each. What a probe carries is cut to its script's name.
func (s *session) reached() []string {
	s.t.Helper()
	var all []string
	for _, r := range s.records() {
		if r.Event == "start" {
			all = append(all, brief(r.Argv))
		}
	}
	return all
}

func (s *session) records() []orbsim.Record {
	s.t.Helper()
	return s.record.read(s.t)
}

// A record is the file in which orbsim writes what reaches orbctl. What was read of
// it stays read: many tests ask after every call.
type record struct {
	file string

	mu  sync.Mutex
	end int64
	all []orbsim.Record
}

func (r *record) read(t testing.TB) []orbsim.Record {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	f, err := os.Open(r.file)
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	defer f.Close()
	_, err = f.Seek(r.end, io.SeekStart)
	require.NoError(t, err)
	for lines := bufio.NewReader(f); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) { // a line without its end is still being written
			return slices.Clip(r.all)
		}
		require.NoError(t, err)
		var next orbsim.Record
		require.NoError(t, json.Unmarshal(line, &next))
		r.all, r.end = append(r.all, next), r.end+int64(len(line))
	}
}

// atOnce is how many calls of a verb, or of any where it is empty, ran side by side.
func (s *session) atOnce(verb string) int {
	running, most := 0, 0
	for _, r := range s.records() { // in the order of time
		if verb != "" && (len(r.Argv) == 0 || r.Argv[0] != verb) {
			continue
		}
		switch r.Event {
		case "start":
			running++
		case "end":
			running--
		}
		most = max(most, running)
	}
	return most
}

// brief leaves out the text of a script.
func brief(argv []string) string {
	var words []string
	for i := 0; i < len(argv); i++ {
		if i+2 < len(argv) && argv[i] == "sh" && argv[i+1] == "-c" {
			return strings.Join(append(words, strings.TrimPrefix(argv[i+3], "orbstack-mcp-")), " ")
		}
		words = append(words, argv[i])
	}
	return strings.Join(words, " ")
}

// spawns is what reached orbctl since mark calls, without `status`, which is
// counted apart.
func (s *session) spawns(mark int) (calls []string, status int) {
	for _, r := range s.reached()[mark:] {
		if r == "status" {
			status++
			continue
		}
		calls = append(calls, r)
	}
	return calls, status
}
