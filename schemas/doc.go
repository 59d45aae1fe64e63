// Package schemas is the wire contract: it derives the JSON Schema (2020-12) of
// a tool's arguments and results from Go types, and checks the arguments of a
// call against it, in words.
//
// It knows neither MCP nor OrbStack. Beside the code stands one golden file a
// tool, NAME.json: the tool as tools/list sends it and, under
// strictOutputSchema, all that its result holds. `go test ./schemas -update`
// rewrites them; a change there is a change to what every client sees.
package schemas
