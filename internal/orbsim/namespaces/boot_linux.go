package namespaces

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// Boot starts a machine and returns when it answers: addresses, users, files
// and listeners are there. Disk and addresses of a machine of that name that
// was halted before are kept; accounts and Files are put on a new disk only, and
// rootfs must stay what it was. Several machines can boot at a time.
//
// disk_size, disk limits, arch, logs and id are not looked at.
func (w *World) Boot(ctx context.Context, config worldfile.Machine) (*Machine, error) {
	p, err := w.claim(config)
	if err != nil {
		return nil, err
	}
	m, err := w.boot(ctx, config, p)
	w.mu.Lock()
	delete(w.booting, config.Name)
	if err == nil {
		w.machines[m.Name] = m
	}
	w.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("boot %s: %w", config.Name, err)
	}
	w.resolver.add(m.Name, named{ip4: m.IP4, ip6: m.IP6, proxy4: p.proxy4})
	go m.bury()
	if config.IsolateNetwork {
		if err := w.renewRules(); err != nil {
			return nil, errors.Join(fmt.Errorf("boot %s: %w", config.Name, err), m.Halt(context.WithoutCancel(ctx)))
		}
	}
	return m, nil
}

// claim makes sure that a machine boots once.
func (w *World) claim(config worldfile.Machine) (*plot, error) {
	p, err := w.plotFor(config)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.machines[config.Name] != nil || w.booting[config.Name] {
		return nil, fmt.Errorf("boot %s: it is running already", config.Name)
	}
	w.booting[config.Name] = true
	return p, nil
}

func (w *World) boot(ctx context.Context, config worldfile.Machine, p *plot) (_ *Machine, err error) {
	spec, err := w.spec(config, p)
	if err != nil {
		return nil, err
	}
	p.unplugging.Wait()
	link := fmt.Sprintf("veth%d", w.lastLink.Add(1))
	m := &Machine{
		Name: config.Name, IP4: p.ip4, IP6: p.ip6, Gateway4: w.plan.gateway4,
		world: w, config: config, plot: p, users: spec.Users, done: make(chan struct{}),
		net: guestNet{addressing: w.plan, hostLink: link, mac: p.mac, ip4: p.ip4, ip6: p.ip6, allGIDs: w.manyUsers},
	}
	m.services = &services{certificate: m.certificate}
	defer func() {
		if err != nil {
			m.tearDown()
		}
	}()
	for _, dir := range []string{spec.Disk, filepath.Join(spec.Disk, "log")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	group := fmt.Sprintf("machine-%d", p.number)
	if m.group, err = newGroup(w.cgroups, group, filepath.Join(spec.Disk, "cgroup"), config.Limits); err != nil {
		return nil, err
	}
	spec.Cgroup = m.group.view
	up, err := m.startInit(spec)
	if err != nil {
		return nil, err
	}
	defer up.Close()
	// The root file system is built while the network is.
	netErr := m.network(w.bridge)
	if netErr != nil {
		_ = m.init.Process.Kill() // waitUp then returns at once
	}
	if err = waitUp(ctx, up, netErr); err != nil {
		_ = m.init.Process.Kill()
		_ = m.init.Wait()
		return nil, err
	}
	p.settled = true
	return m, nil
}

// startInit starts the machine's PID 1 and gives it its spec. up is where it
// will report.
func (m *Machine) startInit(spec machineSpec) (up *os.File, err error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	specFile, err := inMemory("spec", text)
	if err != nil {
		return nil, err
	}
	defer specFile.Close()
	up, upW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer upW.Close()
	pidfd := -1
	m.init = &exec.Cmd{
		Path: selfExe, Args: []string{"/sbin/init", verbMachine}, Dir: "/",
		Env:         []string{"PATH=" + guestPath, "container=orbstack", "GOMAXPROCS=1"},
		Stderr:      os.Stderr, // a panic's words
		ExtraFiles:  []*os.File{specFile, upW},
		SysProcAttr: &syscall.SysProcAttr{Cloneflags: namespaceFlags, Setsid: true, PidFD: &pidfd},
	}
	err = onOwnThread(func() error {
		if err := m.group.enter(m.init.SysProcAttr); err != nil {
			return err
		}
		return m.init.Start()
	})
	if err != nil {
		_ = up.Close()
		return nil, fmt.Errorf("start its PID 1: %w", err)
	}
	m.pidfd, m.group.initPID = os.NewFile(uintptr(pidfd), "pidfd of "+m.Name), m.init.Process.Pid
	return up, nil
}

// waitUp reads what PID 1 reports. netErr is why the network did not come up
// meanwhile: when PID 1 has a reason of its own, that is why.
func waitUp(ctx context.Context, up *os.File, netErr error) error {
	stop := context.AfterFunc(ctx, func() { _ = up.Close() })
	defer stop()
	word, err := io.ReadAll(up)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case len(word) > 0 && string(word) != upWord:
		return errors.New(string(word))
	case netErr != nil:
		return netErr
	case err != nil:
		return fmt.Errorf("wait for its PID 1: %w", err)
	case len(word) == 0:
		return errors.New("its PID 1 ended at once (main does not call RunInit?)")
	}
	return nil
}

// systemTexts are the system files that are written at every boot.
func (w *World) systemTexts(config worldfile.Machine) map[string]string {
	texts := map[string]string{
		"/etc/hostname":                      config.Name + "\n",
		"/etc/hosts":                         "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 " + config.Name + "\n",
		"/etc/resolv.conf":                   resolvConf(w.plan.resolver4),
		"/etc/nsswitch.conf":                 "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\nprotocols: files\n",
		"/etc/os-release":                    osRelease(config),
		"/etc/ssl/certs/ca-certificates.crt": string(w.ca.pem()),
		"/etc/ssl/cert.pem":                  string(w.ca.pem()), // alpine's and busybox's place
	}
	if w.stub {
		texts["/etc/resolv.conf"] = stubResolvConf
		texts["/run/systemd/resolve/stub-resolv.conf"] = stubResolvConf
		texts["/run/systemd/resolve/resolv.conf"] = resolvConf(w.plan.resolver4)
	}
	return texts
}

// spec is everything PID 1 needs to know.
func (w *World) spec(config worldfile.Machine, p *plot) (machineSpec, error) {
	r, err := w.images.of(config.Rootfs)
	if err != nil {
		return machineSpec{}, err
	}
	users := accountsOf(config, r.shell)
	s := machineSpec{
		Name: config.Name, Disk: p.disk, Layers: r.layers, Links: r.links, Tools: r.tools,
		UserXattr: w.images.userXattr, ManyUsers: w.manyUsers, Hide: config.Hide, Users: users,
		Texts: w.systemTexts(config), Mac: filepath.Join(w.base, "mac"), Isolated: config.Isolated, Mounts: map[string]string{},
	}
	if !config.Isolated {
		s.Texts["/usr/bin/mac"] = macTool(config.Name)
	}
	if !p.settled {
		s.Files = config.Files
		s.Texts["/etc/passwd"], s.Texts["/etc/group"], s.Texts["/etc/shadow"] = passwdText(users), groupText(users), shadowText(users)
	}
	for _, m := range config.Mounts {
		from, to, ok := strings.Cut(m, ":")
		if !ok {
			to = from
		}
		if !filepath.IsAbs(from) || !filepath.IsAbs(to) {
			return s, fmt.Errorf("mount %q: must be SRC:DEST, both absolute", m)
		}
		if s.Mounts[filepath.Clean(to)], err = makeShared(s.Mac, from); err != nil {
			return s, fmt.Errorf("mount %q: %w", m, err)
		}
	}
	return s, nil
}
