package job

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

// However text comes and is read, the parts are the text: nothing twice, nothing
// left out but what is said to be lost, and no character cut.
func TestPartsOfAnOutputAreTheOutput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o Output
		var whole strings.Builder
		offset := int64(0)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "write") {
				text := strings.Repeat(rapid.StringN(0, 40, -1).Draw(t, "text"), rapid.SampledFrom([]int{1, 1, 3, 5000}).Draw(t, "times"))
				text = strings.ToValidUTF8(text, "?")
				for len(text) > 0 { // anywhere, in a character too
					cut := rapid.IntRange(1, len(text)).Draw(t, "cut")
					n, err := o.Write([]byte(text[:cut]))
					assert.NoError(t, err)
					assert.Equal(t, cut, n)
					whole.WriteString(text[:cut])
					text = text[cut:]
				}
				continue
			}
			most := rapid.IntRange(utf8.UTFMax, 1<<16).Draw(t, "most")
			p := o.Read(offset, most)
			all := whole.String()
			assert.Equal(t, int64(len(all)), p.Total)
			assert.Equal(t, offset+p.Lost, p.From)
			assert.Equal(t, p.From+int64(len(p.Text)), p.To)
			assert.Equal(t, all[p.From:p.To], p.Text)
			assert.LessOrEqual(t, len(p.Text), most)
			assert.True(t, utf8.ValidString(p.Text))
			if p.Lost > 0 {
				assert.GreaterOrEqual(t, p.Total-offset, int64(keepOutput), "what is kept is not lost")
			}
			if p.To < p.Total {
				assert.NotEmpty(t, p.Text, "who reads on gets on")
			}
			offset = p.To
		}
	})
}

func TestAnyOffsetIsUnderstood(t *testing.T) {
	var o Output
	assert.Equal(t, Part{}, o.Read(5, 10), "nothing yet")
	_, _ = o.Write([]byte("aé🦊z"))
	for offset, want := range map[int64]Part{
		-1: {Text: "aé", From: 0, To: 3, Total: 8},
		0:  {Text: "aé", From: 0, To: 3, Total: 8},
		2:  {Text: "🦊", From: 3, To: 7, Lost: 1, Total: 8}, // in the middle of é
		7:  {Text: "z", From: 7, To: 8, Total: 8},
		8:  {From: 8, To: 8, Total: 8},
		99: {From: 8, To: 8, Total: 8},
	} {
		assert.Equal(t, want, o.Read(offset, 4), "%d", offset)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	var o Output
	for range 100 {
		_, _ = o.Write(make([]byte, keepOutput/3))
	}
	assert.LessOrEqual(t, len(o.last), 2*keepOutput)
	assert.LessOrEqual(t, cap(o.last), 8*keepOutput)
	p := o.Read(0, 10)
	assert.Equal(t, o.total-keepOutput, p.Lost)
}
