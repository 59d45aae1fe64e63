package guest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever is not said is not sound.
func TestAWallOfWhichNothingIsSaidIsUnknown(t *testing.T) {
	const all = "mac_files holds no /mnt/mac\nmac_command holds no command mac\nssh_agent holds no agent socket\n" +
		"docker_socket holds no Docker socket of others\nmac_network holds host.orb.internal does not answer\ncontrol holds the loopback answers\n"
	for name, tt := range map[string]struct {
		text string
		want map[string]Wall // what does not hold
	}{
		"all":               {all, map[string]Wall{}},
		"cut off":           {strings.Split(all, "ssh")[0], map[string]Wall{"ssh_agent": Unknown, "docker_socket": Unknown, "mac_network": Unknown, "control": Unknown}},
		"in half a line":    {all[:len(all)-len("lds the loopback answers\n")], map[string]Wall{"control": Unknown}},
		"said twice":        {all + "mac_files open /mnt/mac\n", map[string]Wall{"mac_files": LiesOpen}},
		"and taken back":    {"mac_files open /mnt/mac\n" + all, map[string]Wall{"mac_files": LiesOpen}},
		"walls of its own":  {all + strings.Repeat("gold holds yes, it does\n", 1000), map[string]Wall{}},
		"a word of its own": {strings.Replace(all, "control holds", "control perhaps", 1), map[string]Wall{"control": Unknown}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := ParsePosture(sections("posture", tt.text))
			require.NoError(t, err)
			got := map[string]Wall{}
			for _, c := range r.Checks {
				assert.NotEmpty(t, c.Detail)
				if c.Holds != Holds {
					got[c.Name] = c.Holds
				}
			}
			assert.Equal(t, tt.want, got)
			assert.Len(t, r.Checks, len(postureWalls))
		})
	}
	for _, nothing := range []Transcript{{}, sections("posture", ""), sections("posture", "gold holds yes\n"), sections("passwd", all)} {
		_, err := ParsePosture(nothing)
		require.ErrorIs(t, err, ErrNoAnswer)
	}
}

func FuzzPosture(f *testing.F) {
	f.Add("mac_files holds no /mnt/mac\nmac_network unknown there is no ping that works\n")
	f.Add("mac_files open \x1b[2J\nmac_files holds x\n\n a b c d\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParsePosture(sections("posture", text))
		if err != nil {
			return
		}
		requireCleanReport(t, r, nil)
		require.Len(t, r.Checks, len(postureWalls))
		for _, c := range r.Checks {
			require.LessOrEqual(t, len(c.Detail), maxWhy+len("…"))
		}
	})
}
