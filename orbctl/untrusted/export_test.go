package untrusted

// Invisible lets the tests ask the table of hidden characters.
var Invisible = invisible
