// Package e2e holds the tests that go the whole way: a client over stdio, the
// real server as a process of its own, the simulated OrbStack with real
// packets. It holds nothing else; testdata has the worlds that are broken in one
// way each, and the subject of ../shared/checks.
package e2e
