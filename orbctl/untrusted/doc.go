// Package untrusted makes text from outside safe to show: what a guest, a log or
// orbctl itself printed. It removes what steers a terminal or hides from a
// reader, bounds what is kept, and fences it where it stands among our own words.
//
// It interprets nothing: no JSON, no OrbStack, no MCP. It starts nothing, opens
// nothing and imports nothing of ours.
//
// A stream goes through
//
//	Cleaner → HeadTail   the beginning and the end of a long text
//	Cleaner → Tail       the last lines of a log
//
// and a whole text through [Clean], [Line] (a name inside a sentence) or [Fence]
// (a block among our own words). Inside JSON the string itself is the fence.
// [Redact] and [RedactText] hide what URLs hold of passwords.
package untrusted
