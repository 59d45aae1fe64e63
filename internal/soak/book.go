package main

import (
	"encoding/json"
	"fmt"
	"sync"
)

// A book has an entry for each request: it counts answers and what they say.
type book struct {
	mu       sync.Mutex
	entries  []entry        // by ID
	outcomes map[string]int // by code; "ok" is a result
	stray    []string       // lines that answer nothing
}

type entry struct {
	answered  chan struct{} // closed by the first answer
	answers   int
	cancelled bool
}

func newBook() *book { return &book{outcomes: map[string]int{}} }

func (b *book) open() (id int, answered <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := entry{answered: make(chan struct{})}
	b.entries = append(b.entries, e)
	return len(b.entries) - 1, e.answered
}

// cancel notes that an answer is no longer owed.
func (b *book) cancel(id int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries[id].cancelled = true
}

// answer is the part of a message that the book is about.
type answer struct {
	ID     *int   `json:"id"`
	Method string `json:"method"`
	Error  *struct {
		Code int `json:"code"`
	} `json:"error"`
	Result struct {
		IsError    bool `json:"isError"`
		Structured struct {
			Error struct {
				Code string `json:"code"`
			} `json:"error"`
		} `json:"structuredContent"`
	} `json:"result"`
}

func (b *book) take(line []byte) {
	var a answer
	err := json.Unmarshal(line, &a)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil && a.Method != "" && a.ID == nil:
		return // a notification
	case err != nil || a.ID == nil || *a.ID < 0 || *a.ID >= len(b.entries):
		b.stray = append(b.stray, string(line[:min(len(line), 200)]))
		return
	}
	e := &b.entries[*a.ID]
	if e.answers++; e.answers == 1 {
		close(e.answered)
		b.outcomes[a.outcome()]++
	}
}

func (a answer) outcome() string {
	switch {
	case a.Error != nil:
		return fmt.Sprintf("protocol error %d", a.Error.Code)
	case a.Result.IsError:
		return a.Result.Structured.Error.Code
	}
	return "ok"
}

// balance says what is wrong with the answers, and how many were cancelled and
// answered all the same.
func (b *book) balance() (problems []string, cancelled, crossed int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	missing, twice := 0, 0
	for _, e := range b.entries {
		switch {
		case e.answers > 1:
			twice++
		case e.answers == 0 && !e.cancelled:
			missing++
		}
		if e.cancelled {
			cancelled++
			crossed += min(e.answers, 1)
		}
	}
	if missing > 0 {
		problems = append(problems, fmt.Sprintf("%d calls were never answered", missing))
	}
	if twice > 0 {
		problems = append(problems, fmt.Sprintf("%d calls were answered more than once", twice))
	}
	if len(b.stray) > 0 {
		problems = append(problems, fmt.Sprintf("%d lines on stdout answer nothing; the first: %s", len(b.stray), b.stray[0]))
	}
	for code, n := range b.outcomes {
		if code == "internal" || code == "" || len(code) > 8 && code[:8] == "protocol" {
			problems = append(problems, fmt.Sprintf("%d answers have the code %q, which is a fault of the server", n, code))
		}
	}
	return problems, cancelled, crossed
}
