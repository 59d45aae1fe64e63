// Package mac asks the Mac itself: its resolver, and its own way to a machine.
// It does so from this process, without starting another one, and gives the
// same reports as package guest, so that both sides can be laid side by side.
//
// Nothing else may be reached from here than what the caller allows: this
// server must not become a scanner of the Mac's networks.
package mac
