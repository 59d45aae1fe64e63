package audit

import "bytes"

// RotateAt makes a log rotate at a size that a test can fill.
func (l *Log) RotateAt(bytes int64) { l.limit = bytes }

// Names for the tests of this package.
var (
	Redact = redact
	Line   = line
)

// Parse is the joined history of the text of one file.
func Parse(text []byte) (History, error) {
	j := joiner{open: map[string]int{}}
	err := j.read(bytes.NewReader(text))
	return j.history, err
}
