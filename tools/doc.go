// Package tools is what the model sees: one row of the table for each tool, one
// file for each family. A row states the tool's effect once; annotations,
// --read-only, the documentation and the tests derive from it.
//
// It knows no processes: everything is done by package orbctl. A tool's
// function takes a struct and returns a struct or an error; it knows neither
// MCP nor JSON, which meet it in handler.go and nowhere else.
package tools
