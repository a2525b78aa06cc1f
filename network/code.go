package network

import "iter"

// codeNames say each Code in the few words that an Error's text needs.
var codeNames = [...]string{
	0: "no code",

	NotFound:           "not found",
	Malformed:          "malformed ID",
	UnknownKind:        "unknown kind of ID",
	InUse:              "in use",
	LimitExceeded:      "limit exceeded",
	NotPermitted:       "not permitted",
	WrongState:         "wrong state",
	AlreadyExists:      "already exists",
	InvalidValue:       "invalid value",
	Mismatch:           "token used with other parameters",
	Missing:            "missing",
	Combination:        "can't be combined",
	Unsupported:        "unsupported",
	DefaultUndeletable: "default can't be deleted",

	InvalidCIDR:        "not a CIDR block",
	CIDRSize:           "CIDR block out of range",
	CIDRConflict:       "CIDR block overlaps",
	CIDROutside:        "CIDR block outside",
	CIDRRestricted:     "CIDR block restricted",
	PrimaryBlock:       "primary block",
	PrimaryAddress:     "primary address",
	AddressNotAssigned: "address not assigned",
	NoIPv6:             "no IPv6 block",
	AddressInUse:       "address in use",
	AddressOutside:     "address outside",
	AddressesExhausted: "no free address",
	DifferentNetworks:  "different networks",

	DifferentZones:   "different zones",
	DeviceTaken:      "device index taken",
	PrimaryInterface: "primary interface",
	TerminationOff:   "protected against termination",
	StopOff:          "protected against stopping",
	NeverRan:         "never ran",
	TooLong:          "too long",

	NoDefaultVPC:    "no default VPC",
	NoDefaultSubnet: "no default subnet",

	RouteExists:       "route exists",
	RouteNotFound:     "route not found",
	RouteUndefined:    "no route to replace",
	RouteReserved:     "route inside a reserved range",
	LocalRoute:        "local route",
	RouteInsideVPC:    "route inside the VPC",
	RouteTargetKind:   "target can't replace local",
	RouteNotLocal:     "route was never local",
	RouteNotSubnet:    "not the range of a subnet",
	ManyInterfaces:    "not exactly one interface",
	MainAssociation:   "main association",
	AlreadyAssociated: "already associated",

	GatewayAttached:    "gateway attached",
	GatewayTaken:       "VPC has a gateway",
	GatewayNotAttached: "gateway not attached",
	GatewayFamily:      "gateway carries IPv6 only",
	MappedAddress:      "public addresses mapped",
	AddressAssociated:  "address associated",
	DHCPOptionUnknown:  "unknown DHCP option",
	DHCPOptionTwice:    "DHCP option twice",
	DHCPOptionMany:     "too many values of a DHCP option",
	DHCPOptionValue:    "bad value of a DHCP option",

	PeeringExists:    "peering exists",
	NotActive:        "not active",
	DNSHostnamesOff:  "DNS hostnames off",
	AcceptElsewhere:  "must be accepted elsewhere",
	RejectElsewhere:  "must be rejected elsewhere",
	OptionsForeign:   "options of another account",
	OptionsElsewhere: "options of another Region",

	GroupExists:     "group exists",
	ReservedName:    "reserved name",
	GroupText:       "unusable text",
	GroupNameIsID:   "name like an ID",
	Duplicate:       "duplicate",
	Repeated:        "repeated in the request",
	RuleNotFound:    "rule not found",
	UnknownProtocol: "unknown protocol",
	PortOutOfRange:  "port out of range",
	PortsReversed:   "ports reversed",
	ICMPOutOfRange:  "ICMP number out of range",
	ICMPCode:        "ICMP code without a type",
	EntryExists:     "entry exists",
	EntryNotFound:   "entry not found",

	FlowLogExists:   "flow log exists",
	FlowLogInterval: "no interval of flow logs",

	EndNotFound: "end of a path not found",

	TemplateName:    "unusable name",
	TemplateExists:  "launch template exists",
	VersionNotFound: "version not found",

	ReservedTag:    "reserved tag key",
	TagKeyLength:   "tag key length",
	TagValueLength: "tag value length",
	KeyPairExists:  "key pair exists",
}

func (c Code) String() string { return codeNames[c] }

// Codes are all of them, in order.
func Codes() iter.Seq[Code] {
	return func(yield func(Code) bool) {
		for c := Code(1); c < codesEnd; c++ {
			if !yield(c) {
				return
			}
		}
	}
}
