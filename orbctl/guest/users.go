package guest

import (
	"path"
	"strconv"
	"strings"
	"time"
)

// MaxAccounts bounds the accounts of a report; Cut says what it left out.
const MaxAccounts = 200

// firstPerson is the lowest uid that OrbStack may give a person: it hands the
// Mac's uid on, and macOS starts at 501. Below are services, above 1000 those
// that a distribution's own tools made.
const firstPerson = 500

// An Account is one user of the machine.
type Account struct {
	Name  string
	UID   uint32
	Home  string
	Shell string // "" is /bin/sh (passwd(5))
	Login bool   // the shell is one: not nologin, false and the like
}

// Person reports whether somebody may log in with the account who is not a
// service and not root.
func (a Account) Person() bool { return a.Login && a.UID >= firstPerson && a.UID != 65534 }

// UsersReport is who has an account in the machine.
type UsersReport struct {
	Accounts []Account // in the machine's order
	Named    Named     // the user that was asked for

	Missing []Missing
	Cut     map[string]int
}

// Named is what became of the question for one user. Without a name it is zero.
type Named struct {
	Name    string
	Known   bool // whether Exists could be told
	Exists  bool
	Account Account // when it exists
}

// Users asks for the accounts of a machine, and whether the named one exists;
// name may be empty.
func Users(name string) (Script, []string, time.Duration) {
	return load("users", "accounts"), []string{lookupName(name)}, 10 * time.Second
}

// lookupName is the name for getent, which takes options and numbers as such:
// anything else than a plain name is only compared with the list.
func lookupName(name string) string {
	for i, r := range name {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', r == '_':
		case i > 0 && ('0' <= r && r <= '9' || strings.ContainsRune(".@-", r)):
		default:
			return ""
		}
	}
	return name[:min(len(name), 255)]
}

// ParseUsers reads what the script of Users(name) printed. The error is
// ErrNoAnswer; everything less is in Missing.
func ParseUsers(name string, t Transcript) (UsersReport, error) {
	n, err := newNotes(t)
	if err != nil {
		return UsersReport{}, err
	}
	accounts, named := readAccounts(n, name)
	r := UsersReport{Accounts: firsts(n, partUsers, accounts, MaxAccounts), Named: named}
	r.Missing, r.Cut = n.gaps()
	return r, nil
}

const partUsers = "users"

// readAccounts reads the sections of accounts.sh.
func readAccounts(n *notes, name string) ([]Account, Named) {
	text, listed := n.section("passwd", partUsers)
	list := parsePasswd(text)
	if listed && len(list.accounts) == 0 {
		words, _, _ := strings.Cut(text, "exit ")
		n.miss(partUsers, said(words, "the list of accounts is empty, even without root"))
	} else if listed && !list.ended {
		n.miss(partUsers, "the list ends early: getent did not finish within 5 s, or failed")
	}
	n.left(partUsers, list.cut)
	if name == "" {
		return list.accounts, Named{}
	}
	named := Named{Name: name, Known: list.ended && list.cut == 0}
	lookup, asked := n.transcript.Find("lookup")
	if asked { // what getent says of one name counts more than a list: 2 is no such user (getent(1))
		named.Known = lookup.Exit == 0 || lookup.Exit == 2
	}
	for _, a := range append(parsePasswd(lookup.Text).accounts, list.accounts...) {
		if a.Name == name {
			named.Known, named.Exists, named.Account = true, true, a
			break
		}
	}
	if !named.Known && listed {
		n.miss("user "+word(name), "neither the list of accounts nor the lookup of that name is to be relied on")
	}
	return list.accounts, named
}

type passwdList struct {
	accounts []Account
	ended    bool // the script read all of it
	cut      int  // how many lines it did not print
}

// parsePasswd reads passwd(5), ended by the script's own two lines: "exit CODE"
// of the command that listed it, and the number of lines including that one.
func parsePasswd(text string) passwdList {
	var list passwdList
	lines := strings.Split(text, "\n")
	printed := 0
	for _, line := range lines {
		fields := strings.Split(line, ":")
		if len(fields) < 4 {
			continue
		}
		printed++
		// A line that the script shortened (to 512 bytes) has no end to read.
		for len(fields) < 7 {
			fields = append(fields, "")
		}
		uid, err := strconv.ParseUint(fields[2], 10, 32)
		if err != nil || fields[0] == "" {
			continue
		}
		a := Account{Name: word(fields[0]), UID: uint32(uid), Home: word(fields[5]), Shell: word(fields[6])}
		a.Login = isLogin(a.Shell)
		list.accounts = append(list.accounts, a)
	}
	if last := len(lines) - 1; last > 0 {
		total, err := strconv.Atoi(lines[last])
		list.ended = err == nil && lines[last-1] == "exit 0"
		if list.ended && total > 2000 {
			list.cut = total - 1 - printed
		}
	}
	return list
}

func isLogin(shell string) bool {
	switch path.Base(shell) {
	case "nologin", "false", "true", "sync", "halt", "shutdown", "git-shell":
		return false
	}
	return true
}
