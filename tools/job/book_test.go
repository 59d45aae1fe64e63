package job

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type contextKey struct{}

// untilEnded is work that ends with its context.
func untilEnded(ctx context.Context, _ *Job) (any, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// gives is work that is done at once.
func gives(result any, err error) func(context.Context, *Job) (any, error) {
	return func(context.Context, *Job) (any, error) { return result, err }
}

func start(t *testing.T, b *Book, work func(context.Context, *Job) (any, error)) *Job {
	t.Helper()
	j, err := b.Start(t.Context(), About{Tool: "vm_clone", Machine: "web"}, work)
	require.NoError(t, err)
	return j
}

func TestAJobOutlivesTheCallThatBeganIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBook("")
		defer b.Close()
		call, end := context.WithCancel(context.WithValue(t.Context(), contextKey{}, "vm_exec"))
		release := make(chan struct{})
		j, err := b.Start(call, About{Tool: "vm_exec", Machine: "web"}, func(ctx context.Context, j *Job) (any, error) {
			j.Say("half of it")
			<-release
			return ctx.Value(contextKey{}), ctx.Err()
		})
		require.NoError(t, err)
		end()
		<-j.Said()
		assert.Equal(t, "half of it", j.Message())
		found, err := b.Find(j.ID)
		require.NoError(t, err)
		assert.Same(t, j, found)
		time.Sleep(time.Minute)
		close(release)
		<-j.Done()
		result, took, err := j.Outcome()
		require.NoError(t, err, "the end of the call is not its end")
		assert.Equal(t, "vm_exec", result, "and yet it has the values of the call")
		assert.Equal(t, time.Minute, took)
	})
}

func TestAJobEndsWithACancelOrWithTheServer(t *testing.T) {
	b := NewBook(t.TempDir())
	cancelled, kept := start(t, b, untilEnded), start(t, b, untilEnded)
	cancelled.Cancel()
	<-cancelled.Done()
	_, _, err := cancelled.Outcome()
	require.ErrorIs(t, err, ErrCancelled)
	select {
	case <-kept.Done():
		t.Fatal("only the one was cancelled")
	default:
	}
	b.Close()
	<-kept.Done()
	_, _, err = kept.Outcome()
	require.ErrorIs(t, err, ErrServerEnd)
	cancelled.Cancel() // of no use, and harmless
	_, err = b.Start(t.Context(), About{}, gives(1, nil))
	require.ErrorIs(t, err, ErrServerEnd)
	b.Close()
}

// A result that is there in spite of a cancel is a result.
func TestACancelThatComesTooLateChangesNothing(t *testing.T) {
	b := NewBook("")
	defer b.Close()
	j := start(t, b, func(ctx context.Context, _ *Job) (any, error) {
		<-ctx.Done()
		return "done", nil
	})
	j.Cancel()
	result, _, err := j.Outcome()
	require.NoError(t, err)
	assert.Equal(t, "done", result)
}

func TestTooManyJobsAreRefusedUntilOneIsOver(t *testing.T) {
	b := NewBook("")
	defer b.Close()
	all := make([]*Job, most)
	for i := range all {
		all[i] = start(t, b, untilEnded)
	}
	_, err := b.Start(t.Context(), About{}, gives(1, nil))
	var busy *BusyError
	require.ErrorAs(t, err, &busy)
	assert.Equal(t, most, busy.Running)
	all[7].Cancel()
	<-all[7].Done()
	start(t, b, gives(1, nil))
}

func TestAFinishedJobIsKeptForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBook("")
		defer b.Close()
		long, j := start(t, b, untilEnded), start(t, b, gives(nil, errors.New("no")))
		<-j.Done()
		time.Sleep(Keep)
		_, err := b.Find(j.ID)
		require.NoError(t, err)
		time.Sleep(time.Second)
		_, err = b.Find(j.ID)
		var unknown *UnknownError
		require.ErrorAs(t, err, &unknown)
		_, err = b.Find(long.ID)
		require.NoError(t, err, "one that runs is kept however long it takes")
	})
}

// prints is work that is done when it has printed so many bytes.
func prints(n int) func(context.Context, *Job) (any, error) {
	return func(_ context.Context, j *Job) (any, error) { return j.Output.Write(make([]byte, n)) }
}

func TestADroppedJobIsForgottenAtItsEndAndNotBefore(t *testing.T) {
	b := NewBook("")
	defer b.Close()
	done, runs := start(t, b, prints(1<<20)), start(t, b, untilEnded)
	<-done.Done()
	b.Drop(done)
	b.Drop(runs)
	_, err := b.Find(done.ID)
	var unknown *UnknownError
	require.ErrorAs(t, err, &unknown)
	_, err = b.Find(runs.ID)
	require.NoError(t, err, "Close has to end it")
	assert.Len(t, b.jobs, 1)
}

func TestOfManyFinishedJobsTheOldestAreForgotten(t *testing.T) {
	for name, test := range map[string]struct{ bytes, jobs, kept int }{
		"too many":           {bytes: 1, jobs: KeepJobs + 9, kept: KeepJobs},
		"too much printed":   {bytes: 1 << 20, jobs: 40, kept: keepBytes / keepOutput},
		"few, however large": {bytes: 1 << 20, jobs: 5, kept: 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := NewBook("")
				defer b.Close()
				long := start(t, b, untilEnded)
				var all []*Job
				for range test.jobs {
					j := start(t, b, prints(test.bytes))
					<-j.Done()
					all = append(all, j)
					time.Sleep(time.Second)
				}
				for i, j := range all {
					_, err := b.Find(j.ID)
					assert.Equal(t, i >= test.jobs-test.kept, err == nil, "%d", i)
				}
				_, err := b.Find(long.ID)
				require.NoError(t, err, "what runs is no finished job")
			})
		})
	}
}

func TestHandlesCannotBeGuessed(t *testing.T) {
	b := NewBook("")
	defer b.Close()
	seen := map[string]bool{}
	for range 200 {
		j := start(t, b, gives(1, nil))
		<-j.Done()
		assert.Regexp(t, `^job_[A-Z2-7]{26}$`, j.ID)
		assert.False(t, seen[j.ID])
		seen[j.ID] = true
	}
	for _, id := range []string{"", "job_", "job_1", "../../etc/passwd", strings.Repeat("x", 1<<16), "job_\x00"} {
		_, err := b.Find(id)
		var unknown *UnknownError
		require.ErrorAs(t, err, &unknown, "%.20q", id)
	}
}

// Only the last words are kept, and nobody has to listen.
func TestSayingNeverWaits(t *testing.T) {
	b := NewBook("")
	defer b.Close()
	said := make(chan struct{})
	j := start(t, b, func(ctx context.Context, j *Job) (any, error) {
		for _, word := range []string{"one", "two", "three"} {
			j.Say(word)
		}
		close(said)
		<-ctx.Done()
		return nil, context.Cause(ctx)
	})
	<-said
	<-j.Said()
	assert.Equal(t, "three", j.Message())
	select {
	case <-j.Said():
		t.Fatal("there is nothing new")
	default:
	}
}
