package namespaces

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"orbstack-mcp/internal/orbsim/worldfile"
)

// macUID is the uid of the first account of a Mac, and of the default user that
// OrbStack makes in a machine for it. Other accounts count from firstUID.
const (
	macUID   = 501
	firstUID = 1000
)

// accountsOf are the accounts to make in a machine: root, the default user, the others.
func accountsOf(m worldfile.Machine, shell string) []User {
	users := []User{{Name: "root", Home: "/root", Shell: shell}}
	next := firstUID
	for _, name := range append([]string{m.DefaultUsername}, m.Users...) {
		if name == "" || slices.ContainsFunc(users, func(u User) bool { return u.Name == name }) {
			continue
		}
		uid := next
		if name == m.DefaultUsername {
			uid = macUID
		} else {
			next++
		}
		users = append(users, User{Name: name, UID: uid, GID: uid, Home: "/home/" + name, Shell: shell})
	}
	return users
}

// system accounts that every distribution has.
const (
	systemPasswd = "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\n" +
		"sys:x:3:3:sys:/dev:/usr/sbin/nologin\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
	systemGroup = "daemon:x:1:\nbin:x:2:\nsys:x:3:\nadm:x:4:\ntty:x:5:\ndisk:x:6:\nnogroup:x:65534:\n"
)

func passwdText(users []User) string {
	var b strings.Builder
	for i, u := range users {
		fmt.Fprintf(&b, "%s:x:%d:%d:%s:%s:%s\n", u.Name, u.UID, u.GID, u.Name, u.Home, u.Shell)
		if i == 0 {
			b.WriteString(systemPasswd)
		}
	}
	return b.String()
}

// groupText puts the default user, the second account, in sudo, as OrbStack does.
func groupText(users []User) string {
	var b strings.Builder
	sudo := ""
	for i, u := range users {
		fmt.Fprintf(&b, "%s:x:%d:\n", u.Name, u.GID)
		switch i {
		case 0:
			b.WriteString(systemGroup)
		case 1:
			sudo = u.Name
		}
	}
	return b.String() + "sudo:x:27:" + sudo + "\n"
}

// shadowText has locked passwords: nobody logs in with one.
func shadowText(users []User) string {
	var b strings.Builder
	for _, u := range users {
		fmt.Fprintf(&b, "%s:*:20000:0:99999:7:::\n", u.Name)
	}
	return b.String()
}

// findUser reads passwd(5) for a name.
func findUser(passwd io.Reader, name string) (User, bool) {
	s := bufio.NewScanner(passwd)
	for s.Scan() {
		f := strings.Split(s.Text(), ":")
		if len(f) != 7 || f[0] != name {
			continue
		}
		uid, errUID := strconv.Atoi(f[2])
		gid, errGID := strconv.Atoi(f[3])
		if errUID != nil || errGID != nil || uid < 0 || gid < 0 {
			return User{}, false
		}
		return User{Name: name, UID: uid, GID: gid, Home: f[5], Shell: f[6]}, true
	}
	return User{}, false
}

// groupsOf reads group(5) for the supplementary groups of a user.
func groupsOf(group io.Reader, name string) []uint32 {
	var ids []uint32
	s := bufio.NewScanner(group)
	for s.Scan() {
		f := strings.Split(s.Text(), ":")
		if len(f) != 4 || !slices.Contains(strings.Split(f[3], ","), name) {
			continue
		}
		if id, err := strconv.ParseUint(f[2], 10, 32); err == nil {
			ids = append(ids, uint32(id))
		}
	}
	return ids
}
