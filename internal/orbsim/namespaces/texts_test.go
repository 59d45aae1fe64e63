package namespaces

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"orbstack-mcp/internal/orbsim/worldfile"
)

func TestAccountsAreRootTheDefaultUserAndTheOthers(t *testing.T) {
	users := accountsOf(worldfile.Machine{DefaultUsername: "ana", Users: []string{"root", "bob", "ana", "eve"}}, "/bin/sh")
	assert.Equal(t, []User{
		{Name: "root", Home: "/root", Shell: "/bin/sh"},
		{Name: "ana", UID: 501, GID: 501, Home: "/home/ana", Shell: "/bin/sh"},
		{Name: "bob", UID: 1000, GID: 1000, Home: "/home/bob", Shell: "/bin/sh"},
		{Name: "eve", UID: 1001, GID: 1001, Home: "/home/eve", Shell: "/bin/sh"},
	}, users)
	assert.Len(t, accountsOf(worldfile.Machine{}, "/bin/sh"), 1)
	assert.Len(t, accountsOf(worldfile.Machine{DefaultUsername: "root"}, "/bin/sh"), 1)

	for _, u := range users {
		found, ok := findUser(strings.NewReader(passwdText(users)), u.Name)
		require.True(t, ok)
		assert.Equal(t, u, found)
	}
	assert.Equal(t, []uint32{27}, groupsOf(strings.NewReader(groupText(users)), "ana"))
	assert.Empty(t, groupsOf(strings.NewReader(groupText(users)), "bob"))
	assert.Contains(t, shadowText(users), "ana:*:")
}

func TestBrokenAccountLinesAreSkipped(t *testing.T) {
	for _, line := range []string{"ana:x:501", "ana:x:x:501::/home/ana:/bin/sh", "ana:x:-1:501::/:/bin/sh", "+ana::::::", ""} {
		_, ok := findUser(strings.NewReader(line), "ana")
		assert.False(t, ok, line)
	}
	assert.Empty(t, groupsOf(strings.NewReader("sudo:x:many:ana\nbroken\n"), "ana"))
}

func TestOSRelease(t *testing.T) {
	noble := osRelease(worldfile.Machine{})
	for _, line := range []string{`PRETTY_NAME="Ubuntu 24.04.3 LTS"`, `ID="ubuntu"`, `ID_LIKE="debian"`, `VERSION_ID="24.04"`, `VERSION_CODENAME="noble"`} {
		assert.Contains(t, noble, line+"\n")
	}
	upgraded := osRelease(worldfile.Machine{Distro: "ubuntu:noble", OSRelease: "Ubuntu 25.10"})
	assert.Contains(t, upgraded, `PRETTY_NAME="Ubuntu 25.10"`)
	unknown := osRelease(worldfile.Machine{Distro: "void:current"})
	assert.Contains(t, unknown, `PRETTY_NAME="void current"`)
	assert.NotContains(t, unknown, "ID_LIKE")
}

func TestPlainGroupHasTheLimits(t *testing.T) {
	files := plainGroup(worldfile.Limits{CPU: 3, MemoryMiB: 512})
	assert.Equal(t, "536870912\n", files["memory.max"])
	assert.Equal(t, "300000 100000\n", files["cpu.max"])
	free := plainGroup(worldfile.Limits{})
	assert.Equal(t, "max\n", free["memory.max"])
	assert.Equal(t, "max 100000\n", free["cpu.max"])
	assert.Contains(t, cpuStat(12), "usage_usec 12\n")
}

func TestTXTIsSplitAndEscaped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-z"\\ ]{0,700}`).Draw(t, "text")
		chunks := txtChunks(text)
		whole := ""
		for _, c := range chunks {
			plain := strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(c)
			assert.LessOrEqual(t, len(plain), 255)
			whole += plain
		}
		assert.Equal(t, text, whole)
	})
}
