package api

import (
	"slices"
	"strings"

	"tombolo/network"
)

// noun is how AWS speaks of what an ID identifies.
type noun struct {
	code string // as in InvalidVpcID.NotFound: "VpcID"
	bad  string // the same before ".Malformed", where AWS spells it differently
	name string // as in "The vpc ID 'vpc-1' does not exist"
}

// nouns are AWS's words by the prefix of the ID (AWS: Error codes for the
// Amazon EC2 API). The spellings differ as AWS's do: clients match on them.
var nouns = map[string]noun{
	"vpc":               {"VpcID", "VpcId", "vpc"},
	"subnet":            {"SubnetID", "SubnetID", "subnet"},
	"rtb":               {"RouteTableID", "RouteTableId", "routeTable"},
	"pcx":               {"VpcPeeringConnectionID", "VpcPeeringConnectionId", "vpcPeeringConnection"},
	"sg":                {"Group", "GroupId", "security group"},
	"sgr":               {"SecurityGroupRuleId", "SecurityGroupRuleId", "security group rule"},
	"acl":               {"NetworkAclID", "NetworkAclId", "networkAcl"},
	"eni":               {"NetworkInterfaceID", "NetworkInterfaceID", "networkInterface"},
	"eni-attach":        {"AttachmentID", "AttachmentID", "interface attachment"},
	"i":                 {"InstanceID", "InstanceID", "instance"},
	"igw":               {"InternetGatewayID", "InternetGatewayId", "internetGateway"},
	"eigw":              {"EgressOnlyInternetGatewayId", "EgressOnlyInternetGatewayId", "egressOnlyInternetGateway"},
	"dopt":              {"DhcpOptionID", "DhcpOptionsId", "dhcpOption"},
	"key":               {"KeyPair", "KeyPair", "key pair"},
	"fl":                {"FlowLogId", "FlowLogId", "flow log"},
	"lt":                {"LaunchTemplateId", "LaunchTemplateId", "launch template"},
	"ami":               {"AMIID", "AMIID", "image id"},
	"pl":                {"PrefixListID", "PrefixListId", "prefix list"},
	"rtbassoc":          {"AssociationID", "RouteTableAssociationId", "association"},
	"aclassoc":          {"AssociationID", "AssociationId", "association"},
	"vpc-cidr-assoc":    {"VpcCidrBlockAssociationID", "VpcCidrBlockAssociationID", "vpc CIDR block association"},
	"subnet-cidr-assoc": {"SubnetCidrBlockAssociationID", "SubnetCidrBlockAssociationID", "subnet CIDR block association"},
	"vol":               {"Volume", "VolumeId", "volume"},
	"nat":               {"NatGatewayID", "NatGatewayID", "natGateway"},
	"vpce":              {"VpcEndpointId", "VpcEndpointId", "Vpc Endpoint"},
	"eipalloc":          {"AllocationID", "AllocationID", "allocation"},
	"eipassoc":          {"AssociationID", "AssociationID", "association"},
	"eni-perm":          {"NetworkInterfacePermissionID", "NetworkInterfacePermissionID", "network interface permission"},
	"nip":               {"NetworkInsightsPathId", "NetworkInsightsPathId", "network insights path"},
	"nia":               {"NetworkInsightsAnalysisId", "NetworkInsightsAnalysisId", "network insights analysis"},
	"nis":               {"NetworkInsightsAccessScopeId", "NetworkInsightsAccessScopeId", "network insights access scope"},
	"nisa":              {"NetworkInsightsAccessScopeAnalysisId", "NetworkInsightsAccessScopeAnalysisId", "network insights access scope analysis"},
	"iip-assoc":         {"AssociationID", "AssociationID", "association"},
}

// wording is AWS's code and message for a rule of the core's. Every condition that
// it names must hold; of those that fit, the one with the most conditions is used.
// In code and message {subject} and {detail} are the error's, {from} and {to} the
// two words of a detail that is two, {Kind} and {noun} the code and name of what
// the subject is, {account} and {region} the caller's account and Region.
type wording struct {
	rule    network.Code
	kind    string // the prefix of the subject's ID
	subject string
	detail  string // the detail itself, or the prefix of the ID that it is
	actions string // separated by spaces
	code    string
	message string
}

// fits counts the conditions that the error meets; 0 when it misses one. A
// condition on the action outweighs the others: it is the narrowest.
func (w wording) fits(action string, err *network.Error) int {
	if w.rule != err.Code {
		return 0
	}
	n := 1
	for _, c := range []struct {
		asked, met bool
		weight     int
	}{
		{w.kind != "", w.kind == network.Kind(err.Subject), 1},
		{w.subject != "", w.subject == err.Subject, 1},
		{w.detail != "", w.detail == err.Detail || w.detail == network.Kind(err.Detail), 1},
		{w.actions != "", slices.Contains(strings.Fields(w.actions), action), 3},
	} {
		switch {
		case !c.asked:
		case !c.met:
			return 0
		default:
			n += c.weight
		}
	}
	return n
}

// Actions that share their words.
const (
	routeActions = "CreateRoute ReplaceRoute"
	ruleActions  = "AuthorizeSecurityGroupIngress AuthorizeSecurityGroupEgress RevokeSecurityGroupIngress RevokeSecurityGroupEgress ModifySecurityGroupRules UpdateSecurityGroupRuleDescriptionsIngress UpdateSecurityGroupRuleDescriptionsEgress"
)

var wordings = slices.Concat(commonWords, gatewayWords, addressWords, routeWords, peeringWords, groupWords, instanceWords, quotaWords, insightWords)

var commonWords = []wording{
	{rule: network.NotFound, code: "Invalid{Kind}.NotFound", message: "The {noun} ID '{subject}' does not exist"},
	{rule: network.NotFound, kind: "sg", code: "InvalidGroup.NotFound", message: "The security group '{subject}' does not exist"},
	{rule: network.NotFound, kind: "vol", code: "InvalidVolume.NotFound", message: "The volume '{subject}' does not exist."},
	{rule: network.NotFound, kind: "ami", code: "InvalidAMIID.NotFound", message: "The image id '[{subject}]' does not exist"},
	{rule: network.NotFound, kind: "nat", code: "NatGatewayNotFound", message: "The Nat Gateway {subject} was not found"},
	{rule: network.NotFound, kind: "eni-attach", code: "InvalidAttachmentID.NotFound", message: "The interface attachment '{subject}' does not exist."},
	{rule: network.NotFound, kind: "fl", code: "InvalidFlowLogId.NotFound", message: "These flow log ids in the input list are not found: [TotalCount: 1] {subject}"},
	{rule: network.NotFound, detail: "key", code: "InvalidKeyPair.NotFound", message: "The key pair '{subject}' does not exist"},
	{rule: network.Malformed, code: "Invalid{Bad}.Malformed", message: `Invalid id: "{subject}" (expecting "{detail}-...")`},
	{rule: network.UnknownKind, code: "InvalidID", message: "The ID '{subject}' is not valid"},
	{rule: network.InUse, code: "DependencyViolation", message: "The {noun} '{subject}' has dependencies and cannot be deleted."},
	{rule: network.NotPermitted, code: "OperationNotPermitted", message: "User {account} cannot {detail} {subject}"},
	{rule: network.WrongState, code: "IncorrectState", message: "The {noun} '{subject}' is in the state {from} and cannot {to}."},
	{rule: network.AlreadyExists, code: "InvalidParameterValue", message: "'{subject}' already exists."},
	{rule: network.AlreadyExists, kind: "vpc", code: "DefaultVpcAlreadyExists", message: "A Default VPC already exists for this account in this region."},
	{rule: network.AlreadyExists, kind: "subnet", code: "DefaultSubnetAlreadyExistsInAvailabilityZone", message: "'{subject}' is already the default subnet in {detail}."},
	{rule: network.InvalidValue, code: "InvalidParameterValue", message: "Value ({subject}) for parameter {detail} is invalid."},
	{rule: network.Mismatch, code: "IdempotentParameterMismatch", message: "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."},
	{rule: network.Missing, code: "MissingParameter", message: "The request must contain the parameter {subject}"},
	{rule: network.Combination, code: "InvalidParameterCombination", message: "The parameter {subject} cannot be used with the parameter {detail}"},
	{rule: network.Unsupported, code: "UnsupportedOperation", message: "{subject} is not supported. {detail}"},
	{rule: network.DefaultUndeletable, code: "InvalidParameterValue", message: "cannot delete default {noun} {subject}"},
	{rule: network.DefaultUndeletable, kind: "acl", code: "InvalidParameterValue", message: "cannot delete default network ACL {subject}"},
	{rule: network.DefaultUndeletable, kind: "sg", code: "CannotDelete", message: `the specified group: "{subject}" name: "{detail}" cannot be deleted by a user`},
	{rule: network.ReservedTag, code: "InvalidParameterValue", message: "Tag keys starting with 'aws:' are reserved for internal use"},
	{rule: network.TagKeyLength, code: "InvalidParameterValue", message: "Tag key cannot be empty or exceed the maximum length of 127 characters"},
	{rule: network.TagValueLength, code: "InvalidParameterValue", message: "Tag value exceeds the maximum length of 255 characters"},
	{rule: network.FlowLogExists, code: "FlowLogAlreadyExists", message: "Error. There is an existing Flow Log with the same configuration and log destination."},
	{rule: network.FlowLogInterval, code: "InvalidParameter", message: "Invalid Flow Log Max Aggregation Interval"},
	{rule: network.NotFound, kind: "lt", code: "InvalidLaunchTemplateId.NotFound", message: "The specified launch template, with template ID {subject}, does not exist."},
	{rule: network.Malformed, detail: "lt", code: "InvalidLaunchTemplateId.Malformed", message: "The launch template ID '{subject}' is malformed."},
	{rule: network.TemplateName, code: "InvalidLaunchTemplateName.MalformedException", message: "A launch template name must be between 3 and 128 characters, and may contain letters, numbers, and the following characters: - ( ) . / _."},
	{rule: network.TemplateExists, code: "InvalidLaunchTemplateName.AlreadyExistsException", message: "Launch template name already in use."},
	{rule: network.VersionNotFound, code: "InvalidLaunchTemplateId.VersionNotFound", message: "Could not find the specified version {detail} for the launch template with ID {subject}."},
	{rule: network.KeyPairExists, code: "InvalidKeyPair.Duplicate", message: "The keypair already exists"},
	{rule: network.NoDefaultVPC, code: "VPCIdNotSpecified", message: "No default VPC for this user"},
	{rule: network.NoDefaultVPC, actions: "CreateDefaultSubnet", code: "DefaultVpcDoesNotExist", message: "No default VPC exists for this account in this region."},
	{rule: network.NoDefaultSubnet, code: "MissingInput", message: "No default subnet for availability zone: '{detail}'."},
}

var gatewayWords = []wording{
	{rule: network.NotFound, kind: "eigw", code: "InvalidGatewayID.NotFound", message: "The eigw ID '{subject}' does not exist"},
	{rule: network.GatewayAttached, code: "Resource.AlreadyAssociated", message: "resource {subject} is already attached to network {detail}"},
	{rule: network.GatewayTaken, code: "InvalidParameterValue", message: "Network {subject} already has an internet gateway attached"},
	{rule: network.GatewayNotAttached, code: "Gateway.NotAttached", message: "resource {subject} is not attached to network {detail}"},
	{rule: network.GatewayNotAttached, kind: "vpc", code: "Gateway.NotAttached", message: "Network {subject} is not attached to any internet gateway"},
	{rule: network.GatewayFamily, code: "InvalidParameterValue", message: "The destination {subject} is not an IPv6 CIDR block: {detail} carries IPv6 traffic only."},
	{rule: network.MappedAddress, code: "DependencyViolation", message: "Network {subject} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway."},
	{rule: network.AddressAssociated, code: "Resource.AlreadyAssociated", message: "resource {subject} is already associated with associate-id {detail}"},
	{rule: network.NotFound, detail: "public", code: "InvalidAddress.NotFound", message: "Address '{subject}' not found."},
	{rule: network.NotFound, detail: "private", code: "InvalidParameterCombination", message: "The networkInterface '{subject}' has no private IPv4 address"},
	{rule: network.NotFound, detail: "eipassoc", code: "InvalidAssociationID.NotFound", message: "The association ID '{subject}' does not exist"},
	{rule: network.Malformed, detail: "eipalloc", code: "InvalidAllocationID.NotFound", message: "The allocation ID '{subject}' does not exist"},
	{rule: network.InUse, kind: "dopt", code: "DependencyViolation", message: "The dhcpOptions '{subject}' has dependencies and cannot be deleted."},
	{rule: network.DHCPOptionUnknown, code: "InvalidParameterValue", message: "Value ({subject}) for parameter dhcpConfiguration is invalid. Unknown DHCP option."},
	{rule: network.DHCPOptionTwice, code: "InvalidParameterValue", message: "Value ({subject}) for parameter {detail} is invalid. A DHCP option may be given once."},
	{rule: network.DHCPOptionMany, code: "InvalidParameterValue", message: "Invalid number of values for DHCP option {detail}. At most {subject} may be given."},
	{rule: network.DHCPOptionValue, code: "InvalidParameterValue", message: "Value ({subject}) for parameter value is invalid. Invalid DHCP option value for {detail}."},
	{rule: network.LimitExceeded, detail: string(network.QuotaGateways), code: "InternetGatewayLimitExceeded", message: "The maximum number of internet gateways has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaEgressGateways), code: "EgressOnlyInternetGatewayLimitExceeded", message: "The maximum number of egress-only internet gateways has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaAddresses), code: "AddressLimitExceeded", message: "The maximum number of addresses has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaDHCPOptions), code: "DhcpOptionsLimitExceeded", message: "The maximum number of DHCP options sets has been reached."},
}

var addressWords = []wording{
	{rule: network.InvalidCIDR, code: "InvalidParameterValue", message: "Value ({subject}) for parameter {detail} is invalid. This is not a valid CIDR block."},
	{rule: network.InvalidCIDR, actions: ruleActions, code: "InvalidParameterValue", message: "CIDR block {subject} is malformed"},
	{rule: network.CIDRSize, code: "InvalidVpc.Range", message: "The CIDR '{subject}' is invalid."},
	{rule: network.CIDRSize, actions: "CreateSubnet AssociateSubnetCidrBlock", code: "InvalidSubnet.Range", message: "The CIDR '{subject}' is invalid."},
	{rule: network.CIDROutside, code: "InvalidSubnet.Range", message: "The CIDR '{subject}' is invalid."},
	{rule: network.CIDRConflict, code: "InvalidVpc.Range", message: "The CIDR '{subject}' conflicts with {detail}."},
	{rule: network.CIDRConflict, detail: "subnet", code: "InvalidSubnet.Conflict", message: "The CIDR '{subject}' conflicts with another subnet"},
	{rule: network.CIDRRestricted, code: "InvalidVpc.Range", message: "The CIDR '{subject}' is restricted. Use a CIDR from the same private address range as the current VPC CIDR, or use a publicly-routable CIDR. For additional restrictions, see https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"},
	{rule: network.PrimaryBlock, code: "OperationNotPermitted", message: "The vpc CIDR block with association ID {subject} may not be disassociated. It is the primary IPv4 CIDR block of the VPC"},
	{rule: network.PrimaryBlock, kind: "subnet-cidr-assoc", code: "OperationNotPermitted", message: "The subnet CIDR block with association ID {subject} may not be disassociated. The subnet is IPv6 only."},
	{rule: network.PrimaryAddress, code: "InvalidParameterValue", message: "{subject} is the primary address of interface {detail} and cannot be unassigned"},
	{rule: network.AddressNotAssigned, code: "InvalidParameterValue", message: "{subject} is not assigned to interface {detail}"},
	{rule: network.NoIPv6, code: "InvalidParameterValue", message: "The {noun} '{subject}' has no IPv6 CIDR block"},
	{rule: network.AddressInUse, code: "InvalidIPAddress.InUse", message: "Address {subject} is in use."},
	{rule: network.AddressOutside, code: "InvalidParameterValue", message: "Address {subject} does not fall within the subnet's address range"},
	{rule: network.AddressesExhausted, code: "InsufficientFreeAddressesInSubnet", message: "The specified subnet does not have enough free addresses to satisfy the request."},
	{rule: network.AddressesExhausted, kind: "vpc", code: "InsufficientCidrBlocks", message: "The VPC {subject} has no free range for another subnet."},
	{rule: network.Missing, subject: "cidrBlock", actions: "CreateVpc CreateSubnet AssociateVpcCidrBlock", code: "MissingParameter", message: "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided."},
	{rule: network.Missing, subject: "ipv6CidrBlock", actions: "CreateSubnet AssociateSubnetCidrBlock", code: "MissingParameter", message: "Either 'ipv6CidrBlock' or 'ipv6IpamPoolId' should be provided."},
	{rule: network.Combination, subject: "cidrBlock", detail: "ipv6Native", code: "InvalidParameterCombination", message: "When specifying ipv4 parameters, cidrBlock or ipv4IpamPoolId, you cannot set ipv6Native to true."},
}

var routeWords = []wording{
	{rule: network.NotFound, actions: routeActions, subject: "local", code: "InvalidGatewayID.NotFound", message: "The gateway ID '{subject}' does not exist"},
	{rule: network.NotFound, actions: routeActions, kind: "igw", code: "InvalidGatewayID.NotFound", message: "The gateway ID '{subject}' does not exist"},
	{rule: network.Missing, actions: routeActions, subject: "target", code: "MissingParameter", message: "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId, instanceId, transitGatewayId, egressOnlyInternetGatewayId"},
	{rule: network.RouteExists, code: "RouteAlreadyExists", message: "The route identified by {subject} already exists."},
	{rule: network.RouteNotFound, code: "InvalidRoute.NotFound", message: "no route with destination-cidr-block {subject} in route table {detail}"},
	{rule: network.RouteUndefined, code: "InvalidParameterValue", message: "There is no route defined for '{subject}' in the route table. Use CreateRoute instead."},
	{rule: network.RouteReserved, code: "InvalidParameterValue", message: "The destination CIDR block {subject} is reserved and cannot be routed."},
	{rule: network.LocalRoute, code: "InvalidParameterValue", message: "cannot remove local route {subject} in route table {detail}"},
	{rule: network.RouteInsideVPC, code: "InvalidParameterValue", message: "The destination CIDR block {subject} is equal to or more specific than one of this VPC's CIDR blocks. This route can target only an interface or an instance."},
	{rule: network.RouteTargetKind, code: "InvalidParameterValue", message: "Route target is not supported. This route only supports interface and instance targets."},
	{rule: network.RouteNotLocal, code: "InvalidParameterValue", message: "The route {subject} is not a local route."},
	{rule: network.RouteNotSubnet, code: "InvalidParameterValue", message: "The destination CIDR block {subject} does not match the CIDR block of a subnet in this VPC."},
	{rule: network.ManyInterfaces, code: "InvalidInstanceID", message: "There are multiple interfaces attached to instance '{subject}'. Please specify an interface ID for the operation instead."},
	{rule: network.MainAssociation, code: "InvalidParameterValue", message: "cannot disassociate the main route table association {subject}"},
	{rule: network.AlreadyAssociated, code: "Resource.AlreadyAssociated", message: "the specified association for route table {subject} conflicts with an existing association"},
	{rule: network.DifferentNetworks, code: "InvalidParameterValue", message: "{noun} {subject} and {detail} belong to different networks"},
	{rule: network.DifferentNetworks, kind: "rtb", code: "InvalidParameterValue", message: "route table {subject} and network gateway {detail} belong to different networks"},
	{rule: network.DifferentNetworks, kind: "rtb", detail: "subnet", code: "InvalidParameterValue", message: "route table {subject} and subnet {detail} belong to different networks"},
	{rule: network.DifferentNetworks, kind: "rtb", detail: "eni", code: "InvalidParameterValue", message: "route table {subject} and interface {detail} belong to different networks"},
}

var peeringWords = []wording{
	{rule: network.NotPermitted, kind: "pcx", code: "OperationNotPermitted", message: "User ({account}) cannot {detail} peering {subject}"},
	{rule: network.WrongState, kind: "pcx", code: "InvalidStateTransition", message: "Invalid state transition for {subject}, attempted to transition from {from} to {to}"},
	{rule: network.PeeringExists, code: "VpcPeeringConnectionAlreadyExists", message: "The vpc peering connection identified by {subject} already exists."},
	{rule: network.NotActive, code: "OperationNotPermitted", message: "Peering {subject} is not active. Peering options can be added only to active peerings."},
	{rule: network.DNSHostnamesOff, code: "InvalidVpcPeeringConnectionState.DnsHostnamesDisabled", message: "DNS support and DNS hostnames must be enabled for VPC {subject}."},
	{rule: network.AcceptElsewhere, code: "OperationNotPermitted", message: "Incorrect region ({region}) specified for this request. VPC peering connection {subject} must be accepted in region {detail}"},
	{rule: network.RejectElsewhere, code: "OperationNotPermitted", message: "Incorrect region ({region}) specified for this request. VPC peering connection {subject} must be accepted or rejected in region {detail}"},
	{rule: network.OptionsForeign, code: "OperationNotPermitted", message: "User {account} does not have permission to modify the {detail} side peering options"},
	{rule: network.OptionsElsewhere, code: "OperationNotPermitted", message: "The {detail}'s VPC Peering connection options cannot be modified for a different region"},
	{rule: network.OptionsElsewhere, detail: "requester", code: "OperationNotPermitted", message: "Requester's VPC Peering connection options cannot be modified for a different region"},
	{rule: network.OptionsElsewhere, detail: "accepter", code: "OperationNotPermitted", message: "Accepter's VPC Peering connection options cannot be modified for a different region"},
}

var groupWords = []wording{
	{rule: network.InUse, kind: "sg", code: "DependencyViolation", message: "resource {subject} has a dependent object"},
	{rule: network.GroupExists, code: "InvalidGroup.Duplicate", message: "The security group '{subject}' already exists for VPC '{detail}'"},
	{rule: network.ReservedName, code: "InvalidParameterValue", message: "Cannot use reserved security group name: {subject}"},
	{rule: network.GroupText, code: "InvalidParameterValue", message: "Value ({subject}) for parameter {detail} is invalid. Character sets beyond ASCII are not supported, and at most 255 characters."},
	{rule: network.GroupText, detail: "description", code: "InvalidParameterValue", message: "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"},
	{rule: network.GroupNameIsID, code: "InvalidParameterValue", message: "Value ({subject}) for parameter GroupName is invalid. Group names may not be in the format sg-*."},
	{rule: network.Duplicate, code: "InvalidPermission.Duplicate", message: `the specified rule "{subject}" already exists`},
	{rule: network.Repeated, code: "InvalidParameterValue", message: "The same permission must not appear multiple times"},
	{rule: network.RuleNotFound, code: "InvalidPermission.NotFound", message: "The specified rule does not exist in this security group."},
	{rule: network.UnknownProtocol, code: "InvalidParameterValue", message: "Invalid value '{subject}' for IP protocol. Unknown protocol."},
	{rule: network.PortOutOfRange, code: "InvalidParameterValue", message: "TCP/UDP ({detail}) port ({subject}) out of range"},
	{rule: network.PortsReversed, code: "InvalidParameterValue", message: "Invalid TCP/UDP port range ({subject})"},
	{rule: network.ICMPOutOfRange, code: "InvalidParameterValue", message: "ICMP {detail} ({subject}) out of range"},
	{rule: network.ICMPCode, code: "InvalidParameterValue", message: "ICMP code ({subject}) cannot be given when the type is -1"},
	{rule: network.DifferentNetworks, actions: ruleActions, code: "InvalidGroup.NotFound", message: "You have specified two resources that belong to different networks."},
	{rule: network.Missing, actions: ruleActions, subject: "source", code: "MissingParameter", message: "The request must contain exactly one of: cidrIp, cidrIpv6, prefixListId, or referencedGroupId"},
	{rule: network.EntryExists, code: "NetworkAclEntryAlreadyExists", message: "The network acl entry identified by {subject} already exists."},
	{rule: network.EntryNotFound, code: "InvalidNetworkAclEntry.NotFound", message: "The network acl entry identified by {subject} was not found"},
}

var instanceWords = []wording{
	{rule: network.InUse, kind: "eni", code: "InvalidNetworkInterface.InUse", message: "Interface: [{subject}] in use."},
	{rule: network.InUse, kind: "eni", actions: "DeleteNetworkInterface", code: "InvalidParameterValue", message: "Network interface '{subject}' is currently in use."},
	{rule: network.WrongState, kind: "i", code: "IncorrectInstanceState", message: "The instance '{subject}' is in the state '{from}' and cannot be changed by this operation."},
	{rule: network.WrongState, kind: "i", actions: "StartInstances", code: "IncorrectInstanceState", message: "The instance '{subject}' is not in a state from which it can be started."},
	{rule: network.WrongState, kind: "i", actions: "StopInstances", code: "IncorrectInstanceState", message: "The instance '{subject}' is not in a state from which it can be stopped."},
	{rule: network.WrongState, kind: "i", actions: "RebootInstances", code: "IncorrectInstanceState", message: "The instance '{subject}' is not in a state from which it can be rebooted."},
	{rule: network.WrongState, kind: "i", actions: "ModifyInstanceAttribute", code: "IncorrectInstanceState", message: "The instance '{subject}' is not in the 'stopped' state."},
	{rule: network.DifferentZones, code: "InvalidParameterCombination", message: "You may not attach a network interface to an instance if they are not in the same availability zone"},
	{rule: network.DifferentNetworks, kind: "sg", code: "InvalidParameter", message: "Security group {subject} and {detail} belong to different networks."},
	{rule: network.DeviceTaken, code: "InvalidParameterValue", message: "Instance '{subject}' already has an interface attached at device index '{detail}'."},
	{rule: network.DeviceTaken, actions: "RunInstances", code: "InvalidParameterValue", message: "Each network interface requires a unique device index."},
	{rule: network.PrimaryInterface, code: "OperationNotPermitted", message: "The network interface at device index 0 cannot be detached."},
	{rule: network.TerminationOff, code: "OperationNotPermitted", message: "The instance '{subject}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again."},
	{rule: network.StopOff, code: "OperationNotPermitted", message: "The instance '{subject}' may not be stopped. Modify its 'disableApiStop' instance attribute and try again."},
	{rule: network.NeverRan, code: "IncorrectInstanceState", message: "Instance '{subject}' cannot be stopped as it has never reached the 'running' state."},
	{rule: network.TooLong, code: "InvalidParameterValue", message: "The parameter {subject} is limited to {detail} bytes"},
	{rule: network.TooLong, subject: "userData", code: "InvalidParameterValue", message: "User data is limited to {detail} bytes"},
}

// insightWords have the codes that AWS's own CloudFormation handlers know.
var insightWords = []wording{
	{rule: network.EndNotFound, code: "NetworkInsightsSource.NotFound", message: "The source '{subject}' does not exist"},
	{rule: network.EndNotFound, detail: "destination", code: "NetworkInsightsDestination.NotFound", message: "The destination '{subject}' does not exist"},
	{rule: network.InUse, kind: "nip", code: "AnalysisExistsForNetworkInsightsPath", message: "The network insights path '{subject}' has analyses: delete them first, among them {detail}."},
	{rule: network.LimitExceeded, detail: string(network.QuotaInsightsPaths), code: "NetworkInsightsPath.LimitExceeded", message: "The maximum number of network insights paths has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaInsightsAnalyses), code: "NetworkInsightsAnalysis.LimitExceeded", message: "The maximum number of network insights analyses has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaAccessScopes), code: "NetworkInsightsAccessScope.LimitExceeded", message: "The maximum number of network access scopes has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaAccessScopeAnalyses), code: "NetworkInsightsAccessScopeAnalysis.LimitExceeded", message: "The maximum number of network access scope analyses has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaRunningScopes), code: "NetworkInsightsAccessScopeAnalysis.LimitExceeded", message: "The maximum number of concurrent network access scope analyses has been reached: wait for one to end."},
}

// quotaWords are AWS's codes for each quota; the message of the first is for
// quotas that have no code of their own.
var quotaWords = []wording{
	{rule: network.LimitExceeded, code: "ResourceCountLimitExceeded", message: "You have reached the limit on the number of {detail} for {subject}."},
	{rule: network.LimitExceeded, detail: string(network.QuotaVPCs), code: "VpcLimitExceeded", message: "The maximum number of VPCs has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaSubnets), code: "SubnetLimitExceeded", message: "The maximum number of subnets has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaENIs), code: "NetworkInterfaceLimitExceeded", message: "The maximum number of network interfaces has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaTables), code: "RouteTableLimitExceeded", message: "The maximum number of route tables has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaRoutes), code: "RouteLimitExceeded", message: "The maximum number of routes has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaGroups), code: "SecurityGroupLimitExceeded", message: "The maximum number of security groups has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaRules), code: "RulesPerSecurityGroupLimitExceeded", message: "The maximum number of rules per security group has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaGroupsPerENI), code: "SecurityGroupsPerInterfaceLimitExceeded", message: "The maximum number of security groups per interface has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaACLs), code: "NetworkAclLimitExceeded", message: "The maximum number of network ACLs has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaEntries), code: "NetworkAclEntryLimitExceeded", message: "The maximum number of network ACL entries has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaPeerings), code: "ActiveVpcPeeringConnectionPerVpcLimitExceeded", message: "The maximum number of active VPC peering connections for {subject} has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaPeeringRequests), code: "OutstandingVpcPeeringConnectionLimitExceeded", message: "The maximum number of outstanding VPC peering connection requests has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaBlocks), code: "CidrLimitExceeded", message: "This network {subject} has met its maximum number of allowed CIDRs: {limit}"},
	{rule: network.LimitExceeded, detail: string(network.QuotaBlocks6), code: "CidrLimitExceeded", message: "This network {subject} has met its maximum number of allowed CIDRs: {limit}"},
	{rule: network.LimitExceeded, detail: string(network.QuotaSubnetBlocks6), code: "CidrLimitExceeded", message: "This subnet {subject} has met its maximum number of allowed CIDRs: 1"},
	{rule: network.LimitExceeded, detail: string(network.QuotaInterfaces), code: "AttachmentLimitExceeded", message: "Interface count exceeds the limit for {subject}"},
	{rule: network.LimitExceeded, detail: string(network.QuotaAddrs), code: "PrivateIpAddressLimitExceeded", message: "Number of private addresses will exceed limit."},
	{rule: network.LimitExceeded, detail: string(network.QuotaFlowLogs), code: "FlowLogsLimitExceeded", message: "The maximum number of flow logs for {subject} has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaTemplates), code: "LaunchTemplateLimitExceeded", message: "The maximum number of launch templates has been reached."},
	{rule: network.LimitExceeded, detail: string(network.QuotaTags), code: "TagLimitExceeded", message: "The maximum number of Tags for a resource has been reached."},
}
