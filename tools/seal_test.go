package tools

import (
	"encoding/base64"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newTestSeals(t *testing.T) *seals {
	t.Helper()
	s, err := newSeals()
	require.NoError(t, err)
	return s
}

func sealFor(t *testing.T, s *seals, within time.Duration) string {
	t.Helper()
	state, err := s.seal(sealed{Tool: "vm_delete", Args: "digest", About: "01ID"}, within)
	require.NoError(t, err)
	return state
}

func TestASealIsRedeemedOnce(t *testing.T) {
	t.Parallel()
	s := newTestSeals(t)
	state := sealFor(t, s, time.Minute)
	got, err := s.redeem(state)
	require.NoError(t, err)
	assert.Equal(t, sealed{Tool: "vm_delete", Args: "digest", About: "01ID", Serial: got.Serial}, got)
	assert.Empty(t, s.open)
	_, err = s.redeem(state)
	require.ErrorContains(t, err, "used already")
}

func TestOneOfManyAtOnceRedeemsASeal(t *testing.T) {
	t.Parallel()
	s := newTestSeals(t)
	state := sealFor(t, s, time.Minute)
	var redeemed atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, err := s.redeem(state); err == nil {
				redeemed.Add(1)
			}
		})
	}
	wg.Wait()
	assert.Equal(t, int32(1), redeemed.Load())
}

func TestASealExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTestSeals(t)
		early, late := sealFor(t, s, time.Minute), sealFor(t, s, time.Minute)
		time.Sleep(time.Minute - 1)
		_, err := s.redeem(early)
		require.NoError(t, err)
		time.Sleep(time.Nanosecond)
		_, err = s.redeem(late)
		require.ErrorContains(t, err, "too late")
		_, err = s.redeem(late)
		require.ErrorContains(t, err, "used already", "not another time either")
	})
}

// Whatever is done to a state, it is no state any more, and the true one still is.
func TestASealThatWasAlteredIsNone(t *testing.T) {
	t.Parallel()
	s := newTestSeals(t)
	state := sealFor(t, s, time.Minute)
	raw, err := base64.RawURLEncoding.DecodeString(state)
	require.NoError(t, err)
	for i := range raw {
		other := append([]byte(nil), raw...)
		other[i] ^= 1
		_, err := s.redeem(base64.RawURLEncoding.EncodeToString(other))
		require.ErrorContains(t, err, "altered", "byte %d", i)
	}
	for _, other := range []string{"", "x", "yes", state + "A", state + "AAAA", state[1:], state[:len(state)-1], "=" + state, base64.StdEncoding.EncodeToString(raw) + "=="} {
		_, err := s.redeem(other)
		require.Error(t, err, "%q", other)
	}
	_, err = newTestSeals(t).redeem(state)
	require.ErrorContains(t, err, "another run of this server")
	_, err = s.redeem(state)
	require.NoError(t, err)
}

func TestASealSaysNothingToWhoCarriesIt(t *testing.T) {
	t.Parallel()
	s := newTestSeals(t)
	one, other := sealFor(t, s, time.Minute), sealFor(t, s, time.Minute)
	assert.NotEqual(t, one, other, "the same question twice is two")
	raw, err := base64.RawURLEncoding.DecodeString(one)
	require.NoError(t, err)
	for _, word := range []string{"vm_delete", "digest", "01ID"} {
		assert.NotContains(t, string(raw), word)
	}
}

// Who asks and asks costs no memory: the oldest questions are forgotten.
func TestOpenQuestionsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newTestSeals(t)
		var states []string
		for range maxOpen + 10 {
			states = append(states, sealFor(t, s, time.Hour))
			time.Sleep(time.Millisecond)
		}
		assert.Len(t, s.open, maxOpen)
		_, err := s.redeem(states[9])
		require.Error(t, err)
		_, err = s.redeem(states[10])
		require.NoError(t, err)
		time.Sleep(2 * time.Hour)
		sealFor(t, s, time.Hour)
		assert.Len(t, s.open, 1, "what is too old is forgotten as well")
	})
}
