package stage

// Read says whether a text is a policy.
func Read(text string) bool { _, ok := read(text); return ok }

// Decimal is a number's text.
var Decimal = decimal
