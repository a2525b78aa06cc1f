package wire

import "slices"

// IsInstanceType reports whether AWS has an instance type of this name. Where a
// request's member is of that type the decoder knows; elsewhere the name comes as
// text.
func IsInstanceType(name string) bool {
	_, ok := slices.BinarySearch(enumInstanceType, name)
	return ok
}
