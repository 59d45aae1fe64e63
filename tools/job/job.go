package job

import (
	"context"
	"sync"
	"time"
)

// A Job is one piece of work.
type Job struct {
	ID string
	About
	Output Output // what it prints

	cancel context.CancelCauseFunc
	done   chan struct{}
	said   chan struct{} // holds one: something new was said

	mu      sync.Mutex
	message string
	end     time.Time
	result  any
	err     error
}

// Say tells who waits how far it is. Only the last message is kept.
func (j *Job) Say(message string) {
	j.mu.Lock()
	j.message = message
	j.mu.Unlock()
	select {
	case j.said <- struct{}{}:
	default:
	}
}

// Message is what was said last.
func (j *Job) Message() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.message
}

// Said has something when there is a new message.
func (j *Job) Said() <-chan struct{} { return j.said }

// Cancel ends the job. It does not wait: Done says when its work is over.
func (j *Job) Cancel() { j.cancel(ErrCancelled) }

// Done is closed when the job is over.
func (j *Job) Done() <-chan struct{} { return j.done }

// Outcome is what became of a job that is over, and how long it took.
func (j *Job) Outcome() (result any, took time.Duration, err error) {
	<-j.done
	return j.result, j.end.Sub(j.Began), j.err
}

func (j *Job) finish(result any, err error) {
	j.mu.Lock()
	j.end, j.result, j.err = time.Now(), result, err
	j.mu.Unlock()
	close(j.done)
}

func (j *Job) ended() (bool, time.Time) {
	select {
	case <-j.done:
		return true, j.end
	default:
		return false, time.Time{}
	}
}
