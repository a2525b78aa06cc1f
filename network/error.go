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
	_ Code = iota

	// Of every kind of thing.

	NotFound           // no such thing, or not visible to the caller
	Malformed          // Subject is not an ID of the right kind; Detail is the expected prefix
	UnknownKind        // Subject is not an ID of any kind that can be tagged
	InUse              // other things depend on it (AWS: DependencyViolation); Detail: one of them
	LimitExceeded      // Subject is what is full, Detail the Quota
	NotPermitted       // the caller may not do this; Detail is the verb
	WrongState         // Subject's state forbids it; Detail "from to": its state, and the state or verb asked for
	AlreadyExists      // Subject exists already
	InvalidValue       // Subject is the value, Detail the parameter
	Mismatch           // an idempotency token was used before with other parameters
	Missing            // Subject is the parameter that must be there
	Combination        // Subject and Detail can't be given together
	Unsupported        // Subject is what can't be done, Detail a sentence
	DefaultUndeletable // Subject is a default thing; Detail its name, if it has one

	// Of address ranges and addresses.

	InvalidCIDR        // Subject is not a usable CIDR block; Detail the parameter
	CIDRSize           // Subject's prefix length is out of range, or it lies where no VPC may
	CIDRConflict       // Subject overlaps a block of Detail: the same VPC, another subnet, a route table or a peering
	CIDROutside        // Subject lies in no block of Detail (a VPC)
	CIDRRestricted     // Subject may not be added to Detail (a VPC) because of the family of its blocks
	PrimaryBlock       // Subject (an association) is of a block that its VPC or subnet can't be without
	PrimaryAddress     // Subject is an address that the interface Detail keeps for life
	AddressNotAssigned // Subject is not an address of the interface Detail
	NoIPv6             // Subject (a VPC or subnet) has no IPv6 block
	AddressInUse       // Subject is taken
	AddressOutside     // Subject is not in Detail's range, or reserved there
	AddressesExhausted // Subject (a subnet) has no free address
	DifferentNetworks  // Subject and Detail belong to different VPCs; Subject is the one that was to refer to Detail

	// Of interfaces and instances.

	DifferentZones   // Subject and Detail are in different Availability Zones
	DeviceTaken      // Subject (an instance, or an instance type at launch) has an interface at device index Detail
	PrimaryInterface // Subject (an attachment) is of device 0, interface Detail, which can't be detached
	TerminationOff   // Subject (an instance) is protected against termination
	StopOff          // Subject (an instance) is protected against stopping
	NeverRan         // Subject (an instance) can't be stopped before it has been running once
	TooLong          // Subject is the parameter, Detail how many bytes it may have

	// Of defaults.

	NoDefaultVPC    // Subject (a world) has no default VPC
	NoDefaultSubnet // Subject (a default VPC) has no default subnet in zone Detail, or in none at all

	// Of routes.

	RouteExists       // Subject is the destination, Detail the table
	RouteNotFound     // Subject is the destination, Detail the table; there is nothing to delete
	RouteUndefined    // Subject is the destination, Detail the table; there is nothing to replace
	RouteReserved     // Subject is a destination inside the link-local ranges that AWS keeps
	LocalRoute        // Subject is a local route's destination, which can't be removed; Detail the table
	RouteInsideVPC    // Subject equals or lies inside a block of the VPC, and only an interface can be its target
	RouteTargetKind   // Subject is a local route's destination, and only an interface can replace its target
	RouteNotLocal     // Subject is the destination of a route that never was local
	RouteNotSubnet    // Subject lies inside a block of the VPC but is not the whole range of a subnet
	ManyInterfaces    // Subject (an instance) has not exactly one interface
	MainAssociation   // Subject is the main association, which can't be removed
	AlreadyAssociated // Subject (a table) conflicts with the subnet's association Detail

	// Of gateways, public addresses and DHCP options.

	GatewayAttached    // Subject is a gateway, Detail the VPC that has it
	GatewayTaken       // Subject is a VPC, Detail the gateway that it has
	GatewayNotAttached // Subject (a gateway) is not attached to Detail; or Subject (a VPC) has none, which Detail needs
	GatewayFamily      // Subject is an IPv4 destination, Detail an egress-only gateway
	MappedAddress      // Subject is a VPC, Detail an allocation that one of its interfaces has
	AddressAssociated  // Subject (an allocation or interface) has the association Detail
	DHCPOptionUnknown  // Subject is no key of an option
	DHCPOptionTwice    // Subject is a key that comes twice
	DHCPOptionMany     // Subject is how many values the option Detail may have
	DHCPOptionValue    // Subject is not a value of the option Detail

	// Of peering connections.

	PeeringExists    // Subject is the live peering of the same pair
	NotActive        // Subject (a peering) is not active
	DNSHostnamesOff  // Subject (a VPC) lacks DNS hostnames or DNS support
	AcceptElsewhere  // Subject (a peering) must be accepted in Region Detail
	RejectElsewhere  // Subject (a peering) must be accepted or rejected in Region Detail
	OptionsForeign   // Subject (a peering): the caller doesn't own the side Detail, "requester" or "accepter"
	OptionsElsewhere // Subject (a peering): the side Detail is in another Region

	// Of security groups and network ACLs.

	GroupExists     // Subject is the name, Detail the VPC
	ReservedName    // Subject is a reserved name
	GroupText       // Subject is not usable as what Detail says: "GroupName", "GroupDescription" or "description" (of a rule)
	GroupNameIsID   // Subject is a group name that begins like an ID
	Duplicate       // Subject describes the rule that exists already
	Repeated        // Subject describes a rule that is twice in one request
	RuleNotFound    // Subject is the group; Detail describes the rule
	UnknownProtocol // Subject is no protocol number
	PortOutOfRange  // Subject is the port, Detail "from" or "to"
	PortsReversed   // Subject is "from:to"
	ICMPOutOfRange  // Subject is the number, Detail "type" or "code"
	ICMPCode        // Subject is a code that can't be given with type -1
	EntryExists     // Subject is the entry's number, Detail the ACL
	EntryNotFound   // Subject is the entry's number, Detail the ACL

	// Of flow logs.

	FlowLogExists   // Subject is the resource, Detail the flow log of the same traffic to the same place
	FlowLogInterval // Subject is the parameter whose value is neither 60 nor 600

	// Of insights.

	EndNotFound // Subject is the ID, Detail source or destination

	// Of launch templates.

	TemplateName    // Subject is not usable as a name
	TemplateExists  // Subject is the name
	VersionNotFound // Subject is the template, Detail the version

	// Of tags and keys.

	ReservedTag    // Subject is a key with AWS's prefix
	TagKeyLength   // Subject is a key that is empty or too long
	TagValueLength // Subject is a value that is too long, Detail its key
	KeyPairExists  // Subject is the name

	codesEnd // how many there are, and one
)
