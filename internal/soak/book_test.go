package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheBookFindsWhatIsWrongWithAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		lines   []string // answers to the requests 0 and 1, of which 1 was taken back
		wrong   string   // "": nothing
		crossed int
	}{
		"answered once":                   {[]string{`{"id":0,"result":{}}`}, "", 0},
		"notes are no answers":            {[]string{`{"method":"notifications/progress"}`, `{"id":0,"result":{}}`}, "", 0},
		"taken back and answered":         {[]string{`{"id":0,"result":{}}`, `{"id":1,"result":{}}`}, "", 1},
		"never answered":                  {nil, "1 calls were never answered", 0},
		"answered twice":                  {[]string{`{"id":0,"result":{}}`, `{"id":0,"result":{}}`}, "1 calls were answered more than once", 0},
		"taken back and answered twice":   {[]string{`{"id":0,"result":{}}`, `{"id":1,"result":{}}`, `{"id":1,"result":{}}`}, "more than once", 1},
		"an answer to nothing":            {[]string{`{"id":0,"result":{}}`, `{"id":2,"result":{}}`}, "answer nothing", 0},
		"no JSON":                         {[]string{`{"id":0,"result":{}}`, `panic: `}, "answer nothing", 0},
		"a protocol error":                {[]string{`{"id":0,"error":{"code":-32603}}`}, `"protocol error -32603"`, 0},
		"a fault of the server's":         {[]string{`{"id":0,"result":{"isError":true,"structuredContent":{"error":{"code":"internal"}}}}`}, `"internal"`, 0},
		"an error that orbctl's fault is": {[]string{`{"id":0,"result":{"isError":true,"structuredContent":{"error":{"code":"orbctl_failed"}}}}`}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBook()
			b.open()
			id, _ := b.open()
			b.cancel(id)
			for _, line := range tt.lines {
				b.take([]byte(line))
			}
			problems, cancelled, crossed := b.balance()
			assert.Equal(t, 1, cancelled)
			assert.Equal(t, tt.crossed, crossed)
			if tt.wrong == "" {
				assert.Empty(t, problems)
				return
			}
			assert.Len(t, problems, 1)
			assert.Contains(t, problems[0], tt.wrong)
		})
	}
}

func TestWhatIsLeftBehindIsWrong(t *testing.T) {
	good := sample{RSS: 20 << 10, Threads: 12, Files: 9}
	for name, tt := range map[string]struct {
		change func(*soaking)
		wrong  string
	}{
		"nothing":         {func(*soaking) {}, ""},
		"a little memory": {func(s *soaking) { s.late.RSS += 2 << 10 }, ""},
		"early memory":    {func(s *soaking) { s.calls = 500; s.late.RSS += 7 << 10 }, ""},
		"much of it":      {func(s *soaking) { s.calls = 500; s.late.RSS += 9 << 10 }, "resident"},
		"memory":          {func(s *soaking) { s.late.RSS += 5 << 10 }, "resident"},
		"much of much":    {func(s *soaking) { s.early.RSS, s.late.RSS = 100<<10, 111<<10 }, "resident"},
		"a file":          {func(s *soaking) { s.late.Files++ }, "open files"},
		"threads":         {func(s *soaking) { s.late.Threads += 9 }, "threads"},
		"a child":         {func(s *soaking) { s.late.Children++ }, "left"},
		"too many":        {func(s *soaking) { s.most.Children = 9 }, "at once"},
		"a lock":          {func(s *soaking) { s.held = []string{"settings.lock"} }, "settings.lock"},
	} {
		t.Run(name, func(t *testing.T) {
			s := soaking{calls: 100_000, book: newBook(), began: good, early: good, late: good, most: sample{Children: 8}}
			tt.change(&s)
			problems := s.problems()
			if tt.wrong == "" {
				assert.Empty(t, problems)
				return
			}
			assert.Len(t, problems, 1)
			assert.Contains(t, problems[0], tt.wrong)
		})
	}
}
