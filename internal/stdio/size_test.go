package stdio

import (
	"bufio"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTwoMebibyteArgumentPassesAndItsAnswerIsSmall(t *testing.T) {
	inEachEra(t, func(t *testing.T, e era) {
		big := strings.Repeat("x", 2<<20)
		r := e.only(t, newFixture().MCPServer, e.call("1", "echo", `{"__big":"`+big+`"}`))
		assert.NotNil(t, r.Result)
		assert.Less(t, len(r.raw), 64<<10)
		r = e.only(t, newFixture().MCPServer, e.call("1", "no-"+big, ""))
		assert.Equal(t, -32602, r.Error.Code)
		assert.Less(t, len(r.raw), 64<<10)
		assert.Contains(t, r.Error.Message, "bytes omitted")
	})
}

func TestLineOfTheLimitPassesAndOneByteMoreIsRefused(t *testing.T) {
	base := `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":""}}`
	for _, end := range []string{"\n", "\r\n", ""} {
		for limit, want := range map[int]string{len(base): "result", len(base) - 1: "error"} {
			var out strings.Builder
			require.NoError(t, Serve(t.Context(), newFixture().MCPServer, strings.NewReader(base+end), &out, Options{MaxMessage: limit}))
			assert.Contains(t, out.String(), `"id":1,"`+want+`":`, "limit %d, end %q", limit, end)
		}
	}
}

// filler is a line of n bytes between head and tail that takes no memory.
func filler(head string, n int64, tail string) io.Reader {
	return io.MultiReader(strings.NewReader(head), io.LimitReader(repeated('x'), n), strings.NewReader(tail))
}

type repeated byte

func (r repeated) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r)
	}
	return len(p), nil
}

func TestSixtyFourMebibyteLineIsRefusedUnderItsIdWithoutBeingStored(t *testing.T) {
	const size = 64 << 20
	inEachEra(t, func(t *testing.T, e era) {
		whole := e.call(`"huge"`, "echo", `{"text":"`+"\x00"+`"}`)
		head, tail, _ := strings.Cut(whole, "\x00")
		in := io.MultiReader(
			strings.NewReader(initialize+"\n"),
			filler(head, size, tail+"\n"),
			filler(`{"jsonrpc":"2.0","method":"tools/call","params":{"name":"`, size, `"},"id":2}`+"\n"),
			filler(`{"jsonrpc":"2.0","method":"notifications/progress","params":{"x":"`, size, `"}}`+"\n"),
			filler("", size, "\n"),
			strings.NewReader(e.call("3", "echo", `{"text":"alive"}`)+"\n"),
		)
		var out strings.Builder
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		require.NoError(t, Serve(t.Context(), newFixture().MCPServer, in, &out, Options{}))
		runtime.ReadMemStats(&after)
		assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4*24<<20), "what is allocated for a line of 64 MiB, all garbage counted, is below 24 MiB")

		got := map[string]reply{}
		for text := range strings.Lines(out.String()) {
			r := decode(t, text)
			got[r.id()] = r
		}
		require.Len(t, got, 5)
		for _, id := range []string{`"huge"`, "2", "null"} {
			require.NotNil(t, got[id].Error, id)
			assert.Equal(t, -32600, got[id].Error.Code)
			assert.Contains(t, got[id].Error.Message, "longer than 4194304 bytes")
		}
		assert.Contains(t, got["3"].raw, "alive")
	})
}

func TestLongLinesInEveryChunking(t *testing.T) {
	const limit = 100
	for extra := range 300 {
		text := fmt.Sprintf(`{"id":"%d","params":"%s"}`, extra, strings.Repeat("y", extra))
		for _, end := range []string{"\n", "\r\n", ""} {
			r := bufio.NewReaderSize(iotest.OneByteReader(strings.NewReader(text+end)), 16)
			l := readLine(r, limit)
			require.NoError(t, l.err)
			if len(text) <= limit {
				require.Equal(t, text, string(l.text))
				require.False(t, l.tooLong)
			} else {
				require.True(t, l.tooLong, "%d", len(text))
				require.Equal(t, fmt.Sprintf("%q", fmt.Sprint(extra)), string(l.outline.id))
			}
			require.ErrorIs(t, readLine(r, limit).err, io.EOF)
		}
	}
}
