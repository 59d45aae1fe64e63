package job

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// Keep is how long a finished job can be asked for.
	Keep = time.Hour
	// KeepJobs is how many finished jobs can be asked for; the oldest are forgotten
	// first.
	KeepJobs = 64
	// keepBytes bounds what finished jobs have printed, together: the oldest are
	// forgotten first, and the newest stays whatever it takes. Results are not
	// counted: each tool bounds its own, to some 100 KiB.
	keepBytes = 8 << 20
	// most is how many jobs may run at a time.
	most = 32
)

// Causes of a job's end.
var (
	ErrCancelled = errors.New("it was cancelled")
	ErrServerEnd = errors.New("this server has ended")
)

// A BusyError says that too many jobs run already.
type BusyError struct{ Running int }

func (e *BusyError) Error() string { return fmt.Sprintf("%d jobs are running already", e.Running) }

// An UnknownError says that there is no job of that handle: it never was, or it is
// forgotten.
type UnknownError struct{}

func (*UnknownError) Error() string { return "there is no such job" }

// About is what a job is.
type About struct {
	Tool    string    `json:"tool"`
	Machine string    `json:"machine"`
	Began   time.Time `json:"began"`
}

// A Book is the jobs of one server. It may be used by many goroutines.
type Book struct {
	notes *notes

	mu     sync.Mutex
	jobs   map[string]*Job
	closed bool
	wg     sync.WaitGroup
}

// NewBook keeps its notes in a folder that all servers of the user share, or none
// for "". That they cannot be kept is no reason to refuse work.
func NewBook(folder string) *Book {
	return &Book{notes: openNotes(folder), jobs: map[string]*Job{}}
}

// Close ends all jobs and waits for them.
func (b *Book) Close() {
	b.mu.Lock()
	b.closed = true
	for _, j := range b.jobs {
		j.cancel(ErrServerEnd)
	}
	b.mu.Unlock()
	b.wg.Wait()
}

// Start begins a job. Its context has the values of ctx and not its end: it ends
// with Cancel, or with the Book. Errors: *BusyError, ErrServerEnd.
func (b *Book) Start(ctx context.Context, about About, work func(context.Context, *Job) (any, error)) (*Job, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrServerEnd
	}
	running := b.tidy()
	if running >= most {
		return nil, &BusyError{Running: running}
	}
	about.Began = time.Now()
	j := &Job{ID: "job_" + rand.Text(), About: about, done: make(chan struct{}), said: make(chan struct{}, 1)}
	ctx, j.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	forget := b.notes.write(j.ID, about)
	b.jobs[j.ID] = j
	b.wg.Go(func() {
		defer j.cancel(nil)
		result, err := work(ctx, j)
		forget()
		j.Output.settle()
		j.finish(result, err)
	})
	return j, nil
}

// Drop forgets a job that nobody will ask for, since its handle was given to
// nobody. One that still runs goes on, and ends with the Book.
func (b *Book) Drop(j *Job) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if ended, _ := j.ended(); ended {
		delete(b.jobs, j.ID)
	}
}

// tidy forgets what ended long ago and what is too much, and counts what runs.
func (b *Book) tidy() (running int) {
	var over []*Job
	for id, j := range b.jobs {
		switch ended, when := j.ended(); {
		case !ended:
			running++
		case time.Since(when) > Keep:
			delete(b.jobs, id)
		default:
			over = append(over, j)
		}
	}
	slices.SortFunc(over, func(a, b *Job) int { return b.end.Compare(a.end) }) // the newest first
	held := 0
	for i, j := range over {
		held += j.Output.held()
		if i >= KeepJobs || i > 0 && held > keepBytes {
			delete(b.jobs, j.ID)
		}
	}
	return running
}

// Find is the job of that handle. Errors: *UnknownError; *LostError if its server
// died; *ElsewhereError if another server runs it.
func (b *Book) Find(id string) (*Job, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tidy()
	if j := b.jobs[id]; j != nil {
		return j, nil
	}
	if err := b.notes.read(id); err != nil {
		return nil, err
	}
	return nil, &UnknownError{}
}
