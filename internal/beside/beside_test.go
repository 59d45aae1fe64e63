package beside_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/beside"
)

func TestAPanicIsCaughtWithItsStackAndSaysNothingOfIt(t *testing.T) {
	t.Parallel()
	for _, value := range []any{"secret", errors.New("secret"), 7} {
		err := beside.Caught(func() { panic(value) })
		var p *beside.PanicError
		require.ErrorAs(t, err, &p)
		assert.Equal(t, value, p.Value)
		assert.Contains(t, string(p.Stack), "beside_test.go")
		assert.Equal(t, "a function of this server broke down", err.Error())
	}
	assert.NoError(t, beside.Caught(func() {}))
}

func TestWhoWaitsGetsThePanicWhenAllAreDone(t *testing.T) {
	t.Parallel()
	var done atomic.Int32
	err := beside.Caught(func() {
		var outer beside.Group
		outer.Go(func() {
			var inner beside.Group
			for i := range 8 {
				inner.Go(func() {
					defer done.Add(1)
					if i == 3 {
						panic("deep down")
					}
				})
			}
			inner.Wait()
		})
		outer.Wait()
	})
	var p *beside.PanicError
	require.ErrorAs(t, err, &p)
	assert.Equal(t, "deep down", p.Value, "the innermost one, not what it was passed on as")
	assert.Equal(t, int32(8), done.Load())
}

func TestAGroupWithoutAPanicJustWaits(t *testing.T) {
	t.Parallel()
	var g beside.Group
	var done atomic.Int32
	for range 8 {
		g.Go(func() { done.Add(1) })
	}
	g.Wait()
	assert.Equal(t, int32(8), done.Load())
}
