package tools

import (
	"context"
	"errors"
	"fmt"
	"time"

	"orbstack-mcp/tools/job"
)

// inJob does work that may take long. If it is done in time, its result is the
// call's; if not, later makes a result of the job's handle, and the work goes on
// without the call. A call that is cancelled before then ends its work. Only a job
// whose handle was given is kept after its end.
func inJob[Out any](ctx context.Context, c *Call, machine string, later func(handle, note string) Out, work func(context.Context, *job.Job) (Out, error)) (Out, error) {
	var none Out
	tool := c.Tool
	j, err := c.Server.Jobs.Start(ctx, job.About{Tool: tool, Machine: machine}, func(ctx context.Context, j *job.Job) (out any, err error) {
		defer func() { // it runs beside the call, whose own net does not catch it
			if p := recover(); p != nil {
				out, err = nil, brokeDown(c.Server.Log, tool, p)
			}
		}()
		return work(ctx, j)
	})
	if err != nil {
		return none, err
	}
	patience := time.NewTimer(c.Server.JobAfter)
	defer patience.Stop()
	for {
		select {
		case <-j.Done():
			c.Server.Jobs.Drop(j)
			result, _, err := j.Outcome()
			out, _ := result.(Out)
			return out, err
		case <-j.Said():
			if c.Progress.Ready() {
				c.Progress.Say(ctx, j.Message())
			}
		case <-patience.C:
			return later(j.ID, fmt.Sprintf("It is not done yet and goes on as a job. Call vm_job with this handle until it is; it can be asked for until %s after its end, or until %d others have ended since, and ends with this server.", inWords(job.Keep), job.KeepJobs)), nil
		case <-ctx.Done():
			j.Cancel()
			<-j.Done()
			c.Server.Jobs.Drop(j)
			_, _, err := j.Outcome()
			return none, errors.Join(context.Cause(ctx), err)
		}
	}
}

// inWords is a time as a person says it.
func inWords(d time.Duration) string {
	switch {
	case d == time.Hour:
		return "an hour"
	case d%time.Minute == 0:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return d.Round(time.Second).String()
}
