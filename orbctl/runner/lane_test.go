package runner_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
)

func TestLaneLetsFourInAndKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		enter, leave, waiting := runner.NewLane()
		for range 4 {
			require.NoError(t, enter(t.Context()))
		}
		var order []int
		var mu sync.Mutex
		for i := range 10 {
			go func() {
				assert.NoError(t, enter(t.Context()))
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				leave()
			}()
			synctest.Wait()
		}
		assert.EqualValues(t, 10, waiting())
		leave()
		synctest.Wait()
		assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, order)
		assert.Zero(t, waiting())
	})
}

func TestLaneIsBusyBehindFiveHundredAndTwelve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		enter, leave, _ := runner.NewLane()
		ctx, cancel := context.WithCancel(t.Context())
		for range 4 {
			require.NoError(t, enter(ctx))
		}
		gone := make(chan error, 512)
		for range 512 {
			go func() { gone <- enter(ctx) }()
		}
		synctest.Wait()
		err := enter(t.Context())
		var busy *runner.BusyError
		require.ErrorAs(t, err, &busy)
		assert.Contains(t, err.Error(), "512 calls are waiting")
		cancel()
		for range 512 {
			require.ErrorIs(t, <-gone, context.Canceled)
		}
		leave()
		require.NoError(t, enter(t.Context()), "who gave up holds no place")
	})
}
