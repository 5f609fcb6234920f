// Package archtest holds the rules of this code base that a compiler does not
// check: which way imports point, how long files and functions may be, and
// that packages have a doc and no mutable state. The rules are in the test.
package archtest
