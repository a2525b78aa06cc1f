package network

import "fmt"

// Code says which kind of rule an Op broke. The set is closed; package ec2 has
// AWS's words for every Code. The zero Code is invalid, so that a forgotten one shows.
type Code uint8

// Error is why an Op was refused. The State it was asked of is unchanged.
type Error struct {
	Code    Code
	Subject string // the ID or value that broke the rule
	Detail  string // a second ID or value, or what was expected; its meaning is with the Code
}

func (e *Error) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("%s: %v", e.Subject, e.Code)
	}
	return fmt.Sprintf("%s: %v (%s)", e.Subject, e.Code, e.Detail)
}

func fail[S ~string](code Code, subject S) error {
	return &Error{Code: code, Subject: string(subject)}
}

func failWith[S, D ~string](code Code, subject S, detail D) error {
	return &Error{Code: code, Subject: string(subject), Detail: string(detail)}
}

// The codes. A Code's comment says what Subject and Detail hold where it is not
// the ID of the thing concerned.
const (
	_                  Code = iota
	NotFound                // no such thing, or not visible to the caller
	Malformed               // Subject is not an ID of the right kind; Detail is the expected prefix
	InUse                   // other things depend on it (AWS: DependencyViolation); Detail: one of them
	LimitExceeded           // Subject is the parent, Detail the quota's name
	NotPermitted            // the caller may not do this; Detail says what, in a few words
	WrongState              // Subject's state forbids it; Detail "from to" (states)
	AlreadyExists           // Subject exists already
	InvalidValue            // Subject is the value, Detail the parameter
	InvalidCIDR             // Subject is not a usable CIDR block; Detail the parameter
	CIDRSize                // Subject's prefix length is out of range
	CIDRConflict            // Subject overlaps a block of the same parent
	CIDROutside             // Subject lies in no block of its parent
	CIDRRestricted          // Subject may not be added to this VPC's address family
	DifferentNetworks       // Subject and Detail belong to different VPCs
	Mismatch                // an idempotency token was used before with other parameters
	AddressInUse            // Subject is taken
	AddressOutside          // Subject is not in Detail's range, or reserved there
	AddressesExhausted      // Subject (a subnet) has no free address
	RouteExists             // Subject is the destination
	RouteNotFound           // Subject is the destination, Detail the table
	LocalRoute              // Subject is a local route's destination; it can't be removed or created
	RouteInsideVPC          // Subject equals or lies inside the VPC's own block and this target can't take it
	MainAssociation         // Subject is the main association, which can't be removed
	AlreadyAssociated       // Subject has an association already; Detail names it
	DefaultUndeletable      // Subject is a default thing
	ReservedName            // Subject is a reserved name
	Duplicate               // Subject describes the rule or entry that exists already
	RuleNotFound            // Subject is the group
	EntryExists             // Subject is the entry's number
	EntryNotFound           // Subject is the entry's number, Detail the ACL
	PeeringExists           // Subject is the live peering of the same pair
	NotActive               // Subject (a peering) is not active
	DNSHostnamesOff         // Subject (a VPC) lacks DNS hostnames or DNS support
	Missing                 // Subject is the parameter that must be there
	Combination             // Subject and Detail can't be given together
	Unsupported             // Subject is what can't be done, Detail a sentence
)
