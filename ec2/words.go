package ec2

import "tombolo/network"

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
	"ami":               {"AMIID", "AMIID", "image id"},
	"pl":                {"PrefixListID", "PrefixListId", "prefix list"},
	"rtbassoc":          {"AssociationID", "RouteTableAssociationId", "association"},
	"aclassoc":          {"AssociationID", "AssociationId", "association"},
	"vpc-cidr-assoc":    {"VpcCidrBlockAssociationID", "VpcCidrBlockAssociationID", "vpc CIDR block association"},
	"subnet-cidr-assoc": {"SubnetCidrBlockAssociationID", "SubnetCidrBlockAssociationID", "subnet CIDR block association"},
	"vol":               {"Volume", "VolumeId", "volume"},
	"nat":               {"NatGatewayID", "NatGatewayID", "natGateway"},
	"vpce":              {"VpcEndpointId", "VpcEndpointId", "Vpc Endpoint"},
	"eipalloc":          {"AllocationID", "AllocationId", "allocation"},
}

// wording is AWS's code and message for a rule of the core's. The most specific
// one that fits is used: for this action, then for this kind of ID, then for all.
// In code and message {subject} and {detail} are the error's, {kind} the prefix of
// the subject's ID, {Kind}, {Bad} and {noun} its noun's words; {from} and {to} the two
// words of the detail; {account} and {region} the caller's; {limit} the quota that
// the detail names.
type wording struct {
	rule    network.Code
	kind    string // of the subject's ID; "" is any
	detail  string // the error's; "" is any
	actions string // separated by spaces; "" is any
	code    string
	message string
}

var wordings = []wording{
	{rule: network.NotFound, code: "Invalid{Kind}.NotFound", message: "The {noun} ID '{subject}' does not exist"},
	{rule: network.NotFound, kind: "sg", code: "InvalidGroup.NotFound", message: "The security group '{subject}' does not exist"},
	{rule: network.NotFound, kind: "vol", code: "InvalidVolume.NotFound", message: "The volume '{subject}' does not exist."},
	{rule: network.NotFound, kind: "ami", code: "InvalidAMIID.NotFound", message: "The image id '[{subject}]' does not exist"},
	{rule: network.NotFound, kind: "nat", code: "NatGatewayNotFound", message: "The Nat Gateway {subject} was not found"},
	{rule: network.NotFound, kind: "eni-attach", code: "InvalidAttachmentID.NotFound", message: "The interface attachment '{subject}' does not exist."},
	{rule: network.NotFound, kind: "", actions: "DeleteKeyPair DescribeKeyPairs RunInstances", code: "InvalidKeyPair.NotFound", message: "The key pair '{subject}' does not exist"},
	{rule: network.Malformed, code: "InvalidID.Malformed", message: `Invalid id: "{subject}"`},
	{rule: network.InUse, code: "DependencyViolation", message: "The {noun} '{subject}' has dependencies and cannot be deleted."},
	{rule: network.InUse, kind: "sg", code: "DependencyViolation", message: "resource {subject} has a dependent object"},
	{rule: network.InUse, kind: "eni", code: "InvalidNetworkInterface.InUse", message: "Network interface '{subject}' is currently in use."},
	{rule: network.LimitExceeded, code: "ResourceCountLimitExceeded", message: "You have reached the limit on the number of {detail} for {subject}."},
	{rule: network.NotPermitted, code: "OperationNotPermitted", message: "{detail}"},
	{rule: network.WrongState, code: "IncorrectState", message: "The {noun} '{subject}' is not in a valid state for this operation."},
	{rule: network.WrongState, kind: "pcx", code: "InvalidStateTransition", message: "Invalid state transition for {subject}, attempted to transition from {from} to {to}"},
	{rule: network.WrongState, kind: "i", code: "IncorrectInstanceState", message: "The instance '{subject}' is not in a state from which it can be {detail}."},
	{rule: network.AlreadyExists, code: "InvalidParameterValue", message: "'{subject}' already exists."},
	{rule: network.InvalidValue, code: "InvalidParameterValue", message: "Value ({subject}) for parameter {detail} is invalid."},
	{rule: network.InvalidCIDR, code: "InvalidParameterValue", message: "Value ({subject}) for parameter {detail} is invalid. This is not a valid CIDR block."},
	{rule: network.CIDRSize, code: "InvalidVpc.Range", message: "The CIDR '{subject}' is invalid."},
	{rule: network.CIDRSize, actions: "CreateSubnet", code: "InvalidSubnet.Range", message: "The CIDR '{subject}' is invalid."},
	{rule: network.CIDRConflict, code: "InvalidSubnet.Conflict", message: "The CIDR '{subject}' conflicts with another subnet"},
	{rule: network.CIDROutside, code: "InvalidSubnet.Range", message: "The CIDR '{subject}' is invalid."},
	{rule: network.CIDRRestricted, code: "InvalidVpc.Range", message: "The CIDR '{subject}' is restricted. Use a CIDR from the same private address range as the current VPC CIDR, or use a publicly-routable CIDR. For additional restrictions, see https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"},
	{rule: network.DifferentNetworks, code: "InvalidParameterValue", message: "{subject} and {detail} belong to different networks"},
	{rule: network.Mismatch, code: "IdempotentParameterMismatch", message: "The client token '{subject}' was used before with other parameters."},
	{rule: network.AddressInUse, code: "InvalidIPAddress.InUse", message: "Address {subject} is in use."},
	{rule: network.AddressOutside, code: "InvalidParameterValue", message: "Address {subject} does not fall within the subnet's address range"},
	{rule: network.AddressesExhausted, code: "InsufficientFreeAddressesInSubnet", message: "The specified subnet does not have enough free addresses to satisfy the request."},
	{rule: network.RouteExists, code: "RouteAlreadyExists", message: "The route identified by {subject} already exists."},
	{rule: network.RouteNotFound, code: "InvalidRoute.NotFound", message: "no route with destination-cidr-block {subject} in route table {detail}"},
	{rule: network.RouteNotFound, actions: "ReplaceRoute", code: "InvalidParameterValue", message: "There is no route defined for '{subject}' in the route table. Use CreateRoute instead."},
	{rule: network.LocalRoute, code: "RouteAlreadyExists", message: "The route identified by {subject} already exists."},
	{rule: network.LocalRoute, actions: "DeleteRoute", code: "InvalidParameterValue", message: "cannot remove local route {subject} in route table {detail}"},
	{rule: network.RouteInsideVPC, code: "InvalidParameterValue", message: "The destination CIDR block {subject} is equal to or more specific than one of this VPC's CIDR blocks. This route can target only an interface or an instance."},
	{rule: network.MainAssociation, code: "InvalidParameterValue", message: "cannot disassociate the main route table association {subject}"},
	{rule: network.AlreadyAssociated, code: "Resource.AlreadyAssociated", message: "the specified association for route table {detail} conflicts with an existing association"},
	{rule: network.DefaultUndeletable, code: "InvalidParameterValue", message: "cannot delete default {noun} {subject}"},
	{rule: network.DefaultUndeletable, kind: "acl", code: "InvalidParameterValue", message: "cannot delete default network ACL {subject}"},
	{rule: network.DefaultUndeletable, kind: "sg", code: "CannotDelete", message: `the specified group: "{subject}" name: "default" cannot be deleted by a user`},
	{rule: network.ReservedName, code: "InvalidGroup.Reserved", message: "The security group '{subject}' is reserved"},
	{rule: network.Duplicate, code: "InvalidPermission.Duplicate", message: `the specified rule "{subject}" already exists`},
	{rule: network.Duplicate, actions: "CreateSecurityGroup", code: "InvalidGroup.Duplicate", message: "The security group '{subject}' already exists for VPC '{detail}'"},
	{rule: network.Duplicate, actions: "CreateKeyPair ImportKeyPair", code: "InvalidKeyPair.Duplicate", message: "The keypair already exists"},
	{rule: network.RuleNotFound, code: "InvalidPermission.NotFound", message: "The specified rule does not exist in this security group."},
	{rule: network.EntryExists, code: "NetworkAclEntryAlreadyExists", message: "The network acl entry identified by {subject} already exists."},
	{rule: network.EntryNotFound, code: "InvalidNetworkAclEntry.NotFound", message: "The network acl entry identified by {subject} was not found"},
	{rule: network.PeeringExists, code: "VpcPeeringConnectionAlreadyExists", message: "The vpc peering connection identified by {subject} already exists."},
	{rule: network.NotActive, code: "OperationNotPermitted", message: "Peering {subject} is not active. Peering options can be added only to active peerings."},
	{rule: network.DNSHostnamesOff, code: "InvalidVpcPeeringConnectionState.DnsHostnamesDisabled", message: "DNS hostnames are disabled for VPC {subject}."},
	{rule: network.Missing, code: "MissingParameter", message: "The request must contain the parameter {subject}"},
	{rule: network.Combination, code: "InvalidParameterCombination", message: "The parameter {subject} cannot be used with the parameter {detail}"},
	{rule: network.Unsupported, code: "UnsupportedOperation", message: "{subject} is not supported. {detail}"},
}
