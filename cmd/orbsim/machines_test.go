package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"orbstack-mcp/internal/orbsim/namespaces"
)

// What needs machines that are real.

func TestPacketsBetweenMachinesAndTheMac(t *testing.T) {
	needWorld(t)
	r := inWorld(t, "base", `
$O run -m dev curl -sS -m5 http://192.168.139.12/
$O run -m dev curl -sS -m5 http://web.orb.local/
curl -sS -m5 http://192.168.139.12/
getent ahostsv4 web.orb.local | head -1`)
	require.Zero(t, r.exit, r.err)
	assert.Equal(t, strings.Repeat("<h1>It works</h1>\n", 3), r.out[:54])
	assert.Regexp(t, `^192\.168\.138\.`, r.out[54:], "the Mac gets a proxy address")
}

func TestDemoIsBrokenAsItSays(t *testing.T) {
	needWorld(t)
	r := inWorld(t, "demo", `
$O run -m web nc -z -w2 db.orb.local 5432; echo "web to db $?"
$O run -m db nc -z -w2 127.0.0.1 5432; echo "db to itself $?"
$O run -m web nc -z -w2 cache.orb.local 6379; echo "web to cache $?"
$O run -m web getent hosts git.corp.example; echo "vpn in a machine $?"
getent hosts git.corp.example
$O run -m metrics hostname
$O run -m sandbox -w / sh -c 'test ! -e /mnt/mac && echo no mac'`)
	assert.Equal(t, "web to db 1\ndb to itself 0\nweb to cache 0\nvpn in a machine 2\n10.8.0.20       git.corp.example\nmetrics\nno mac\n", r.out, r.err)
}

func TestGuestCommandsGoThroughUnchanged(t *testing.T) {
	needWorld(t)
	r := inWorld(t, "machines: [{name: a}]\n", `
cd /
$O run sh -c 'echo out; echo err >&2; exit 7'; echo $?
printf 'a\0b' | $O run od -c
$O run no-such-command; echo $?
$O run -u nobody-there id; echo $?
$O run -w /nowhere pwd; echo $?
$O run sh -c 'printf "[%s]" "$@"' name 'a b' '' '$HOME' '"'; echo
CANARY=1 SHOWN=2 ORBENV=SHOWN $O run env | grep -E 'CANARY|SHOWN'
$O run sh -c 'kill -9 $$'; echo $?`)
	assert.Equal(t, `out
7
0000000   a  \0   b
0000003
127
1
1
[a b][][$HOME]["]
SHOWN=2
137
`, r.out)
	assert.Equal(t, "err\nno-such-command: command not found\nuser: unknown user nobody-there\n[-32098] run: machine a has no folder /nowhere\n", r.err)
}

func TestGuestOutlivesItsClient(t *testing.T) {
	needWorld(t)
	r := inWorld(t, "machines: [{name: a}]\n", `
$O run -w / sh -c 'touch /tmp/begun; sleep 0.6; echo nobody reads this; echo nobody reads this; touch /tmp/done' & client=$!
until $O run -w / test -e /tmp/begun; do sleep 0.05; done
kill -s KILL "$client"
for i in $(seq 1200); do $O run -w / test -e /tmp/done && echo done && exit; sleep 0.05; done; exit 9`) // a minute at least: the guest gets the time that others leave it
	assert.Equal(t, "done\n", r.out, "exit code %d, stderr: %s", r.exit, r.err)
}

func TestWhatAGuestLeavesBehindHoldsNobody(t *testing.T) {
	needWorld(t)
	r := inWorld(t, "machines: [{name: a}]\n", `timeout 20 $O run -w / sh -c 'sleep 1000 & echo hi'; echo $?`)
	assert.Equal(t, "hi\n0\n", r.out)
}

func TestPushAndPull(t *testing.T) {
	needWorld(t)
	dir := t.TempDir()
	r := inWorld(t, "machines: [{name: a}]\n", `
cd `+dir+` && mkdir -p d/sub && printf '\0\377x' >d/sub/f && ln -s sub/f d/link && echo one >one
$O push d one && $O run -w / sh -c 'ls ~' && $O push -m a d /tmp/renamed && $O run -w / sh -c 'readlink /tmp/renamed/link'
$O pull /tmp/renamed back && cmp back/sub/f d/sub/f && readlink back/link
$O pull /etc/hostname . && cat hostname
$O push one /no/such/place; echo $?
$O push d one /no; echo $?
$O pull /nope .; echo $?
$O push /nope /tmp; echo $?
$O pull /etc/hostname /etc/hosts nowhere; echo $?`)
	assert.Equal(t, "one\nsub/f\nsub/f\na\n1\n1\n1\n1\n1\n", r.out, r.err)
	for _, words := range []string{
		"cp: cannot create regular file '/no/such/place': No such file or directory", "cp: target '/no': No such file or directory",
		"cp: cannot stat '/nope': No such file or directory", "cp: /nope: No such file or directory", "cp: target '" + dir + "/nowhere': No such file or directory",
	} {
		assert.Contains(t, r.err, words)
	}
}

func TestPushAndPullSpeakAsTheGuestsCpDoes(t *testing.T) {
	needWorld(t)
	if level, _ := namespaces.Probe(); level != namespaces.LevelRoot {
		t.Skip("without root every user of a machine may read all")
	}
	dir := t.TempDir()
	r := inWorld(t, "machines: [{name: a}, {name: tiny, rootfs: busybox}]\n", `
cd `+dir+` && echo one >one
$O pull /etc/shadow .; echo $?
$O push one /etc/nope; echo $?
$O push one /etc; echo $?
$O push -m tiny one /etc; echo $?
$O pull -m tiny /etc/shadow .; echo $?
ls
$O run -w / sh -c 'mkdir -p ~/d/shut && echo open >~/d/open && chmod 0 ~/d/shut'
$O pull d back; echo $?
cat back/open
$O pull 'no such' .; echo $?
$O run -w / sh -c 'chmod 755 ~/d/shut; chmod 444 ~/d/open; chmod 555 ~/d' && $O pull d again; echo $?
stat -c %a again/open
$O run -w / sh -c 'ls -A /tmp'`)
	assert.Equal(t, "1\n1\n1\n1\n1\none\n1\nopen\n1\n0\n444\n", r.out)
	assert.Equal(t, `cp: cannot open '/etc/shadow' for reading: Permission denied
cp: cannot create regular file '/etc/nope': Permission denied
cp: cannot create regular file '/etc/one': Permission denied
cp: can't create '/etc/one': Permission denied
cp: can't open '/etc/shadow': Permission denied
cp: cannot access 'd/shut': Permission denied
cp: cannot stat 'no such': No such file or directory
`, r.err)
}

func TestDisksSurviveAsTheyShould(t *testing.T) {
	needWorld(t)
	r := inWorld(t, "machines: [{name: a}]\n", `
$O run -u root -w / sh -c 'echo kept >/etc/f'
$O restart a && $O run -m a -u root -w / cat /etc/f
$O clone a b && $O info b -f json | grep -c '"state": "stopped"' && $O run -m b -u root -w / cat /etc/f
$O list -q -r
$O rename a c && $O run -m c -u root -w / sh -c 'cat /etc/f; hostname'
$O delete -f c && $O create debian c && $O run -m c -u root -w / ls /etc/f`)
	assert.Equal(t, "kept\n1\nkept\na\nb\nkept\nc\n", r.out, r.err)
}

func TestCloneLeavesItsSourceRunning(t *testing.T) {
	needWorld(t)
	record := filepath.Join(t.TempDir(), "record")
	r := inWorld(t, "machines: [{name: a}]\n", `
$O run -u root -w / sh -c 'echo kept >/etc/f; sleep 1000 >/dev/null 2>&1 & echo $! >/run/pid'
$O clone a b || exit
$O list -q -r
$O run -m a -w / sh -c 'tr "\0" " " <"/proc/$(cat /run/pid)/cmdline"; echo'
$O run -m b -w / cat /etc/f`, "--record", record)
	assert.Equal(t, "a\nsleep 1000 \nkept\n", r.out, r.err)
	calls, err := os.ReadFile(record)
	require.NoError(t, err)
	assert.Contains(t, string(calls), `"argv":["clone","a","b"],"exit":0,"effects":["clone a b"]`)
}

func TestUseOfTheMacFromInsideIsOnRecord(t *testing.T) {
	needWorld(t)
	file := filepath.Join(t.TempDir(), "state")
	r := inWorld(t, "machines: [{name: a}]\n", "$O run -w / mac open -a Calculator", "--state", file)
	require.Zero(t, r.exit, r.err)
	state, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Contains(t, string(state), `"mac_uses":[{"machine":"a","argv":["open","-a","Calculator"]}]`)
}

func TestBusyboxAndStoppedMachines(t *testing.T) {
	needWorld(t)
	r := inWorld(t, "extends: base\nmachines: [{name: tiny, rootfs: busybox, distro: alpine}]\n", `
$O run -m tiny -u root -w / sh -c 'ping -c1 -W2 192.168.139.12 >/dev/null && echo pong'
$O run -m legacy -w / hostname
$O list -q -r`)
	assert.Equal(t, "pong\nlegacy\ndev\ndb\nweb\nlegacy\ntiny\n", r.out, r.err)
}
