// Package job keeps work that outlives the call that began it: a Book of Jobs,
// each under a handle that nobody can guess. A job ends with the server; of one
// whose server died there is a note on disk, so that it is called lost and never
// done.
//
// It knows neither MCP nor OrbStack.
package job
