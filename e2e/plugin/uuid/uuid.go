// Package uuid stands in for the API that github.com/twinj/uuid had when AWS's
// session-manager-plugin was written against it; no version that the module proxy
// serves has it any more. The plugin makes random identifiers, reads and writes
// their bytes and prints them with hyphens: that much is here and nothing else.
package uuid

import (
	"crypto/rand"
	"fmt"
)

// Format names how identifiers are printed; there is one.
type Format string

// CleanHyphen is 8-4-4-4-12 hexadecimal digits.
const CleanHyphen Format = "%x-%x-%x-%x-%x"

// SwitchFormat chooses the format for all identifiers, which is always CleanHyphen.
func SwitchFormat(Format) {}

// UUID is an identifier. It is an interface, because the plugin compares it with nil.
type UUID interface {
	Bytes() []byte
	String() string
}

type id [16]byte

func (u id) Bytes() []byte { return u[:] }

func (u id) String() string {
	return fmt.Sprintf(string(CleanHyphen), u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// New is the identifier with these 16 bytes.
func New(b []byte) UUID {
	var u id
	copy(u[:], b)
	return u
}

// NewV4 is a random identifier (RFC 9562, version 4).
func NewV4() UUID {
	var u id
	_, _ = rand.Read(u[:]) // never fails: crypto/rand ends the program instead
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return u
}
