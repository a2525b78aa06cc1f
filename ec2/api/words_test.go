package api

import (
	"strings"
	"testing"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func marketingCall(action string) *Call {
	return &Call{Action: action, Caller: network.Caller{Account: "123456789012", Region: "us-east-1"}}
}

func TestEveryRuleOfTheCoreHasWords(t *testing.T) {
	for code := range network.Codes() {
		for _, subject := range []string{"vpc-0123456789abcdef0", "10.0.0.0/16", ""} {
			e, ok := marketingCall("CreateVpc").coreWords(&network.Error{Code: code, Subject: subject, Detail: "vpc"})
			if !ok || e.Code == "" || e.Message == "" || strings.ContainsAny(e.Code+e.Message, "{}") && code != network.GroupText {
				t.Errorf("%v of %q: %v, %v", code, subject, e, ok)
			}
		}
	}
}

func TestEveryWordingNamesActionsAndNounsThatExist(t *testing.T) {
	for _, w := range wordings {
		for _, action := range strings.Fields(w.actions) {
			if _, ok := wire.LookupAction(action); !ok {
				t.Errorf("%q: AWS has no %s", w.message, action)
			}
		}
		if _, ok := nouns[w.kind]; w.kind != "" && !ok {
			t.Errorf("%q: there is no noun %q", w.message, w.kind)
		}
	}
}

func TestTheNarrowestWordingWins(t *testing.T) {
	for _, c := range []struct {
		action string
		err    network.Error
		want   string
	}{
		{"DescribeVpcs", network.Error{Code: network.NotFound, Subject: "vpc-1"}, "InvalidVpcID.NotFound: The vpc ID 'vpc-1' does not exist"},
		{"CreateRoute", network.Error{Code: network.NotFound, Subject: "pcx-1"}, "InvalidVpcPeeringConnectionID.NotFound: The vpcPeeringConnection ID 'pcx-1' does not exist"},
		{"CreateRoute", network.Error{Code: network.NotFound, Subject: "igw-1"}, "InvalidGatewayID.NotFound: The gateway ID 'igw-1' does not exist"},
		{"CreateRoute", network.Error{Code: network.NotFound, Subject: "local"}, "InvalidGatewayID.NotFound: The gateway ID 'local' does not exist"},
		{"CreateTags", network.Error{Code: network.NotFound, Subject: "igw-1"}, "InvalidInternetGatewayID.NotFound: The internetGateway ID 'igw-1' does not exist"},
		{"RunInstances", network.Error{Code: network.NotFound, Subject: "my-key", Detail: "key"}, "InvalidKeyPair.NotFound: The key pair 'my-key' does not exist"},
		{"DeleteVpc", network.Error{Code: network.InUse, Subject: "vpc-1", Detail: "subnet-1"}, "DependencyViolation: The vpc 'vpc-1' has dependencies and cannot be deleted."},
		{"DeleteSecurityGroup", network.Error{Code: network.InUse, Subject: "sg-1", Detail: "eni-1"}, "DependencyViolation: resource sg-1 has a dependent object"},
		{"DeleteNetworkInterface", network.Error{Code: network.InUse, Subject: "eni-1"}, "InvalidParameterValue: Network interface 'eni-1' is currently in use."},
		{"AttachNetworkInterface", network.Error{Code: network.InUse, Subject: "eni-1"}, "InvalidNetworkInterface.InUse: Interface: [eni-1] in use."},
		{"DeleteVpcPeeringConnection", network.Error{Code: network.WrongState, Subject: "pcx-1", Detail: "failed deleting"}, "InvalidStateTransition: Invalid state transition for pcx-1, attempted to transition from failed to deleting"},
		{"AcceptVpcPeeringConnection", network.Error{Code: network.NotPermitted, Subject: "pcx-1", Detail: "accept"}, "OperationNotPermitted: User (123456789012) cannot accept peering pcx-1"},
		{"AcceptVpcPeeringConnection", network.Error{Code: network.AcceptElsewhere, Subject: "pcx-1", Detail: "eu-west-1"}, "OperationNotPermitted: Incorrect region (us-east-1) specified for this request. VPC peering connection pcx-1 must be accepted in region eu-west-1"},
		{"CreateVpc", network.Error{Code: network.CIDRSize, Subject: "10.0.0.0/8"}, "InvalidVpc.Range: The CIDR '10.0.0.0/8' is invalid."},
		{"CreateSubnet", network.Error{Code: network.CIDRSize, Subject: "10.0.0.0/8"}, "InvalidSubnet.Range: The CIDR '10.0.0.0/8' is invalid."},
		{"CreateSubnet", network.Error{Code: network.CIDRConflict, Subject: "10.0.0.0/24", Detail: "subnet-1"}, "InvalidSubnet.Conflict: The CIDR '10.0.0.0/24' conflicts with another subnet"},
		{"CreateRoute", network.Error{Code: network.DifferentNetworks, Subject: "rtb-1", Detail: "pcx-1"}, "InvalidParameterValue: route table rtb-1 and network gateway pcx-1 belong to different networks"},
		{"AssociateRouteTable", network.Error{Code: network.DifferentNetworks, Subject: "rtb-1", Detail: "subnet-1"}, "InvalidParameterValue: route table rtb-1 and subnet subnet-1 belong to different networks"},
		{"AuthorizeSecurityGroupIngress", network.Error{Code: network.DifferentNetworks, Subject: "sg-1", Detail: "sg-2"}, "InvalidGroup.NotFound: You have specified two resources that belong to different networks."},
		{"AssociateVpcCidrBlock", network.Error{Code: network.LimitExceeded, Subject: "vpc-1", Detail: string(network.QuotaBlocks)}, "CidrLimitExceeded: This network vpc-1 has met its maximum number of allowed CIDRs: 5"},
		{"DeleteVpc", network.Error{Code: network.Malformed, Subject: "vpc-x", Detail: "vpc"}, `InvalidVpcId.Malformed: Invalid id: "vpc-x" (expecting "vpc-...")`},
		{"RunInstances", network.Error{Code: network.Malformed, Subject: "x", Detail: "sg"}, `InvalidGroupId.Malformed: Invalid id: "x" (expecting "sg-...")`},
	} {
		if got, _ := marketingCall(c.action).coreWords(&c.err); got.Error() != c.want {
			t.Errorf("%s, %v:\n got %v\nwant %s", c.action, &c.err, got, c.want)
		}
	}
}

func TestSeveralUnknownIDsAreNamedTogether(t *testing.T) {
	got := marketingCall("DescribeInstances").notFound([]string{"i-1", "i-2"})
	if want := "InvalidInstanceID.NotFound: The instance IDs 'i-1, i-2' do not exist"; got.Error() != want {
		t.Error(got)
	}
}
