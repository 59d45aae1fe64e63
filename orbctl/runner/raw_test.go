package runner_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
)

// rawBytes is what the child of that kind prints.
func rawBytes() []byte {
	var all []byte
	for i := range 64 {
		all = append(all, bytes.Repeat([]byte{0, 27, '[', 255, byte(i)}, 4096)...)
	}
	return all
}

// notes is a writer that tells when it is closed.
type notes struct {
	bytes.Buffer
	closed chan struct{}
}

func (n *notes) Close() error { close(n.closed); return nil }

func get(out io.Writer, stderr io.Writer) runner.Call {
	call := as(runner.OpGet, probe("web", "", "60", "/x"))
	call.Raw, call.Stderr = out, stderr
	return call
}

func TestRawBytesComeAsTheyAre(t *testing.T) {
	w := newWorld(t, map[string]acts{"run": {Do: "raw"}})
	var out bytes.Buffer
	said := &notes{closed: make(chan struct{})}
	res, err := w.runner(t).Run(t.Context(), get(&out, said))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(rawBytes(), out.Bytes()))
	assert.Equal(t, "note\n", said.String())
	assert.Equal(t, "note\n", res.Stderr)
	assert.Empty(t, res.Stdout)
	assert.EqualValues(t, out.Len(), res.StdoutBytes)
	<-said.closed
}

// A slow reader keeps the child waiting, and loses nothing when it ends.
func TestASlowReaderOfRawBytesLosesNothing(t *testing.T) {
	w := newWorld(t, map[string]acts{"run": {Do: "raw"}})
	r, pipe := io.Pipe()
	read := make(chan []byte)
	go func() {
		var all []byte
		buf := make([]byte, 8<<10)
		for {
			n, err := r.Read(buf)
			all = append(all, buf[:n]...)
			if err != nil {
				break
			}
			<-time.After(3 * time.Millisecond) // it is slow: that is what is tested
		}
		read <- all
	}()
	res, err := w.runner(t).Run(t.Context(), get(pipe, nil))
	require.NoError(t, err)
	assert.False(t, res.Held)
	pipe.Close()
	assert.True(t, bytes.Equal(rawBytes(), <-read))
}

func TestAReaderOfRawBytesThatFailsEndsTheCall(t *testing.T) {
	w := newWorld(t, map[string]acts{"run": {Do: "raw"}})
	r, pipe := io.Pipe()
	full := errors.New("no space")
	r.CloseWithError(full)
	_, err := w.runner(t).Run(t.Context(), get(pipe, nil))
	require.ErrorIs(t, err, full)
}

// Four copies at once need eight of the four places: each gets both of its own or
// none, and nobody who wants one overtakes them.
func TestPlacesOfACopyComeTogether(t *testing.T) {
	w := newWorld(t, nil)
	r := w.runner(t)
	synctest.Test(t, func(t *testing.T) {
		r := runner.New(runner.Options{Orbctl: "/nonexistent", Getenv: func(string) string { return "" }})
		first, err := r.Places(t.Context(), 2)
		require.NoError(t, err)
		second, err := r.Places(t.Context(), 1)
		require.NoError(t, err)
		got := make(chan string, 2)
		go func() {
			p, err := r.Places(t.Context(), 2)
			assert.NoError(t, err)
			got <- "copy"
			p.Release()
		}()
		synctest.Wait()
		go func() {
			p, err := r.Places(t.Context(), 1)
			assert.NoError(t, err)
			got <- "push"
			p.Release()
		}()
		synctest.Wait()
		assert.Empty(t, got, "the push waits behind the copy though there is a place")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = r.Places(ctx, 2)
		require.ErrorIs(t, err, context.Canceled)
		first.Release()
		synctest.Wait()
		assert.Len(t, got, 2)
		second.Release()
	})
	places, err := r.Places(t.Context(), 4)
	require.NoError(t, err)
	defer places.Release()
	call := get(io.Discard, nil)
	call.In = places
	_, err = r.Run(t.Context(), call)
	require.NoError(t, err, "it stands on a place that is taken")
}
