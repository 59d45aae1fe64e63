package orbctl_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/runner"
)

// check checks a value for a key of the catalogue.
func check(key, value string, mac orbctl.Mac) (string, error) {
	entry, known := orbctl.Lookup(key)
	if !known {
		panic(key + " is not in the catalogue")
	}
	return entry.Check(value, mac)
}

func TestCheckTakesAValueInItsStoredForm(t *testing.T) {
	for _, tt := range []struct{ key, value, stored string }{
		{"cpu", "8", "8"},
		{"cpu", " 08 ", "8"},
		{"memory_mib", "16384", "16384"},
		{"rosetta", "true", "true"},
		{"rosetta", "ON", "true"},
		{"rosetta", "yes", "true"},
		{"rosetta", "no", "false"},
		{"rosetta", "Off", "false"},
		{"network.subnet4", "192.168.138.0/23", "192.168.138.0/23"},
		{"network.subnet4", "10.5.0.0/16", "10.5.0.0/16"},
		{"network.subnet4", "198.19.249.0/24", "198.19.249.0/24"},
		{"network_proxy", "AUTO", "auto"},
		{"network_proxy", "none", "none"},
		{"network_proxy", "http://proxy.corp:3128", "http://proxy.corp:3128"},
		{"network_proxy", "socks5://[::1]:1080", "socks5://[::1]:1080"},
		{"network_proxy", "https://me:secret@proxy/", "https://me:secret@proxy/"},
		{"network.proxy.exclude", "localhost, .corp , 10.0.0.0/8", "localhost,.corp,10.0.0.0/8"},
		{"data_dir", "/Volumes/fast//orb/", "/Volumes/fast/orb"},
		{"docker.node_name", "orb-1.local", "orb-1.local"},
		{"machine.web.cpu", "0", "0"},
		{"machine.web.memory_mib", "2048", "2048"},
		{"machine.web.disk_bytes", "21474836480", "21474836480"},
		{"machine.web.http_port", "0", "0"},
		{"machine.web.https_port", "65535", "65535"},
		{"machine.web.username", "ubuntu", "ubuntu"},
		{"machine.web.mounts", "/Users/me/src:/src, /tmp", "/Users/me/src:/src,/tmp"},
		{"machine.a.b.isolated", "true", "true"},
	} {
		stored, err := check(tt.key, tt.value, mac)
		require.NoError(t, err, "%s=%s", tt.key, tt.value)
		assert.Equal(t, tt.stored, stored)
		again, err := check(tt.key, stored, mac)
		require.NoError(t, err)
		assert.Equal(t, stored, again, "checking again changes nothing")
	}
}

func TestCheckSaysAllThatIsWrong(t *testing.T) {
	for _, tt := range []struct {
		key, value string
		why        []string
	}{
		{"cpu", "0", []string{"must be 1 to 8 cores (the cpus of the Mac)"}},
		{"cpu", "9", []string{"must be 1 to 8 cores (the cpus of the Mac)"}},
		{"cpu", "four", []string{"must be a whole number of cores"}},
		{"cpu", "1.5", []string{"must be a whole number of cores"}},
		{"cpu", "99999999999999999999", []string{"must be a whole number of cores"}},
		{"cpu", "-1", []string{"must not start with -"}},
		{"cpu", "", []string{"must not be empty: no command unsets a single key"}},
		{"memory_mib", "8G", []string{"must be a whole number of MiB"}},
		{"memory_mib", "512", []string{"must be 1024 to 16384 MiB (the memory of the Mac)"}},
		{"machine.web.memory_mib", "99999", []string{"must be 64 to 16384 MiB (the memory of the Mac), or 0 for no limit"}},
		{"machine.web.disk_bytes", "5", []string{"must be at least 268435456 bytes, or 0 for no limit"}},
		{"machine.web.http_port", "65536", []string{"must be 0 to 65535"}},
		{"rosetta", "maybe", []string{"must be true or false"}},
		{"network.subnet4", "fd00::/64", []string{"must be an IPv4 network such as 192.168.138.0/23"}},
		{"network.subnet4", "192.168.138.0", []string{"must be an IPv4 network such as 192.168.138.0/23"}},
		{"network.subnet4", "8.8.8.8/30", []string{
			"has bits set behind the prefix: the network is 8.8.8.8/30",
			"must have a prefix of /16 to /24",
			"must be private: inside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 198.18.0.0/15",
		}[1:]},
		{"network.subnet4", "192.168.139.1/23", []string{"has bits set behind the prefix: the network is 192.168.138.0/23"}},
		{"network.subnet4", "172.32.0.1/8", []string{
			"has bits set behind the prefix: the network is 172.0.0.0/8",
			"must have a prefix of /16 to /24",
			"must be private: inside 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 198.18.0.0/15",
		}},
		{"network_proxy", "ftp://proxy", []string{"must be auto, none, or a URL such as http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT"}},
		{"network_proxy", "proxy:3128", []string{"must be auto, none, or a URL such as http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT"}},
		{"network_proxy", "http://:80", []string{"must be auto, none, or a URL such as http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT"}},
		{"network_proxy", "http://proxy:99999/path", []string{"must end with the host or the port", "must have a port of 1 to 65535"}},
		{"network.proxy.exclude", "a,,b c", []string{"has an empty item between commas", `has a blank inside "b c"`}},
		{"data_dir", "orb", []string{"must be an absolute path"}},
		{"data_dir", "/a/../b", []string{"must not contain .."}},
		{"docker.node_name", "a b", []string{"must be a host name: letters, digits, - and ., at most 63 characters"}},
		{"machine.web.username", "a b", []string{"must be a Linux account: a letter or _, then letters, digits, _, ., @ or -, at most 64 characters"}},
		{"machine.web.mounts", "src:/dst", []string{`must be SRC or SRC:DEST: absolute paths without .., a slash at their end, a comma, a colon or a quotation mark, not "src:/dst"`}},
		{"machine.web.mounts", "/src:/dst:/etc", []string{`must be SRC or SRC:DEST: absolute paths without .., a slash at their end, a comma, a colon or a quotation mark, not "/src:/dst:/etc"`}},
		{"rosetta", "true\nfalse", []string{"must not contain control characters or invisible ones"}},
		{"rosetta", "tr\u200bue", []string{"must not contain control characters or invisible ones"}},
		{"data_dir", "/" + strings.Repeat("a", 5000), []string{"must not be longer than 4096 bytes"}},
	} {
		_, err := check(tt.key, tt.value, mac)
		e := failure(t, err, orbctl.InvalidArgument)
		assert.Equal(t, tt.key, e.Key)
		var why []string
		for _, p := range e.Problems {
			assert.Equal(t, "value", p.Field)
			why = append(why, p.Why)
		}
		assert.Equal(t, tt.why, why, "%s=%s", tt.key, tt.value)
	}
}

func TestCheckNamesAMachineThatCannotBe(t *testing.T) {
	_, err := check("machine.-x.cpu", "many", mac)
	e := failure(t, err, orbctl.InvalidArgument)
	require.Len(t, e.Problems, 2)
	assert.Equal(t, "key", e.Problems[0].Field)
	assert.Equal(t, "value", e.Problems[1].Field)
}

func TestCheckDoesNotKnowTheLimitsOfAnUnknownMac(t *testing.T) {
	_, err := check("cpu", "512", orbctl.Mac{})
	require.NoError(t, err)
	_, err = check("cpu", "0", orbctl.Mac{})
	assert.Equal(t, "must be at least 1 cores", failure(t, err, orbctl.InvalidArgument).Problems[0].Why)
}

func TestAnUnknownKeyNamesTheNearest(t *testing.T) {
	c, _ := expect(t, prints(runner.OpConfigShow, "memory_mib: 4096\n"))
	_, err := c.PlanConfig(t.Context(), "memory", "4096")
	e := failure(t, err, orbctl.InvalidArgument)
	assert.Equal(t, "memory", e.Key)
	assert.Contains(t, e.Nearest, "memory_mib")
}

func TestNoErrorRepeatsAPassword(t *testing.T) {
	for _, value := range []string{"ftp://me:hunter2@proxy", "http://me:hunter2@proxy:99999", "http://me:hunter2@pro\nxy", "me:hunter2@proxy:80", "-me:hunter2@proxy"} {
		_, err := check("network_proxy", value, mac)
		e := failure(t, err, orbctl.InvalidArgument)
		for _, p := range e.Problems {
			assert.NotContains(t, p.Value+p.Why+e.Error(), "hunter2")
		}
	}
	_, err := check("network_proxy", "proxy:3128", mac)
	assert.Equal(t, "proxy:3128", failure(t, err, orbctl.InvalidArgument).Problems[0].Value)
}

// Whatever is given, a checked value can stand on a command line, and checking
// it again changes nothing.
func TestCheckedValuesAreFitForACommandLine(t *testing.T) {
	keys := orbctl.Catalogue()
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SampledFrom(keys).Draw(t, "key").Pattern
		value := rapid.OneOf(
			rapid.String(),
			rapid.StringMatching(`-?[0-9]{1,6}`),
			rapid.StringMatching(`(http|socks5)://[a-z]{1,8}(:[0-9]{1,5})?`),
			rapid.StringMatching(`/[a-z/.,: ]{0,12}`),
			rapid.StringMatching(`(10|192\.168|8)\.[0-9]{1,3}\.0(\.0)?/[0-9]{1,2}`),
		).Draw(t, "value")
		checked, err := check(key, value, mac)
		if err != nil {
			return
		}
		if checked == "" || strings.HasPrefix(checked, "-") || strings.ContainsAny(checked, "\x00\n\r\t") {
			t.Fatalf("%s=%q became %q", key, value, checked)
		}
		again, err := check(key, checked, mac)
		if err != nil || again != checked {
			t.Fatalf("%s: %q became %q (%v)", key, checked, again, err)
		}
	})
}
