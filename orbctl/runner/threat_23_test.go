package runner_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/orbctl/runner"
)

// A canary stands in every place where a call can carry a secret, and in all
// that its process gets and says. Its parts would be found too.
func TestThreat23_AuditHoldsNoSecret(t *testing.T) {
	const canary = "cAnAry-1d/9@e?3"
	t.Setenv("SECRET_TOKEN", canary)
	says := acts{Out: canary + "\n", Err: canary + "\n", Exit: 1}
	w := newWorld(t, map[string]acts{"list": says, "config": says, "run": says, "info": says, "delete": says})
	r, log := w.audited(t, func(o *runner.Options) { o.Exec = runner.ExecAll })
	set := func(key, value string) runner.Call {
		return runner.Call{Op: runner.OpConfigSet, Args: []string{key, value}}
	}
	exec := func(words ...string) runner.Call {
		return command("web", "", strings.Join(words, " "))
	}
	withUser, withMark, withKey := probe("web", canary), probe("web", ""), runner.Call{Op: runner.OpConfigGet, Args: []string{"--token=" + canary}}
	withMark.Mark = "token=" + canary
	calls := []runner.Call{
		list,
		set("network_proxy", "http://me:"+canary+"@proxy:3128"),
		set("network_proxy", "me:"+canary+"@proxy:3128"),
		set("registry_password", canary),
		set("unknown", "SOME_TOKEN="+canary),
		set("unknown", "-"+canary), // refused
		set("unknown", canary+"\x00"),
		probe("web", "", "https://me:"+canary+"@host/"),
		probe("web", "", "https://host/?a=1&access_token="+strings.ReplaceAll(canary, "@", "")),
		probe("web", "root", "PASSWORD="+canary),
		probe("web", "", "-", "--credential="+canary), // refused
		withUser, withMark, withKey,
		{Op: runner.OpInfo, Machine: "https://me:" + canary + "@host"}, // refused
		{Op: runner.Op("token=" + canary), Machine: "key=" + canary},   // refused
		exec("env", "API_KEY="+canary, "mysql", "--password", canary, "-u", "me:"+canary),
		exec("sh", "-c", "export TOKEN='"+canary+"'; curl -H \"Authorization: Bearer "+canary+"\" https://me:"+canary+"@host; mysql --password="+canary),
		exec("curl", "-d", `{"client_secret": "`+canary+`"}`),
		command("web", "", "1", "-", "1", "API_KEY="+canary, "id"),
		named(runner.OpDelete, "secret="+canary),
	}
	ctx := runner.WithTool(t.Context(), "secret="+canary)
	for _, call := range calls {
		_, _ = r.Run(ctx, lookedAt(r, call))
	}
	assert.Len(t, entries(t, log), len(calls), "each call is in it, refused or not")

	text, err := os.ReadFile(log.Path())
	require.NoError(t, err)
	for _, part := range []string{"cAnAry", "1d/9", "e?3"} {
		assert.NotContains(t, string(text), part)
	}
	script := anyScript().Argv("")[2]
	assert.NotContains(t, string(text), strings.TrimSpace(script)[:40], "no text of a script of ours")
	assert.Contains(t, string(text), "script:"+anyScript().Name()+" (")
}
