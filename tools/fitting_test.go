package tools

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// Whatever sentence of ours a result holds, at any depth, names no tool that is not
// offered; what a machine printed may name what it likes.
func TestNoResultSendsToAToolThatIsNotOffered(t *testing.T) {
	t.Parallel()
	const sends, fits = "It is stopped; vm_start starts it.", "It is stopped. If it should run, ask the user to start it."
	p := policies["--read-only"]
	for name, tt := range map[string]struct{ given, want any }{
		"a field":              {connectivityOut{Meaning: sends, Note: sends, Target: sends}, connectivityOut{Meaning: fits, Note: fits, Target: sends}},
		"a list":               {networkMapOut{Problems: []string{sends, "else"}}, networkMapOut{Problems: []string{fits, "else"}}},
		"a row":                {networkMapOut{Machines: []mapMachine{{Note: sends}}}, networkMapOut{Machines: []mapMachine{{Note: fits}}}},
		"a pointer":            {&configSetOut{Restart: sends}, &configSetOut{Restart: fits}},
		"what a machine says":  {jobOut{Output: sends}, jobOut{Output: sends}},
		"the result of a job":  {jobOut{Result: document{"note": sends, "nothing": nil, "output": sends}}, jobOut{Result: document{"note": fits, "nothing": nil, "output": sends}}},
		"the failure of a job": {jobOut{Error: &failure{Message: sends, Hint: sends}}, jobOut{Error: &failure{Message: sends, Hint: fits}}},
		"empty lists":          {statusOut{Log: []string{}, VMLoad: nil}, statusOut{Log: []string{}, VMLoad: nil}},
		"nothing":              {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, p.fitting(tt.given))
			assert.Equal(t, tt.given, Policy{Toolsets: []string{"all"}}.fitting(tt.given), "where it is offered, nothing is said otherwise")
		})
	}
	shared := &failure{Hint: sends}
	p.fitting(jobOut{Error: shared})
	assert.Equal(t, sends, shared.Hint, "what was given is not altered")
}
