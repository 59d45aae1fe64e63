// Package stdio is the transport: JSON-RPC messages, one a line, between a
// client's pipe and an mcp-go server (MCP specification, "Transports", stdio).
//
// It stands in for mcp-go's own stdio server, which loses replies at end of
// input, drops notifications when a hundred wait, sends progress after its
// reply, answers cancelled calls, and stops reading when its workers are busy.
// Everything MCP stays mcp-go's: this package frames, schedules and answers,
// and calls [server.MCPServer.HandleMessage] for the meaning. Nothing about
// tools, orbctl or OrbStack may enter.
//
// # One message's way through
//
//	reader.go   lines of bounded length from the pipe; the id of one too long
//	message.go  what kind of message it is, and whether it is well formed
//	accept.go   cancel, refuse, answer on the spot, or start a call
//	calls.go    the calls in flight: slots, queue, answered once or silenced
//	handle.go   HandleMessage, and its answer as bytes
//	outbox.go   notifications of one call, in order, before its reply
//	writer.go   the only writer of the pipe
//
// # What is guaranteed
//
//   - Every request that was read is answered exactly once under its own id,
//     byte for byte as the client wrote it, unless the client cancels it: then
//     nothing more is sent for it. This holds at end of input and on a signal
//     too: see [Serve].
//   - Whatever a handler sent before it returned is written before its reply,
//     in order; what it sends later is dropped.
//   - Reading never waits for a handler. Methods that mcp-go answers from memory
//     (initialize, ping, the lists, server/discover, subscriptions) are answered
//     where they are read, in the order of the input; so hooks, tool filters and
//     notification handlers of the server must not block. tools/call,
//     resources/read, prompts/get, completion/complete and tasks/* run in slots.
//     Reading pauses only while the client leaves more than 9 MiB unread.
//   - Both eras of MCP are served on one pipe, request by request: a request
//     is modern when its _meta names protocol version 2026-07-28 or later. A
//     request that is neither modern nor preceded by initialize is refused,
//     save initialize, ping and server/discover.
//
// # How a call is told apart
//
// Each call gets a [server.ClientSession] of its own in its context, so that
// notifications need no progress token to be attributed, a modern request's
// client capabilities are its own, and a cancelled call falls silent at once.
// mcp-go sees a fresh number as the id of every request, since it rounds
// numbers above 2^53 and takes 1 and "1" for the same; it never sees
// notifications/cancelled, since cancellation is done here, through the
// call's context (cause [ErrCancelled]).
//
// A second request under an id that is in flight is refused by an error
// without an id (null) whose data names the id, so that the first one's
// answer stays the only answer under it.
package stdio
