package reach

// Code is one of AWS's explanation codes (AWS: Reachability Analyzer,
// Explanation codes).
type Code string

// The codes that the components of this network can produce.
const (
	BadState                Code = "BAD_STATE"            // an instance, interface or peering is not in service
	BadStateAttachment      Code = "BAD_STATE_ATTACHMENT" // a gateway is not attached to the VPC
	BadStateRoute           Code = "BAD_STATE_ROUTE"      // the route that wins is a blackhole
	CannotRoute             Code = "CANNOT_ROUTE"         // a route leads there, but does not cover the address
	MoreSpecificRoute       Code = "MORE_SPECIFIC_ROUTE"  // a route leads there, but a longer prefix wins
	NoRouteToDestination    Code = "NO_ROUTE_TO_DESTINATION"
	LocalRouteRestriction   Code = "VPC_LOCAL_ROUTE_CIDR_RESTRICTION" // the table has only local routes
	PeeringNeedsAddress     Code = "PCX_REQUIRES_ADDRESS_IN_VPC_CIDR"
	SecurityGroupHasNoRules Code = "SG_HAS_NO_RULES"
	SecurityGroupMismatch   Code = "ENI_SG_RULES_MISMATCH"
	UnknownPeeredGroups     Code = "UNKNOWN_PEERED_SGS" // a rule names a group that no active peering leads to
	SubnetACLRestriction    Code = "SUBNET_ACL_RESTRICTION"
	ENIAddressRestriction   Code = "ENI_ADDRESS_RESTRICTION"           // the source address is not the interface's
	SourceDestCheck         Code = "ENI_SOURCE_DEST_CHECK_RESTRICTION" // a checked interface takes no packet for others
	NoPossibleDestination   Code = "NO_POSSIBLE_DESTINATION"           // the component can forward it nowhere
	GatewayRejectsSpoofed   Code = "GATEWAY_REJECTS_SPOOFED_TRAFFIC"
	GatewayPrivateAddress   Code = "IGW_DESTINATION_ADDRESS_NOT_IN_RFC1918_EGRESS"
	GatewaySharedAddress    Code = "IGW_DESTINATION_ADDRESS_NOT_IN_RFC6598_EGRESS"
	GatewayNeedsPublicIP    Code = "IGW_PUBLIC_IP_ASSOCIATION_FOR_EGRESS"
	DisconnectedVPCs        Code = "DISCONNECTED_VPCS"
	NoPath                  Code = "NO_PATH" // the ends have no address family in common
	NoSourceOrDestination   Code = "NO_SOURCE_OR_DESTINATION"
	UnassociatedComponent   Code = "UNASSOCIATED_COMPONENT" // an interface that is plugged into nothing
)

// Codes are all of them.
func Codes() []Code {
	return []Code{
		BadState, BadStateAttachment, BadStateRoute, CannotRoute, MoreSpecificRoute, NoRouteToDestination,
		LocalRouteRestriction, PeeringNeedsAddress, SecurityGroupHasNoRules, SecurityGroupMismatch,
		UnknownPeeredGroups, SubnetACLRestriction, ENIAddressRestriction, SourceDestCheck, NoPossibleDestination,
		GatewayRejectsSpoofed, GatewayPrivateAddress, GatewaySharedAddress, GatewayNeedsPublicIP,
		DisconnectedVPCs, NoPath, NoSourceOrDestination, UnassociatedComponent,
	}
}
