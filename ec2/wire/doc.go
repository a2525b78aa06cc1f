// Package wire is the EC2 query protocol as AWS's service model describes it:
// a form on the way in, XML on the way out, and a Go structure for each. The
// structures and their codecs are generated; how a form is read and XML is
// written stands in form.go, decoder.go and xml.go. It knows no rule of a
// network and no error code but those of the protocol itself.
//
// Absent and empty are different things all the way: a nil pointer or slice is
// absent, and nothing is written for it.
package wire

//go:generate node gen/generate.mjs
//go:generate node gen/oracle.mjs
