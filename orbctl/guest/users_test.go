package guest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A name is there only if the machine said so.
func FuzzUsers(f *testing.F) {
	f.Add("passwd", "root:x:0:0:root:/root:/bin/bash\ndeploy:x:1001:1001::/home/deploy:/bin/sh\nexit 0\n2", 0)
	f.Add("passwd", "deploy:x:\xff:1001\n:::::\nexit 1\n", 1)
	f.Add("lookup", "deploy:x:1001:1001::/home/deploy:/bin/sh", 0)
	f.Fuzz(func(t *testing.T, name, text string, exit int) {
		r, err := ParseUsers("deploy", Transcript{Complete: exit%2 == 0, Sections: []Section{{Name: name, Text: text, Exit: exit}}})
		require.NoError(t, err)
		requireCleanReport(t, r, r.Missing)
		require.LessOrEqual(t, len(r.Accounts), MaxAccounts)
		if r.Named.Exists {
			require.True(t, r.Named.Known)
			require.Contains(t, text, "deploy")
		}
	})
}
