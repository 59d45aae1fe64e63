package guest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/stretchr/testify/require"
)

// The tests of reachability and DNS run the scripts with the host's real tools
// against real packets: the test binary starts itself again in namespaces of its
// own, where it is host, router, DNS server and web server at once.
//
//	10.9.1.1, fd09:1::1   answer: tcp and http on 80, https on 443 and 444
//	10.9.1.2              drops everything
//	10.9.1.3              rejects pings (port unreachable)
//	10.9.1.5              turns everything away
//	10.9.2.0/24, fd09:2:: a link on which nobody is
//	10.9.9.9              the DNS server of resolv.conf; all else has no route
const worldSetup = `set -e
ip link set lo up
ip link add v0 type veth peer name v1
ip addr add 10.9.2.1/24 dev v0; ip -6 addr add fd09:2::1/64 dev v0 nodad
ip link set v0 up; ip link set v1 up
for a in 10.9.1.1 10.9.1.2 10.9.1.3 10.9.1.5 10.9.9.9; do ip addr add $a/32 dev lo; done
ip -6 addr add fd09:1::1/128 dev lo nodad
nft -f - <<EOF
table inet f {
	chain i {
		type filter hook input priority 0
		ip daddr 10.9.1.2 drop
		ip daddr 10.9.1.3 icmp type echo-request reject
		ip daddr 10.9.1.5 icmp type echo-request reject with icmpx type admin-prohibited
		ip daddr 10.9.1.5 tcp dport 9 reject with icmpx type admin-prohibited
		tcp dport 81 drop
		tcp dport 82 reject with icmpx type admin-prohibited
	}
}
EOF
mount --bind "$1/resolv.conf" /etc/resolv.conf
mount --bind "$1/hosts" /etc/hosts
mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf
[ ! -f /etc/ssl/certs/ca-certificates.crt ] || mount --bind "$1/ca.pem" /etc/ssl/certs/ca-certificates.crt`

// inWorld runs the calling test again in a world of its own and reports its
// outcome; it is true in there.
func inWorld(t *testing.T) (dir string, inside bool) {
	t.Helper()
	if dir := os.Getenv(worldEnv); dir != "" {
		startWorld(t, dir)
		return dir, true
	}
	for _, tool := range []string{"ip", "nft", "ping", "nc", "curl", "dig", "host", "nslookup", "busybox", "bash"} {
		needed(t, tool)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", "-test.run=^"+t.Name()+"$"+os.Getenv("GUEST_TEST_ONLY"), "-test.parallel=12", "-test.v="+strconv.FormatBool(testing.Verbose()))
	cmd.Env = append(os.Environ(), worldEnv+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
		if testing.Verbose() {
			t.Logf("%s", out)
		}
	case errors.As(err, &exit):
		t.Errorf("in the world:\n%s", out)
	case os.Getenv("CI") != "":
		t.Fatalf("this host allows no namespaces: %v", err)
	default:
		t.Skipf("this host allows no namespaces: %v", err)
	}
	return "", false
}

func startWorld(t *testing.T, dir string) {
	t.Helper()
	authority := newAuthority(t)
	for name, text := range map[string]string{
		"resolv.conf":   "nameserver 10.9.9.9\nsearch test example.test\noptions timeout:3 attempts:1\n",
		"hosts":         "127.0.0.1 localhost\n10.9.1.1 hosts-only.test # here alone\n10.9.1.2 differs.test\n",
		"nsswitch.conf": "hosts: files dns\n",
		"ca.pem":        authority.pem,
		"nothing":       "",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-c", worldSetup, "world", dir).CombinedOutput()
	require.NoError(t, err, "%s", out)

	serve(t, "tcp", ":80", func(l net.Listener) { _ = http.Serve(l, http.HandlerFunc(answer)) })
	for port, cert := range map[string]tls.Certificate{":443": authority.issue(t, "web.test"), ":444": selfSigned(t, "web.test")} {
		serve(t, "tcp", port, func(l net.Listener) {
			s := http.Server{Handler: http.HandlerFunc(answer), ErrorLog: quiet()}
			_ = s.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}}))
		})
	}
	each(t, ":83", func(c *net.TCPConn) { readSome(c); _ = c.SetLinger(0) })
	each(t, ":84", func(c *net.TCPConn) { readSome(c); time.Sleep(20 * time.Second) })
	each(t, ":85", func(c *net.TCPConn) { readSome(c); _, _ = c.Write([]byte("SSH-2.0-OpenSSH_9.6\r\n")) })
	each(t, ":86", func(c *net.TCPConn) { readSome(c) })
	each(t, ":87", func(c *net.TCPConn) { // never stops talking
		readSome(c)
		_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\n"))
		for {
			if _, err := c.Write(bytes.Repeat([]byte("X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"), 1000)); err != nil {
				return
			}
		}
	})
	for _, network := range []string{"udp", "tcp"} {
		server := &dns.Server{Addr: "10.9.9.9:53", Net: network, Handler: dns.HandlerFunc(worldDNS)}
		ready := make(chan struct{})
		server.NotifyStartedFunc = func() { close(ready) }
		go func() { _ = server.ListenAndServe() }()
		<-ready
		t.Cleanup(func() { _ = server.Shutdown() })
	}
}

func serve(t *testing.T, network, address string, with func(net.Listener)) {
	t.Helper()
	l, err := net.Listen(network, address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go with(l)
}

func each(t *testing.T, address string, with func(*net.TCPConn)) {
	t.Helper()
	serve(t, "tcp", address, func(l net.Listener) {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				with(c.(*net.TCPConn))
			}()
		}
	})
}

func readSome(c net.Conn) { _, _ = c.Read(make([]byte, 4096)) }

func answer(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodHead {
		panic("only HEAD is asked")
	}
	w.Header().Set("X-Host", r.Host)
	w.Header().Set("X-Path", r.URL.RequestURI())
	switch {
	case strings.HasPrefix(r.URL.Path, "/redirect"):
		w.Header().Set("Location", "http://10.9.1.2/elsewhere")
		w.WriteHeader(http.StatusFound)
	case strings.HasPrefix(r.URL.Path, "/404"):
		w.WriteHeader(http.StatusNotFound)
	case strings.HasPrefix(r.URL.Path, "/500"):
		w.WriteHeader(http.StatusInternalServerError)
	case strings.HasPrefix(r.URL.Path, "/query"):
		if r.URL.RequestURI() != "/query?a=1&b=2" || r.Host != "web.test" {
			w.WriteHeader(http.StatusBadRequest)
		}
	}
}

var worldRecords = []string{
	"web.test. 60 IN A 10.9.1.1", "web.test. 60 IN AAAA fd09:1::1",
	"four.test. 60 IN A 10.9.1.1", "six.test. 60 IN AAAA fd09:1::1", "differs.test. 60 IN A 10.9.1.1",
	"dropped.test. 60 IN A 10.9.1.2", "half.test. 60 IN A 10.9.1.1", "half.test. 60 IN AAAA fd0a::1",
	"alias.test. 30 IN CNAME web.test.", "web.test. 300 IN MX 10 mail.test.", "web.test. 300 IN MX 20 mail2.test.",
	`web.test. 300 IN TXT "v=spf1 -all"`, `web.test. 300 IN TXT "two " "parts \"quoted\""`,
	"_sip._tcp.test. 120 IN SRV 10 60 5060 web.test.", "deep.example.test. 60 IN A 10.9.1.1",
	"1.1.9.10.in-addr.arpa. 60 IN PTR web.test.", arpaName(mustAddr("fd09:1::1")) + ". 60 IN PTR web.test.",
}

// worldDNS answers worldRecords; the names slow, servfail and refused do what they
// say, and cut answers over TCP only.
func worldDNS(w dns.ResponseWriter, r *dns.Msg) {
	m := new(dns.Msg).SetReply(r)
	m.RecursionAvailable = true
	q := r.Question[0]
	_, tcp := w.RemoteAddr().(*net.TCPAddr)
	switch name := strings.ToLower(q.Name); {
	case strings.HasPrefix(name, "slow."):
		return
	case strings.HasPrefix(name, "servfail."):
		m.Rcode = dns.RcodeServerFailure
	case strings.HasPrefix(name, "refused."):
		m.Rcode = dns.RcodeRefused
	case name == "cut.test.":
		if m.Truncated = !tcp; tcp {
			m.Answer = append(m.Answer, record("cut.test. 60 IN A 10.9.1.1"))
		}
	default:
		m.Rcode = dns.RcodeNameError
		for range 5 {
			found := ""
			for _, text := range worldRecords {
				rr := record(text)
				if !strings.EqualFold(rr.Header().Name, name) {
					continue
				}
				m.Rcode = dns.RcodeSuccess
				if t := rr.Header().Rrtype; t == q.Qtype || t == dns.TypeCNAME {
					m.Answer = append(m.Answer, rr)
					if alias, ok := rr.(*dns.CNAME); ok && q.Qtype != dns.TypeCNAME {
						found = alias.Target
					}
				}
			}
			if name = found; name == "" {
				break
			}
		}
	}
	_ = w.WriteMsg(m)
}

func record(text string) dns.RR {
	rr, err := dns.NewRR(text)
	if err != nil {
		panic(err)
	}
	return rr
}

// ask runs a script under a shell on this host, without the commands in hide.
func ask(t *testing.T, dir, shell string, hide []string, script Script, args []string) string {
	t.Helper()
	const enter = `set -e; nothing=$1; shift
for tool in $1; do for d in /usr/local/bin /usr/bin /usr/sbin /bin /sbin; do
	[ ! -e $d/$tool ] || mount --bind "$nothing" $d/$tool; done; done
shift; exec "$@"`
	argv := []string{"-c", enter, "hide", filepath.Join(dir, "nothing"), strings.Join(hide, " ")}
	argv = append(argv, factsShells[shell]...)
	argv = append(argv, script.Argv(goldenMark, args...)[1:]...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/usr/bin/dash", argv...)
	cmd.Env = []string{"PATH=" + os.Getenv("GUEST_TEST_PATH") + ":/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin", "LD_LIBRARY_PATH=" + os.Getenv("LD_LIBRARY_PATH")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s", stderr.String())
	require.Empty(t, stderr.String())
	return string(out)
}
