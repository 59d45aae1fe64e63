package runner

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// settingsLock is the lock of OrbStack's own settings. The lock of a machine
	// has its name behind machineLock.
	settingsLock = "settings"
	machineLock  = "machine "

	lockPatience = time.Minute // for another operation on the same machine
	everybody    = 1 << 20     // the share of whoever excludes all others
)

// A sharing is how a call holds its locks.
type sharing int

const (
	shared  sharing = iota // with others that look
	passing                // shared, and only until the script in the machine has begun
	alone
)

// lock says what a call must not be disturbed in, and whether it disturbs others.
// What changes a machine excludes all else on it. What looks into one may share
// it; if it looks for long, only its start must not be disturbed: a follow ends
// with its machine, and must not keep it from being stopped. What asks OrbStack
// alone needs no lock.
func (r row) lock(call Call, deadline time.Duration) (names []string, how sharing) {
	switch {
	case call.Op == OpConfigSet:
		return []string{lockOfKey(call.Args[0])}, alone
	case call.Op == OpDefaultSet:
		return defaultLocks(call.Args[0]), alone
	case call.Op == OpProbe && deadline > longAfter:
		return []string{lockOfMachine(call.Machine)}, passing
	case r.guest():
		return []string{lockOfMachine(call.Machine)}, shared
	case r.class == Read:
		return nil, shared
	}
	for _, name := range []string{call.Machine, call.NewName} {
		if name != "" {
			names = append(names, lockOfMachine(name))
		}
	}
	slices.Sort(names) // the same order for all, so that nobody waits in a circle
	return slices.Compact(names), alone
}

// lockOfMachine is the same for names that differ only in their case: so are the
// files of their locks on a Mac.
func lockOfMachine(name string) string { return machineLock + strings.ToLower(name) }

// defaultLocks: the default machine is a setting of OrbStack's that names a machine,
// which must not be renamed or deleted while it is made the default.
func defaultLocks(machine string) []string {
	if machine == "none" || checkMachine(machine) != nil {
		return []string{settingsLock}
	}
	return []string{lockOfMachine(machine), settingsLock}
}

// lockOfKey: machine.NAME.FIELD is the machine's, any other key is OrbStack's.
func lockOfKey(key string) string {
	if name, ok := machineOfKey(key); ok {
		return lockOfMachine(name)
	}
	return settingsLock
}

// machineOfKey is the machine of a key machine.NAME.FIELD.
func machineOfKey(key string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(key, "machine.")
	name = rest[:max(0, strings.LastIndexByte(rest, '.'))]
	return name, ok && checkMachine(name) == nil
}

// locks are read-write locks by name: first come, first served within this
// process, and a file each between the servers of one user.
type locks struct {
	folder string // "": no files

	mu       sync.Mutex
	used     map[string]*nameLock // those that somebody holds or waits for
	editions map[string]uint64    // by name, where there are no files
}

type nameLock struct {
	turns *semaphore.Weighted
	users int
}

func newLocks(folder string) *locks {
	return &locks{folder: folder, used: map[string]*nameLock{}, editions: map[string]uint64{}}
}

// take takes all names, which are sorted, or none. Errors: *BusyError after
// lockPatience, *LockError, the cause of a ctx that ended.
func (l *locks) take(ctx context.Context, names []string, how sharing) (release func(), err error) {
	var taken []func()
	release = func() {
		for _, give := range slices.Backward(taken) {
			give()
		}
	}
	patient, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	for _, name := range names {
		give, err := l.one(patient, name, how)
		switch {
		case err == nil:
			taken = append(taken, give)
			continue
		case ctx.Err() != nil:
			err = context.Cause(ctx)
		case errors.Is(err, context.DeadlineExceeded):
			err = &BusyError{What: name, After: lockPatience}
		}
		release()
		return nil, err
	}
	return release, nil
}

// one takes the lock of a name in this process, then the file's.
func (l *locks) one(ctx context.Context, name string, how sharing) (give func(), err error) {
	weight := int64(1)
	if how == alone {
		weight = everybody
	}
	lock := l.join(name)
	if err := lock.turns.Acquire(ctx, weight); err != nil { // in the order in which they came
		l.part(name, lock)
		return nil, err
	}
	unlock, err := l.between(ctx, name, how)
	if err != nil {
		lock.turns.Release(weight)
		l.part(name, lock)
		return nil, err
	}
	return func() {
		unlock()
		lock.turns.Release(weight)
		l.part(name, lock)
	}, nil
}

func (l *locks) join(name string) *nameLock {
	l.mu.Lock()
	defer l.mu.Unlock()
	lock := l.used[name]
	if lock == nil {
		lock = &nameLock{turns: semaphore.NewWeighted(everybody)}
		l.used[name] = lock
	}
	lock.users++
	return lock
}

func (l *locks) part(name string, lock *nameLock) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if lock.users--; lock.users == 0 {
		delete(l.used, name)
	}
}
