package schemas

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type order struct {
	Machine string   `json:"machine,omitempty" jsonschema_description:"A machine."`
	Target  string   `json:"target" jsonschema:"maxLength=20" jsonschema_description:"A host."`
	Method  string   `json:"method,omitempty" jsonschema:"enum=auto,enum=ping" jsonschema_description:"How."`
	Count   int      `json:"count,omitempty" jsonschema:"minimum=1,maximum=10" jsonschema_description:"How often."`
	Ratio   float64  `json:"ratio,omitempty" jsonschema_description:"A share."`
	Dry     bool     `json:"dry,omitempty" jsonschema_description:"Only look."`
	Tags    []string `json:"tags,omitempty" jsonschema:"maxItems=2" jsonschema_description:"Words."`
	Nested  *inner   `json:"nested,omitempty" jsonschema_description:"More."`
}

type inner struct {
	Size int `json:"size,omitempty" jsonschema_description:"How big."`
}

func checker(t testing.TB) *Checker {
	t.Helper()
	c, err := NewChecker(Of[order](), Also{
		Names:  map[string]string{"vm_name": "machine", "name": "machine", "server": "nowhere"},
		Values: map[string]map[string]string{"method": {"icmp": "ping"}},
	})
	require.NoError(t, err)
	return c
}

func TestArgumentsThatCanOnlyMeanOneThingArePutRight(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"as it is":                      {`{"target":"db"}`, `{"target":"db"}`},
		"text for a whole number":       {`{"target":"db","count":"5"}`, `{"target":"db","count":5}`},
		"3.0 for a whole number":        {`{"target":"db","count":3.0}`, `{"target":"db","count":3}`},
		"3e0 in text":                   {`{"target":"db","count":"3e0"}`, `{"target":"db","count":3}`},
		"text for a number":             {`{"target":"db","ratio":"0.5"}`, `{"target":"db","ratio":0.5}`},
		"text for a boolean":            {`{"target":"db","dry":"true"}`, `{"target":"db","dry":true}`},
		"false in text":                 {`{"target":"db","dry":"false"}`, `{"target":"db","dry":false}`},
		"a number for text":             {`{"target":5432}`, `{"target":"5432"}`},
		"8192.0 for text":               {`{"target":8192.0}`, `{"target":"8192"}`},
		"a fraction for text":           {`{"target":3.20}`, `{"target":"3.20"}`},
		"a boolean for text":            {`{"target":true}`, `{"target":"true"}`},
		"one value for a list":          {`{"target":"db","tags":"x"}`, `{"target":"db","tags":["x"]}`},
		"a number in a list of texts":   {`{"target":"db","tags":[1]}`, `{"target":"db","tags":["1"]}`},
		"inside an object":              {`{"target":"db","nested":{"size":"7"}}`, `{"target":"db","nested":{"size":7}}`},
		"null is absent":                {`{"target":"db","count":null,"machine":null}`, `{"target":"db"}`},
		"empty text is absent":          {`{"target":"db","machine":""}`, `{"target":"db"}`},
		"another word for a value":      {`{"target":"db","method":"icmp"}`, `{"target":"db","method":"ping"}`},
		"an alias":                      {`{"target":"db","vm_name":"web"}`, `{"target":"db","machine":"web"}`},
		"an alias that says the same":   {`{"target":"db","vm_name":"web","machine":"web"}`, `{"target":"db","machine":"web"}`},
		"an alias beside an empty name": {`{"target":"db","vm_name":"web","machine":""}`, `{"target":"db","machine":"web"}`},
		"an absent alias":               {`{"target":"db","vm_name":null}`, `{"target":"db"}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, problems := checker(t).Check(json.RawMessage(c.in))
			require.Empty(t, problems)
			assert.JSONEq(t, c.want, string(got))
			var o order
			require.NoError(t, json.Unmarshal(got, &o), "Go's decoder takes it")
		})
	}
}

func TestEverythingThatIsWrongIsSaidAtOnceInWords(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"nothing given":                   {``, []string{"missing target"}},
		"null":                            {`null`, []string{"missing target"}},
		"empty text for what is required": {`{"target":""}`, []string{"missing target"}},
		"all at once": {`{"method":"fast","count":11,"prot":1}`, []string{
			"count must be at most 10", "method must be one of auto, ping", "missing target",
			`unknown argument "prot" (known: count, dry, machine, method, nested, ratio, tags, target)`,
		}},
		"too small":               {`{"target":"a","count":0}`, []string{"count must be at least 1"}},
		"a fraction":              {`{"target":"a","count":1.5}`, []string{"count must be a whole number, not a number with a fraction"}},
		"words":                   {`{"target":"a","count":"many"}`, []string{"count must be a whole number, not text"}},
		"Go's own digits":         {`{"target":"a","count":"1_0","ratio":"0x1p4"}`, []string{"count must be a whole number, not text", "ratio must be a number, not text"}},
		"an object":               {`{"target":{"not":"right"}}`, []string{"target must be text, not an object"}},
		"an object for a list":    {`{"target":"a","tags":{"a":"b"}}`, []string{"tags must be a list, not an object"}},
		"a number for a switch":   {`{"target":"a","dry":7}`, []string{"dry must be true or false, not a number"}},
		"too long":                {`{"target":"aaaaaaaaaaaaaaaaaaaaaaaaa"}`, []string{"target must be at most 20 characters long"}},
		"too many":                {`{"target":"a","tags":["a","b","c"]}`, []string{"tags must hold at most 2 entries"}},
		"a list":                  {`[]`, []string{"the arguments must be a JSON object, not a list"}},
		"text":                    {`"db"`, []string{"the arguments must be a JSON object, not text"}},
		"a number":                {`5`, []string{"the arguments must be a JSON object, not a number"}},
		"true":                    {`true`, []string{"the arguments must be a JSON object, not true or false"}},
		"not JSON":                {`{"target":`, []string{"the arguments are not valid JSON"}},
		"two values":              {`{} {}`, []string{"the arguments are not valid JSON"}},
		"a huge number":           {`{"target":"a","count":1e999999999}`, []string{"count: the number is out of range"}},
		"a tiny number":           {`{"target":"a","nested":{"size":1e-999999999}}`, []string{"nested.size: the number is out of range"}},
		"a huge number in a list": {`{"target":"a","tags":[1e300]}`, []string{"tags.0: the number is out of range"}},
		"aliases differ":          {`{"target":"a","vm_name":"x","machine":"y"}`, []string{"machine and vm_name mean the same argument and differ: give machine only"}},
		"an alias of nothing":     {`{"target":"a","server":"x"}`, []string{`unknown argument "server" (known: count, dry, machine, method, nested, ratio, tags, target)`}},
	} {
		t.Run(name, func(t *testing.T) {
			got, problems := checker(t).Check(json.RawMessage(c.in))
			assert.Nil(t, got)
			assert.Equal(t, c.want, problems)
		})
	}
}

func TestAnErrorAboutAHugeArgumentIsSmallAndPrintable(t *testing.T) {
	huge := strings.Repeat("\u202ex", 1<<20)
	in, err := json.Marshal(map[string]any{"target": "a", huge: 1, "b\x1b[2J": 2, "c": 3, "d": 4, "e": 5, "f": 6})
	require.NoError(t, err)
	_, problems := checker(t).Check(in)
	require.Len(t, problems, 1)
	assert.Less(t, len(problems[0]), 600)
	assert.Contains(t, problems[0], "and 1 more")
	assert.NotContains(t, problems[0], "\u202e")
	assert.NotContains(t, problems[0], "\x1b")
}

func TestManyProblemsAreCountedAndNotAllTold(t *testing.T) {
	c := checker(t)
	_, problems := c.Check(json.RawMessage(`{"target":"a","tags":[` + strings.Repeat("{},", 999) + `{}]}`))
	require.Len(t, problems, 21)
	assert.Equal(t, []string{"tags must hold at most 2 entries", "tags.0 must be text, not an object"}, problems[:2])
	assert.Equal(t, "and more: 1001 in all", problems[20])

	for name, many := range map[string]string{
		"a list":   `{"target":"a","tags":[` + strings.Repeat("{},", 20_000) + `{}]}`,
		"numbers":  `{"target":"a","tags":[` + strings.Repeat("1e99,", 20_000) + `1e99]}`,
		"in lists": `{"target":"a","tags":[` + strings.Repeat("[1],", 20_000) + `[]]}`,
	} {
		_, problems := c.Check(json.RawMessage(many))
		assert.Equal(t, []string{"the arguments hold more than 10000 values"}, problems, name)
	}
}

func TestANumberInTextHasItsBoundsToo(t *testing.T) {
	c, err := NewChecker(Of[struct {
		X float64 `json:"x" jsonschema:"minimum=0,maximum=10"`
	}](), Also{})
	require.NoError(t, err)
	out, problems := c.Check(json.RawMessage(`{"x":"5.5"}`))
	assert.Empty(t, problems)
	assert.JSONEq(t, `{"x":5.5}`, string(out))
	for _, x := range []string{"1e3000000", "-1e3000000", "1e-3000000"} {
		_, problems := c.Check(json.RawMessage(`{"x":"` + x + `"}`))
		assert.Equal(t, []string{"x must be a number, not text"}, problems)
	}
}

func TestAToolWithoutArgumentsSaysSo(t *testing.T) {
	c, err := NewChecker(Of[struct{}](), Also{})
	require.NoError(t, err)
	assert.JSONEq(t, `{"type":"object","properties":{},"additionalProperties":false}`, string(Of[struct{}]().JSON()))
	_, problems := c.Check(json.RawMessage(`{"x":1}`))
	assert.Equal(t, []string{`unknown argument "x" (it takes none)`}, problems)
}

func TestAnOutlineHoldsNamesAndTypesOfWhatEveryResultHasAtItsTop(t *testing.T) {
	type result struct {
		Machine string           `json:"machine"`
		Count   int              `json:"count"`
		Tags    []string         `json:"tags"`
		Nested  struct{ X *int } `json:"nested"`
		Note    string           `json:"note,omitempty"`
	}
	assert.JSONEq(t, `{"type":"object","properties":{
		"machine":{"type":"string"},"count":{"type":"integer"},"tags":{"type":"array","items":{"type":"string"}},"nested":{"type":"object"}}}`,
		string(Of[result]().Outline()))
}

func TestPropertiesComeInTheOrderOfTheStruct(t *testing.T) {
	all := Of[order]().Properties()
	require.Len(t, all, 8)
	assert.Equal(t, Property{Name: "target", Type: "string", Description: "A host.", Required: true}, all[1])
}

// A checked document always decodes into the struct, whatever came in.
func TestWhatPassesTheCheckDecodes(t *testing.T) {
	c := checker(t)
	value := rapid.OneOf(
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.Int(), func(i int) any { return i }),
		rapid.Map(rapid.Float64(), func(f float64) any { return f }),
		rapid.SampledFrom([]any{nil, true, false, "5", "1.0", "true", []any{"x"}, map[string]any{"size": "3"}, "auto", 3.0}),
	)
	rapid.Check(t, func(t *rapid.T) {
		args := rapid.MapOfN(rapid.SampledFrom([]string{"machine", "vm_name", "target", "method", "count", "ratio", "dry", "tags", "nested", "x"}), value, 0, 6).Draw(t, "args")
		in, err := json.Marshal(args)
		if err != nil {
			t.Skip("not JSON: NaN and the infinities")
		}
		out, problems := c.Check(in)
		if len(problems) > 0 {
			return
		}
		var o order
		if err := json.Unmarshal(out, &o); err != nil {
			t.Fatalf("%s passed the check and does not decode: %v", out, err)
		}
		again, problems := c.Check(out)
		if len(problems) > 0 || string(again) != string(out) {
			t.Fatalf("the check of %s is not stable: %s %v", out, again, problems)
		}
	})
}

func FuzzCheck(f *testing.F) {
	for _, s := range []string{`{"target":"a"}`, `{"count":1e5}`, `[1]`, `{"tags":[null]}`, `{"nested":{"size":"1"}}`, "{\"\x00\":1}"} {
		f.Add(s)
	}
	c := checker(f)
	f.Fuzz(func(t *testing.T, in string) {
		out, problems := c.Check(json.RawMessage(in))
		if (out == nil) == (len(problems) == 0) {
			t.Fatalf("%q: either arguments or problems, got %s and %v", in, out, problems)
		}
		var o order
		if out != nil && json.Unmarshal(out, &o) != nil {
			t.Fatalf("%q passed as %s and does not decode", in, out)
		}
	})
}
