package tools

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/stdio"
	"orbstack-mcp/orbctl"
	"orbstack-mcp/tools/job"
)

// A slowOut is the result of the tool of these tests.
type slowOut struct {
	Word string `json:"word,omitempty"`
	Job  string `json:"job,omitempty"`
	Note string `json:"note,omitempty"`
}

// slow is a tool that takes long, and a server for it and the tools of jobs.
type slow struct {
	s    *toolServer
	tool Tool
	log  bytes.Buffer
}

func newSlow(t *testing.T, work func(context.Context, *job.Job) (slowOut, error)) *slow {
	t.Helper()
	w := &slow{tool: Do(Tool{Name: "slow", Family: Machines, Long: true}, func(ctx context.Context, c *Call, _ struct{}) (slowOut, error) {
		return inJob(ctx, c, "web", func(handle, note string) slowOut { return slowOut{Job: handle, Note: note} }, work)
	})}
	jobs := job.NewBook("")
	t.Cleanup(jobs.Close)
	log := slog.New(slog.NewTextHandler(&w.log, nil))
	w.s = &toolServer{orb: orbctl.New(fails{}, orbctl.Mac{}), log: log, options: Options{Jobs: jobs, JobAfter: 45 * time.Second, Log: log}}
	return w
}

func (w *slow) call(ctx context.Context, t *testing.T, tool Tool, arguments string) (text string, isError bool) {
	t.Helper()
	handle := w.s.handler(tool)
	req := mcp.CallToolRequest{}
	req.Params.RawArguments = json.RawMessage(arguments)
	r, err := handle(ctx, req)
	require.NoError(t, err)
	return r.Content[0].(mcp.TextContent).Text, r.IsError
}

func TestWorkThatIsDoneInTimeIsTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlow(t, func(context.Context, *job.Job) (slowOut, error) {
			time.Sleep(45*time.Second - 1)
			return slowOut{Word: "done"}, nil
		})
		text, isError := w.call(t.Context(), t, w.tool, `{}`)
		assert.False(t, isError)
		assert.JSONEq(t, `{"word":"done"}`, text)
	})
}

func TestWorkThatFailsIsTheError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlow(t, func(context.Context, *job.Job) (slowOut, error) {
			return slowOut{Word: "half"}, &orbctl.Error{Kind: orbctl.MachineExists, Machine: "web"}
		})
		text, isError := w.call(t.Context(), t, w.tool, `{}`)
		assert.True(t, isError)
		assert.Contains(t, text, "machine_exists: ")
	})
}

func TestWorkThatTakesLongerGoesOnAsAJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlow(t, func(ctx context.Context, j *job.Job) (slowOut, error) {
			j.Say("half of it")
			select {
			case <-time.After(time.Minute):
			case <-ctx.Done():
				return slowOut{}, context.Cause(ctx)
			}
			return slowOut{Word: "done"}, nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		text, isError := w.call(ctx, t, w.tool, `{}`)
		require.False(t, isError, text)
		cancel() // the call is over, and its end is none of the job's
		var out slowOut
		require.NoError(t, json.Unmarshal([]byte(text), &out))
		assert.Contains(t, out.Note, "vm_job")
		assert.Contains(t, out.Note, "an hour")

		text, isError = w.call(t.Context(), t, followJob(), `{"job":"`+out.Job+`","wait_seconds":5}`)
		require.False(t, isError, text)
		assert.Contains(t, text, `"state":"running"`)
		assert.Contains(t, text, `"progress":"half of it"`)
		text, isError = w.call(t.Context(), t, followJob(), `{"job":"`+out.Job+`"}`)
		require.False(t, isError, text)
		assert.Contains(t, text, `"state":"done"`)
		assert.Contains(t, text, `"result":{"word":"done"}`)
		assert.Contains(t, text, `"seconds":60`)
	})
}

// Nobody can ask for a job whose handle was never given, so its result and its
// output stay nowhere.
func TestOnlyAJobThatWasHandedOverIsKept(t *testing.T) {
	for name, test := range map[string]struct {
		takes, cancelledAfter time.Duration
		kept                  bool
	}{
		"done in time":        {takes: time.Second},
		"cancelled before":    {takes: time.Minute, cancelledAfter: time.Second},
		"handed over":         {takes: time.Minute, kept: true},
		"cancelled after":     {takes: time.Minute, cancelledAfter: 50 * time.Second, kept: true},
		"failed, in its time": {takes: -1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := make(chan *job.Job, 1)
				w := newSlow(t, func(ctx context.Context, j *job.Job) (slowOut, error) {
					begun <- j
					if test.takes < 0 {
						return slowOut{}, errors.New("no")
					}
					select {
					case <-time.After(test.takes):
						return slowOut{Word: "done"}, nil
					case <-ctx.Done():
						return slowOut{}, context.Cause(ctx)
					}
				})
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if test.cancelledAfter > 0 {
					time.AfterFunc(test.cancelledAfter, func() { cancel(stdio.ErrCancelled) })
				}
				w.call(ctx, t, w.tool, `{}`)
				its := <-begun
				<-its.Done()
				_, err := w.s.options.Jobs.Find(its.ID)
				assert.Equal(t, test.kept, err == nil, "%v", err)
			})
		})
	}
}

// Whoever cancels before there is a job ends the work, and is answered when it has
// ended.
func TestACallThatIsCancelledEndsItsWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		w := newSlow(t, func(ctx context.Context, _ *job.Job) (slowOut, error) {
			<-ctx.Done()
			time.Sleep(time.Second) // it tidies up
			ended = true
			return slowOut{}, context.Cause(ctx)
		})
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(stdio.ErrCancelled) })
		text, isError := w.call(ctx, t, w.tool, `{}`)
		assert.True(t, isError)
		assert.True(t, ended)
		assert.Contains(t, text, "cancelled: ")
	})
}

// A panic beside the call would take the server with it.
func TestWorkThatBreaksDownIsInternal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlow(t, func(context.Context, *job.Job) (slowOut, error) { panic(errors.New("index out of range [3]")) })
		text, isError := w.call(t.Context(), t, w.tool, `{}`)
		assert.True(t, isError)
		assert.Equal(t, "internal: slow broke down; the log of this server says where.\nPlease report it, with the arguments of the call.", text)
		assert.Contains(t, w.log.String(), "index out of range [3]")
		assert.Contains(t, w.log.String(), "long_test.go")
	})
}

func TestTooManyJobsAreBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newSlow(t, func(ctx context.Context, _ *job.Job) (slowOut, error) {
			<-ctx.Done()
			return slowOut{}, context.Cause(ctx)
		})
		var handles []string
		for range 32 {
			text, _ := w.call(t.Context(), t, w.tool, `{}`)
			var out slowOut
			require.NoError(t, json.Unmarshal([]byte(text), &out))
			handles = append(handles, out.Job)
		}
		text, isError := w.call(t.Context(), t, w.tool, `{}`)
		assert.True(t, isError)
		assert.Contains(t, text, "busy: 32 jobs are running already. Nothing was begun.")

		text, isError = w.call(t.Context(), t, cancelJob(), `{"job":"`+handles[0]+`"}`)
		require.False(t, isError, text)
		assert.Contains(t, text, `"state":"cancelled"`)
		assert.Contains(t, text, "OrbStack may finish it all the same")
		text, isError = w.call(t.Context(), t, w.tool, `{}`)
		require.False(t, isError, text)
	})
}

func TestInWords(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{time.Hour: "an hour", 5 * time.Minute: "5 minutes", 90 * time.Second: "1m30s", 300 * time.Millisecond: "0s"} {
		assert.Equal(t, want, inWords(d))
	}
}
