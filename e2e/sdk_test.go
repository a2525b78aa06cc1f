package e2e

import (
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// TestSDKCallsEveryOperation lets AWS's SDK for Go call every operation that is
// served, in an order in which each makes sense, and reads back what it did.
func TestSDKCallsEveryOperation(t *testing.T) {
	c, s := serve(t)
	st := &story{T: t, ec2: ec2.NewFromConfig(c)}
	who := must[*sts.GetCallerIdentityOutput](t)(sts.NewFromConfig(c).GetCallerIdentity(t.Context(), nil))
	check(t, *who.Account == "123456789012", "the first account is %s", *who.Account)
	st.places()
	st.vpcs()
	st.subnets()
	st.groups()
	st.rules()
	st.acls()
	st.instances()
	st.templates()
	st.options()
	st.interfaces()
	st.routes()
	st.peerings()
	st.flowLogs()
	st.tags()
	st.empty()
	st.end()
	for _, name := range s.missing(served(t)) {
		if !elsewhere[name] {
			t.Errorf("%s is served, but never called", name)
		}
	}
}

// elsewhere are operations that this SDK does not call yet: boto3, the AWS CLI and the
// transcripts of ec2/testdata do. What is called here goes from this list.
var elsewhere = map[string]bool{
	"AllocateAddress": true, "AssociateAddress": true, "AssociateDhcpOptions": true, "AttachInternetGateway": true, "CreateDhcpOptions": true,
	"CreateEgressOnlyInternetGateway": true, "CreateInternetGateway": true, "CreateNetworkInsightsAccessScope": true,
	"CreateNetworkInsightsPath": true, "DeleteDhcpOptions": true, "DeleteEgressOnlyInternetGateway": true, "DeleteInternetGateway": true,
	"DeleteNetworkInsightsAccessScope": true, "DeleteNetworkInsightsAccessScopeAnalysis": true, "DeleteNetworkInsightsAnalysis": true,
	"DeleteNetworkInsightsPath": true, "DescribeAddressesAttribute": true, "DescribeNetworkInsightsAccessScopeAnalyses": true,
	"DescribeNetworkInsightsAccessScopes": true, "DescribeNetworkInsightsAnalyses": true, "DescribeNetworkInsightsPaths": true,
	"DetachInternetGateway": true, "DisassociateAddress": true, "GetNetworkInsightsAccessScopeAnalysisFindings": true,
	"GetNetworkInsightsAccessScopeContent": true, "ModifyAddressAttribute": true, "ReleaseAddress": true, "ResetAddressAttribute": true,
	"StartNetworkInsightsAccessScopeAnalysis": true, "StartNetworkInsightsAnalysis": true,
}

// story carries what was made from one chapter to the next.
type story struct {
	*testing.T
	ec2                                  *ec2.Client
	vpc, peer, subnet, spare, table, acl string
	group, other, instance, eni, key     string
	image                                string
}

// code is the API's error code of an error, or "".
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func (s *story) places() {
	ctx := s.Context()
	regions := must[*ec2.DescribeRegionsOutput](s.T)(s.ec2.DescribeRegions(ctx, nil))
	check(s.T, len(regions.Regions) > 10, "%d Regions", len(regions.Regions))
	zones := must[*ec2.DescribeAvailabilityZonesOutput](s.T)(s.ec2.DescribeAvailabilityZones(ctx, nil))
	check(s.T, *zones.AvailabilityZones[0].ZoneName == "us-east-1a", "the first zone is %s", *zones.AvailabilityZones[0].ZoneName)
	must[*ec2.DescribeAccountAttributesOutput](s.T)(s.ec2.DescribeAccountAttributes(ctx, nil))
	types1 := must[*ec2.DescribeInstanceTypesOutput](s.T)(s.ec2.DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"t3.micro"}}))
	check(s.T, *types1.InstanceTypes[0].VCpuInfo.DefaultVCpus == 2, "a t3.micro has %d CPUs", *types1.InstanceTypes[0].VCpuInfo.DefaultVCpus)
	must[*ec2.DescribeInstanceTypeOfferingsOutput](s.T)(s.ec2.DescribeInstanceTypeOfferings(ctx, nil))
	images := must[*ec2.DescribeImagesOutput](s.T)(s.ec2.DescribeImages(ctx, &ec2.DescribeImagesInput{Owners: []string{"amazon"},
		Filters: []types.Filter{{Name: aws.String("name"), Values: []string{"al2023-ami-*-x86_64"}}}}))
	check(s.T, len(images.Images) > 0, "an image of Amazon Linux 2023 is found")
	s.image = *images.Images[0].ImageId
	made := must[*ec2.CreateKeyPairOutput](s.T)(s.ec2.CreateKeyPair(ctx, &ec2.CreateKeyPairInput{KeyName: aws.String("made"), KeyType: types.KeyTypeEd25519}))
	check(s.T, len(*made.KeyMaterial) > 100, "a private key comes back")
	must[*ec2.ImportKeyPairOutput](s.T)(s.ec2.ImportKeyPair(ctx, &ec2.ImportKeyPairInput{KeyName: aws.String("imported"),
		PublicKeyMaterial: []byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ4kZEEtbcLzvnmkbGVSTJ1xFMkCLNGL2uI8Vp8xGvVc test")}))
	pairs := must[*ec2.DescribeKeyPairsOutput](s.T)(s.ec2.DescribeKeyPairs(ctx, nil))
	check(s.T, len(pairs.KeyPairs) == 2, "%d key pairs", len(pairs.KeyPairs))
	must[*ec2.DeleteKeyPairOutput](s.T)(s.ec2.DeleteKeyPair(ctx, &ec2.DeleteKeyPairInput{KeyName: aws.String("imported")}))
	s.key = "made"
}

func (s *story) vpcs() {
	ctx := s.Context()
	made := must[*ec2.CreateVpcOutput](s.T)(s.ec2.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16"), AmazonProvidedIpv6CidrBlock: aws.Bool(true)}))
	s.vpc = *made.Vpc.VpcId
	if err := ec2.NewVpcAvailableWaiter(s.ec2).Wait(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{s.vpc}}, 10*time.Second); err != nil {
		s.Fatal(err)
	}
	peer := must[*ec2.CreateVpcOutput](s.T)(s.ec2.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.1.0.0/16")}))
	s.peer = *peer.Vpc.VpcId
	more := must[*ec2.AssociateVpcCidrBlockOutput](s.T)(s.ec2.AssociateVpcCidrBlock(ctx, &ec2.AssociateVpcCidrBlockInput{VpcId: &s.vpc, CidrBlock: aws.String("10.2.0.0/16")}))
	must[*ec2.DisassociateVpcCidrBlockOutput](s.T)(s.ec2.DisassociateVpcCidrBlock(ctx, &ec2.DisassociateVpcCidrBlockInput{AssociationId: more.CidrBlockAssociation.AssociationId}))
	for _, id := range []string{s.vpc, s.peer} {
		must[*ec2.ModifyVpcAttributeOutput](s.T)(s.ec2.ModifyVpcAttribute(ctx, &ec2.ModifyVpcAttributeInput{VpcId: aws.String(id), EnableDnsHostnames: &types.AttributeBooleanValue{Value: aws.Bool(true)}}))
	}
	dns := must[*ec2.DescribeVpcAttributeOutput](s.T)(s.ec2.DescribeVpcAttribute(ctx, &ec2.DescribeVpcAttributeInput{VpcId: &s.vpc, Attribute: types.VpcAttributeNameEnableDnsHostnames}))
	check(s.T, *dns.EnableDnsHostnames.Value, "DNS hostnames are on")
	// A VPC's tenancy can only go from dedicated to default.
	apart := must[*ec2.CreateVpcOutput](s.T)(s.ec2.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16"), InstanceTenancy: types.TenancyDedicated}))
	must[*ec2.ModifyVpcTenancyOutput](s.T)(s.ec2.ModifyVpcTenancy(ctx, &ec2.ModifyVpcTenancyInput{VpcId: apart.Vpc.VpcId, InstanceTenancy: types.VpcTenancyDefault}))
	must[*ec2.DeleteVpcOutput](s.T)(s.ec2.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: apart.Vpc.VpcId}))
	_, err := s.ec2.CreateDefaultVpc(ctx, nil)
	check(s.T, code(err) == "DefaultVpcAlreadyExists", "a second default VPC gives %v", err)
	_, err = s.ec2.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.0.0.0/16"), DryRun: aws.Bool(true)})
	check(s.T, code(err) == "DryRunOperation", "a dry run gives %v", err)
	_, err = s.ec2.DescribeVpcClassicLink(ctx, nil)
	check(s.T, code(err) == "" || code(err) == "UnsupportedOperation", "ClassicLink gives %v", err)
	_, err = s.ec2.DescribeVpcClassicLinkDnsSupport(ctx, nil)
	check(s.T, code(err) == "" || code(err) == "UnsupportedOperation", "ClassicLink DNS gives %v", err)
}

func (s *story) subnets() {
	ctx := s.Context()
	vpcs := must[*ec2.DescribeVpcsOutput](s.T)(s.ec2.DescribeVpcs(ctx, &ec2.DescribeVpcsInput{VpcIds: []string{s.vpc}}))
	six := *vpcs.Vpcs[0].Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock
	six = six[:len(six)-len("/56")] + "/64"
	made := must[*ec2.CreateSubnetOutput](s.T)(s.ec2.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: &s.vpc, CidrBlock: aws.String("10.0.1.0/24"), AvailabilityZone: aws.String("us-east-1a")}))
	s.subnet = *made.Subnet.SubnetId
	block := must[*ec2.AssociateSubnetCidrBlockOutput](s.T)(s.ec2.AssociateSubnetCidrBlock(ctx, &ec2.AssociateSubnetCidrBlockInput{SubnetId: &s.subnet, Ipv6CidrBlock: &six}))
	must[*ec2.DisassociateSubnetCidrBlockOutput](s.T)(s.ec2.DisassociateSubnetCidrBlock(ctx, &ec2.DisassociateSubnetCidrBlockInput{AssociationId: block.Ipv6CidrBlockAssociation.AssociationId}))
	must[*ec2.AssociateSubnetCidrBlockOutput](s.T)(s.ec2.AssociateSubnetCidrBlock(ctx, &ec2.AssociateSubnetCidrBlockInput{SubnetId: &s.subnet, Ipv6CidrBlock: &six}))
	must[*ec2.ModifySubnetAttributeOutput](s.T)(s.ec2.ModifySubnetAttribute(ctx, &ec2.ModifySubnetAttributeInput{SubnetId: &s.subnet, AssignIpv6AddressOnCreation: &types.AttributeBooleanValue{Value: aws.Bool(true)}}))
	spare := must[*ec2.CreateSubnetOutput](s.T)(s.ec2.CreateSubnet(ctx, &ec2.CreateSubnetInput{VpcId: &s.vpc, CidrBlock: aws.String("10.0.2.0/24"), AvailabilityZone: aws.String("us-east-1a")}))
	s.spare = *spare.Subnet.SubnetId
	pages := 0
	for p := ec2.NewDescribeSubnetsPaginator(s.ec2, &ec2.DescribeSubnetsInput{MaxResults: aws.Int32(5)}); p.HasMorePages(); pages++ {
		must[*ec2.DescribeSubnetsOutput](s.T)(p.NextPage(ctx))
	}
	check(s.T, pages >= 2, "%d pages of subnets", pages)
	_, err := s.ec2.CreateDefaultSubnet(ctx, &ec2.CreateDefaultSubnetInput{AvailabilityZone: aws.String("us-east-1a")})
	check(s.T, code(err) == "DefaultSubnetAlreadyExistsInAvailabilityZone", "a second default subnet gives %v", err)
}

func (s *story) groups() {
	ctx := s.Context()
	for _, g := range []struct {
		name string
		id   *string
	}{{"web", &s.group}, {"clients", &s.other}} {
		made := must[*ec2.CreateSecurityGroupOutput](s.T)(s.ec2.CreateSecurityGroup(ctx, &ec2.CreateSecurityGroupInput{VpcId: &s.vpc, GroupName: &g.name, Description: &g.name}))
		*g.id = *made.GroupId
	}
	in := must[*ec2.AuthorizeSecurityGroupIngressOutput](s.T)(s.ec2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &s.group, IpPermissions: []types.IpPermission{
		{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(80), ToPort: aws.Int32(80), IpRanges: []types.IpRange{{CidrIp: aws.String("10.1.0.0/16")}}},
		{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(22), ToPort: aws.Int32(22), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &s.other}}}}}))
	check(s.T, len(in.SecurityGroupRules) == 2, "%d rules were made", len(in.SecurityGroupRules))
	_, err := s.ec2.AuthorizeSecurityGroupIngress(ctx, &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &s.group, IpProtocol: aws.String("tcp"), FromPort: aws.Int32(80), ToPort: aws.Int32(80), CidrIp: aws.String("10.1.0.0/16")})
	check(s.T, code(err) == "InvalidPermission.Duplicate", "the same rule again gives %v", err)
	out := []types.IpPermission{{IpProtocol: aws.String("udp"), FromPort: aws.Int32(53), ToPort: aws.Int32(53), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0")}}}}
	must[*ec2.AuthorizeSecurityGroupEgressOutput](s.T)(s.ec2.AuthorizeSecurityGroupEgress(ctx, &ec2.AuthorizeSecurityGroupEgressInput{GroupId: &s.group, IpPermissions: out}))
	must[*ec2.UpdateSecurityGroupRuleDescriptionsEgressOutput](s.T)(s.ec2.UpdateSecurityGroupRuleDescriptionsEgress(ctx, &ec2.UpdateSecurityGroupRuleDescriptionsEgressInput{GroupId: &s.group,
		IpPermissions: []types.IpPermission{{IpProtocol: aws.String("udp"), FromPort: aws.Int32(53), ToPort: aws.Int32(53), IpRanges: []types.IpRange{{CidrIp: aws.String("0.0.0.0/0"), Description: aws.String("names")}}}}}))
	must[*ec2.RevokeSecurityGroupEgressOutput](s.T)(s.ec2.RevokeSecurityGroupEgress(ctx, &ec2.RevokeSecurityGroupEgressInput{GroupId: &s.group, IpPermissions: out}))
	groups := must[*ec2.DescribeSecurityGroupsOutput](s.T)(s.ec2.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{{Name: aws.String("vpc-id"), Values: []string{s.vpc}}}}))
	check(s.T, len(groups.SecurityGroups) == 3, "%d groups with the default one", len(groups.SecurityGroups))
	must[*ec2.GetSecurityGroupsForVpcOutput](s.T)(s.ec2.GetSecurityGroupsForVpc(ctx, &ec2.GetSecurityGroupsForVpcInput{VpcId: &s.vpc}))
	must[*ec2.DescribeSecurityGroupReferencesOutput](s.T)(s.ec2.DescribeSecurityGroupReferences(ctx, &ec2.DescribeSecurityGroupReferencesInput{GroupId: []string{s.other}}))
	must[*ec2.DescribeStaleSecurityGroupsOutput](s.T)(s.ec2.DescribeStaleSecurityGroups(ctx, &ec2.DescribeStaleSecurityGroupsInput{VpcId: &s.vpc}))
}

func (s *story) rules() {
	ctx := s.Context()
	found := must[*ec2.DescribeSecurityGroupRulesOutput](s.T)(s.ec2.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{Filters: []types.Filter{{Name: aws.String("group-id"), Values: []string{s.group}}}}))
	var web string
	for _, r := range found.SecurityGroupRules {
		if aws.ToInt32(r.FromPort) == 80 {
			web = *r.SecurityGroupRuleId
		}
	}
	must[*ec2.ModifySecurityGroupRulesOutput](s.T)(s.ec2.ModifySecurityGroupRules(ctx, &ec2.ModifySecurityGroupRulesInput{GroupId: &s.group, SecurityGroupRules: []types.SecurityGroupRuleUpdate{{SecurityGroupRuleId: &web,
		SecurityGroupRule: &types.SecurityGroupRuleRequest{IpProtocol: aws.String("tcp"), FromPort: aws.Int32(8080), ToPort: aws.Int32(8080), CidrIpv4: aws.String("10.1.0.0/16")}}}}))
	must[*ec2.UpdateSecurityGroupRuleDescriptionsIngressOutput](s.T)(s.ec2.UpdateSecurityGroupRuleDescriptionsIngress(ctx, &ec2.UpdateSecurityGroupRuleDescriptionsIngressInput{GroupId: &s.group,
		SecurityGroupRuleDescriptions: []types.SecurityGroupRuleDescription{{SecurityGroupRuleId: &web, Description: aws.String("web")}}}))
	found = must[*ec2.DescribeSecurityGroupRulesOutput](s.T)(s.ec2.DescribeSecurityGroupRules(ctx, &ec2.DescribeSecurityGroupRulesInput{SecurityGroupRuleIds: []string{web}}))
	r := found.SecurityGroupRules[0]
	check(s.T, *r.FromPort == 8080 && *r.Description == "web", "the rule reads %d %s", *r.FromPort, aws.ToString(r.Description))
	must[*ec2.RevokeSecurityGroupIngressOutput](s.T)(s.ec2.RevokeSecurityGroupIngress(ctx, &ec2.RevokeSecurityGroupIngressInput{GroupId: &s.group, SecurityGroupRuleIds: []string{web}}))
}

func (s *story) acls() {
	ctx := s.Context()
	made := must[*ec2.CreateNetworkAclOutput](s.T)(s.ec2.CreateNetworkAcl(ctx, &ec2.CreateNetworkAclInput{VpcId: &s.vpc}))
	s.acl = *made.NetworkAcl.NetworkAclId
	entry := &ec2.CreateNetworkAclEntryInput{NetworkAclId: &s.acl, RuleNumber: aws.Int32(100), Protocol: aws.String("6"), RuleAction: types.RuleActionAllow, Egress: aws.Bool(false),
		CidrBlock: aws.String("0.0.0.0/0"), PortRange: &types.PortRange{From: aws.Int32(80), To: aws.Int32(80)}}
	must[*ec2.CreateNetworkAclEntryOutput](s.T)(s.ec2.CreateNetworkAclEntry(ctx, entry))
	_, err := s.ec2.CreateNetworkAclEntry(ctx, entry)
	check(s.T, code(err) == "NetworkAclEntryAlreadyExists", "the same number again gives %v", err)
	must[*ec2.ReplaceNetworkAclEntryOutput](s.T)(s.ec2.ReplaceNetworkAclEntry(ctx, &ec2.ReplaceNetworkAclEntryInput{NetworkAclId: &s.acl, RuleNumber: aws.Int32(100), Protocol: aws.String("1"), RuleAction: types.RuleActionDeny,
		Egress: aws.Bool(false), CidrBlock: aws.String("0.0.0.0/0"), IcmpTypeCode: &types.IcmpTypeCode{Type: aws.Int32(8), Code: aws.Int32(-1)}}))
	found := must[*ec2.DescribeNetworkAclsOutput](s.T)(s.ec2.DescribeNetworkAcls(ctx, &ec2.DescribeNetworkAclsInput{Filters: []types.Filter{{Name: aws.String("association.subnet-id"), Values: []string{s.spare}}}}))
	var association *string
	for _, a := range found.NetworkAcls[0].Associations {
		if *a.SubnetId == s.spare {
			association = a.NetworkAclAssociationId
		}
	}
	moved := must[*ec2.ReplaceNetworkAclAssociationOutput](s.T)(s.ec2.ReplaceNetworkAclAssociation(ctx, &ec2.ReplaceNetworkAclAssociationInput{AssociationId: association, NetworkAclId: &s.acl}))
	must[*ec2.ReplaceNetworkAclAssociationOutput](s.T)(s.ec2.ReplaceNetworkAclAssociation(ctx, &ec2.ReplaceNetworkAclAssociationInput{AssociationId: moved.NewAssociationId, NetworkAclId: found.NetworkAcls[0].NetworkAclId}))
	must[*ec2.DeleteNetworkAclEntryOutput](s.T)(s.ec2.DeleteNetworkAclEntry(ctx, &ec2.DeleteNetworkAclEntryInput{NetworkAclId: &s.acl, RuleNumber: aws.Int32(100), Egress: aws.Bool(false)}))
	must[*ec2.DeleteNetworkAclOutput](s.T)(s.ec2.DeleteNetworkAcl(ctx, &ec2.DeleteNetworkAclInput{NetworkAclId: &s.acl}))
}

func (s *story) instances() {
	ctx := s.Context()
	run := &ec2.RunInstancesInput{ImageId: &s.image, InstanceType: types.InstanceTypeT3Micro, MinCount: aws.Int32(1), MaxCount: aws.Int32(1), SubnetId: &s.subnet, KeyName: &s.key,
		SecurityGroupIds: []string{s.group}, PrivateIpAddress: aws.String("10.0.1.10"), UserData: aws.String(base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\n"))), ClientToken: aws.String("once"),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("web")}}}}}
	made := must[*ec2.RunInstancesOutput](s.T)(s.ec2.RunInstances(ctx, run))
	s.instance = *made.Instances[0].InstanceId
	again := must[*ec2.RunInstancesOutput](s.T)(s.ec2.RunInstances(ctx, run))
	check(s.T, *again.Instances[0].InstanceId == s.instance, "the same token gives the same instance, not %s", *again.Instances[0].InstanceId)
	ids := []string{s.instance}
	if err := ec2.NewInstanceRunningWaiter(s.ec2).Wait(ctx, &ec2.DescribeInstancesInput{InstanceIds: ids}, 30*time.Second); err != nil {
		s.Fatal(err)
	}
	must[*ec2.DescribeInstanceStatusOutput](s.T)(s.ec2.DescribeInstanceStatus(ctx, &ec2.DescribeInstanceStatusInput{InstanceIds: ids}))
	must[*ec2.GetConsoleOutputOutput](s.T)(s.ec2.GetConsoleOutput(ctx, &ec2.GetConsoleOutputInput{InstanceId: &s.instance}))
	must[*ec2.DescribeInstanceAttributeOutput](s.T)(s.ec2.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{InstanceId: &s.instance, Attribute: types.InstanceAttributeNameDisableApiTermination}))
	must[*ec2.ModifyInstanceAttributeOutput](s.T)(s.ec2.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: &s.instance, SourceDestCheck: &types.AttributeBooleanValue{Value: aws.Bool(false)}}))
	must[*ec2.ResetInstanceAttributeOutput](s.T)(s.ec2.ResetInstanceAttribute(ctx, &ec2.ResetInstanceAttributeInput{InstanceId: &s.instance, Attribute: types.InstanceAttributeNameSourceDestCheck}))
	must[*ec2.ModifyInstanceMetadataOptionsOutput](s.T)(s.ec2.ModifyInstanceMetadataOptions(ctx, &ec2.ModifyInstanceMetadataOptionsInput{InstanceId: &s.instance, HttpTokens: types.HttpTokensStateRequired}))
	must[*ec2.MonitorInstancesOutput](s.T)(s.ec2.MonitorInstances(ctx, &ec2.MonitorInstancesInput{InstanceIds: ids}))
	must[*ec2.UnmonitorInstancesOutput](s.T)(s.ec2.UnmonitorInstances(ctx, &ec2.UnmonitorInstancesInput{InstanceIds: ids}))
	must[*ec2.DescribeInstanceCreditSpecificationsOutput](s.T)(s.ec2.DescribeInstanceCreditSpecifications(ctx, &ec2.DescribeInstanceCreditSpecificationsInput{InstanceIds: ids}))
	must[*ec2.DescribeIamInstanceProfileAssociationsOutput](s.T)(s.ec2.DescribeIamInstanceProfileAssociations(ctx, nil))
	must[*ec2.DescribeVolumesOutput](s.T)(s.ec2.DescribeVolumes(ctx, nil))
	must[*ec2.RebootInstancesOutput](s.T)(s.ec2.RebootInstances(ctx, &ec2.RebootInstancesInput{InstanceIds: ids}))
	must[*ec2.StopInstancesOutput](s.T)(s.ec2.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: ids}))
	if err := ec2.NewInstanceStoppedWaiter(s.ec2).Wait(ctx, &ec2.DescribeInstancesInput{InstanceIds: ids}, time.Minute); err != nil {
		s.Fatal(err)
	}
	must[*ec2.StartInstancesOutput](s.T)(s.ec2.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: ids}))
	if err := ec2.NewInstanceRunningWaiter(s.ec2).Wait(ctx, &ec2.DescribeInstancesInput{InstanceIds: ids}, time.Minute); err != nil {
		s.Fatal(err)
	}
	found := must[*ec2.DescribeInstancesOutput](s.T)(s.ec2.DescribeInstances(ctx, &ec2.DescribeInstancesInput{Filters: []types.Filter{{Name: aws.String("tag:Name"), Values: []string{"w?b"}}}}))
	check(s.T, *found.Reservations[0].Instances[0].PrivateIpAddress == "10.0.1.10", "it kept its address, not %s", *found.Reservations[0].Instances[0].PrivateIpAddress)
}

func (s *story) interfaces() {
	ctx := s.Context()
	made := must[*ec2.CreateNetworkInterfaceOutput](s.T)(s.ec2.CreateNetworkInterface(ctx, &ec2.CreateNetworkInterfaceInput{SubnetId: &s.subnet, Description: aws.String("second"), Groups: []string{s.group}}))
	s.eni = *made.NetworkInterface.NetworkInterfaceId
	more := must[*ec2.AssignPrivateIpAddressesOutput](s.T)(s.ec2.AssignPrivateIpAddresses(ctx, &ec2.AssignPrivateIpAddressesInput{NetworkInterfaceId: &s.eni, SecondaryPrivateIpAddressCount: aws.Int32(1)}))
	must[*ec2.UnassignPrivateIpAddressesOutput](s.T)(s.ec2.UnassignPrivateIpAddresses(ctx, &ec2.UnassignPrivateIpAddressesInput{NetworkInterfaceId: &s.eni, PrivateIpAddresses: []string{*more.AssignedPrivateIpAddresses[0].PrivateIpAddress}}))
	six := must[*ec2.AssignIpv6AddressesOutput](s.T)(s.ec2.AssignIpv6Addresses(ctx, &ec2.AssignIpv6AddressesInput{NetworkInterfaceId: &s.eni, Ipv6AddressCount: aws.Int32(1)}))
	must[*ec2.UnassignIpv6AddressesOutput](s.T)(s.ec2.UnassignIpv6Addresses(ctx, &ec2.UnassignIpv6AddressesInput{NetworkInterfaceId: &s.eni, Ipv6Addresses: six.AssignedIpv6Addresses}))
	must[*ec2.ModifyNetworkInterfaceAttributeOutput](s.T)(s.ec2.ModifyNetworkInterfaceAttribute(ctx, &ec2.ModifyNetworkInterfaceAttributeInput{NetworkInterfaceId: &s.eni, SourceDestCheck: &types.AttributeBooleanValue{Value: aws.Bool(false)}}))
	must[*ec2.ResetNetworkInterfaceAttributeOutput](s.T)(s.ec2.ResetNetworkInterfaceAttribute(ctx, &ec2.ResetNetworkInterfaceAttributeInput{NetworkInterfaceId: &s.eni, SourceDestCheck: aws.String("true")}))
	got := must[*ec2.DescribeNetworkInterfaceAttributeOutput](s.T)(s.ec2.DescribeNetworkInterfaceAttribute(ctx, &ec2.DescribeNetworkInterfaceAttributeInput{NetworkInterfaceId: &s.eni, Attribute: types.NetworkInterfaceAttributeSourceDestCheck}))
	check(s.T, *got.SourceDestCheck.Value, "the check is on again")
	plug := must[*ec2.AttachNetworkInterfaceOutput](s.T)(s.ec2.AttachNetworkInterface(ctx, &ec2.AttachNetworkInterfaceInput{NetworkInterfaceId: &s.eni, InstanceId: &s.instance, DeviceIndex: aws.Int32(1)}))
	must[*ec2.DescribeNetworkInterfacesOutput](s.T)(s.ec2.DescribeNetworkInterfaces(ctx, &ec2.DescribeNetworkInterfacesInput{Filters: []types.Filter{{Name: aws.String("attachment.instance-id"), Values: []string{s.instance}}}}))
	must[*ec2.DetachNetworkInterfaceOutput](s.T)(s.ec2.DetachNetworkInterface(ctx, &ec2.DetachNetworkInterfaceInput{AttachmentId: plug.AttachmentId}))
	must[*ec2.DescribeNetworkInterfacePermissionsOutput](s.T)(s.ec2.DescribeNetworkInterfacePermissions(ctx, nil))
	if err := ec2.NewNetworkInterfaceAvailableWaiter(s.ec2).Wait(ctx, &ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{s.eni}}, time.Minute); err != nil {
		s.Fatal(err)
	}
	must[*ec2.DeleteNetworkInterfaceOutput](s.T)(s.ec2.DeleteNetworkInterface(ctx, &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: &s.eni}))
}

func (s *story) routes() {
	ctx := s.Context()
	made := must[*ec2.CreateRouteTableOutput](s.T)(s.ec2.CreateRouteTable(ctx, &ec2.CreateRouteTableInput{VpcId: &s.vpc}))
	s.table = *made.RouteTable.RouteTableId
	use := must[*ec2.AssociateRouteTableOutput](s.T)(s.ec2.AssociateRouteTable(ctx, &ec2.AssociateRouteTableInput{RouteTableId: &s.table, SubnetId: &s.subnet}))
	tables := must[*ec2.DescribeRouteTablesOutput](s.T)(s.ec2.DescribeRouteTables(ctx, &ec2.DescribeRouteTablesInput{Filters: []types.Filter{{Name: aws.String("association.main"), Values: []string{"true"}}, {Name: aws.String("vpc-id"), Values: []string{s.vpc}}}}))
	moved := must[*ec2.ReplaceRouteTableAssociationOutput](s.T)(s.ec2.ReplaceRouteTableAssociation(ctx, &ec2.ReplaceRouteTableAssociationInput{AssociationId: use.AssociationId, RouteTableId: tables.RouteTables[0].RouteTableId}))
	must[*ec2.DisassociateRouteTableOutput](s.T)(s.ec2.DisassociateRouteTable(ctx, &ec2.DisassociateRouteTableInput{AssociationId: moved.NewAssociationId}))
}

func (s *story) peerings() {
	ctx := s.Context()
	ask := func() string {
		made := must[*ec2.CreateVpcPeeringConnectionOutput](s.T)(s.ec2.CreateVpcPeeringConnection(ctx, &ec2.CreateVpcPeeringConnectionInput{VpcId: &s.vpc, PeerVpcId: &s.peer}))
		return *made.VpcPeeringConnection.VpcPeeringConnectionId
	}
	id := ask()
	must[*ec2.RejectVpcPeeringConnectionOutput](s.T)(s.ec2.RejectVpcPeeringConnection(ctx, &ec2.RejectVpcPeeringConnectionInput{VpcPeeringConnectionId: &id}))
	id = ask()
	must[*ec2.AcceptVpcPeeringConnectionOutput](s.T)(s.ec2.AcceptVpcPeeringConnection(ctx, &ec2.AcceptVpcPeeringConnectionInput{VpcPeeringConnectionId: &id}))
	must[*ec2.ModifyVpcPeeringConnectionOptionsOutput](s.T)(s.ec2.ModifyVpcPeeringConnectionOptions(ctx, &ec2.ModifyVpcPeeringConnectionOptionsInput{VpcPeeringConnectionId: &id,
		RequesterPeeringConnectionOptions: &types.PeeringConnectionOptionsRequest{AllowDnsResolutionFromRemoteVpc: aws.Bool(true)}}))
	must[*ec2.CreateRouteOutput](s.T)(s.ec2.CreateRoute(ctx, &ec2.CreateRouteInput{RouteTableId: &s.table, DestinationCidrBlock: aws.String("10.1.0.0/16"), VpcPeeringConnectionId: &id}))
	must[*ec2.ReplaceRouteOutput](s.T)(s.ec2.ReplaceRoute(ctx, &ec2.ReplaceRouteInput{RouteTableId: &s.table, DestinationCidrBlock: aws.String("10.1.0.0/16"), InstanceId: &s.instance}))
	must[*ec2.DeleteRouteOutput](s.T)(s.ec2.DeleteRoute(ctx, &ec2.DeleteRouteInput{RouteTableId: &s.table, DestinationCidrBlock: aws.String("10.1.0.0/16")}))
	must[*ec2.DeleteRouteTableOutput](s.T)(s.ec2.DeleteRouteTable(ctx, &ec2.DeleteRouteTableInput{RouteTableId: &s.table}))
	_, err := s.ec2.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: &s.peer})
	check(s.T, code(err) == "DependencyViolation", "deleting a peered VPC gives %v", err)
	must[*ec2.DeleteVpcPeeringConnectionOutput](s.T)(s.ec2.DeleteVpcPeeringConnection(ctx, &ec2.DeleteVpcPeeringConnectionInput{VpcPeeringConnectionId: &id}))
	if err := ec2.NewVpcPeeringConnectionDeletedWaiter(s.ec2).Wait(ctx, &ec2.DescribeVpcPeeringConnectionsInput{VpcPeeringConnectionIds: []string{id}}, time.Minute); err != nil {
		s.Fatal(err)
	}
}

func (s *story) flowLogs() {
	ctx := s.Context()
	made := must[*ec2.CreateFlowLogsOutput](s.T)(s.ec2.CreateFlowLogs(ctx, &ec2.CreateFlowLogsInput{ResourceIds: []string{s.vpc}, ResourceType: types.FlowLogsResourceTypeVpc,
		TrafficType: types.TrafficTypeAll, LogDestinationType: types.LogDestinationTypeS3, LogDestination: aws.String("arn:aws:s3:::traffic/e2e")}))
	check(s.T, len(made.FlowLogIds) == 1 && len(made.Unsuccessful) == 0, "flow logs %v, refused %v", made.FlowLogIds, made.Unsuccessful)
	found := must[*ec2.DescribeFlowLogsOutput](s.T)(s.ec2.DescribeFlowLogs(ctx, &ec2.DescribeFlowLogsInput{FlowLogIds: made.FlowLogIds}))
	check(s.T, len(found.FlowLogs) == 1 && *found.FlowLogs[0].FlowLogStatus == "ACTIVE", "%d flow logs", len(found.FlowLogs))
	must[*ec2.DeleteFlowLogsOutput](s.T)(s.ec2.DeleteFlowLogs(ctx, &ec2.DeleteFlowLogsInput{FlowLogIds: made.FlowLogIds}))
}

func (s *story) tags() {
	ctx := s.Context()
	must[*ec2.CreateTagsOutput](s.T)(s.ec2.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{s.vpc, s.subnet}, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("net")}}}))
	found := must[*ec2.DescribeTagsOutput](s.T)(s.ec2.DescribeTags(ctx, &ec2.DescribeTagsInput{Filters: []types.Filter{{Name: aws.String("key"), Values: []string{"team"}}}}))
	check(s.T, len(found.Tags) == 2, "%d tags", len(found.Tags))
	must[*ec2.DeleteTagsOutput](s.T)(s.ec2.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{s.vpc}, Tags: []types.Tag{{Key: aws.String("team")}}}))
}

// empty asks for what there is nothing of, or only what the default VPC has.
func (s *story) empty() {
	ctx := s.Context()
	igws := must[*ec2.DescribeInternetGatewaysOutput](s.T)(s.ec2.DescribeInternetGateways(ctx, nil))
	check(s.T, len(igws.InternetGateways) == 1, "%d internet gateways", len(igws.InternetGateways))
	dhcp := must[*ec2.DescribeDhcpOptionsOutput](s.T)(s.ec2.DescribeDhcpOptions(ctx, nil))
	check(s.T, len(dhcp.DhcpOptions) == 1, "%d sets of DHCP options", len(dhcp.DhcpOptions))
	must[*ec2.DescribeAddressesOutput](s.T)(s.ec2.DescribeAddresses(ctx, nil))
	must[*ec2.DescribeEgressOnlyInternetGatewaysOutput](s.T)(s.ec2.DescribeEgressOnlyInternetGateways(ctx, nil))
	must[*ec2.DescribeManagedPrefixListsOutput](s.T)(s.ec2.DescribeManagedPrefixLists(ctx, nil))
	must[*ec2.DescribeNatGatewaysOutput](s.T)(s.ec2.DescribeNatGateways(ctx, nil))
	must[*ec2.DescribePrefixListsOutput](s.T)(s.ec2.DescribePrefixLists(ctx, nil))
	must[*ec2.DescribeVpcEndpointsOutput](s.T)(s.ec2.DescribeVpcEndpoints(ctx, nil))
	// Refused by name, not answered without effect.
	_, err := s.ec2.CreateNatGateway(ctx, &ec2.CreateNatGatewayInput{SubnetId: &s.subnet})
	check(s.T, code(err) == "UnsupportedOperation", "a NAT gateway gives %v", err)
}

// end takes everything down in the order that dependencies ask for.
// templates launches by a template and lists its versions page by page.
func (s *story) templates() {
	ctx := s.Context()
	made := must[*ec2.CreateLaunchTemplateOutput](s.T)(s.ec2.CreateLaunchTemplate(ctx, &ec2.CreateLaunchTemplateInput{LaunchTemplateName: aws.String("web"),
		LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: &s.image, InstanceType: types.InstanceTypeT3Micro}}))
	id := made.LaunchTemplate.LaunchTemplateId
	must[*ec2.CreateLaunchTemplateVersionOutput](s.T)(s.ec2.CreateLaunchTemplateVersion(ctx, &ec2.CreateLaunchTemplateVersionInput{LaunchTemplateId: id, SourceVersion: aws.String("1"),
		LaunchTemplateData: &types.RequestLaunchTemplateData{InstanceType: types.InstanceTypeT3Small}}))
	pages := 0
	for p := ec2.NewDescribeLaunchTemplateVersionsPaginator(s.ec2, &ec2.DescribeLaunchTemplateVersionsInput{LaunchTemplateId: id, MaxResults: aws.Int32(1)}); p.HasMorePages(); pages++ {
		must[*ec2.DescribeLaunchTemplateVersionsOutput](s.T)(p.NextPage(ctx))
	}
	check(s.T, pages == 2, "%d pages of versions", pages)
	must[*ec2.ModifyLaunchTemplateOutput](s.T)(s.ec2.ModifyLaunchTemplate(ctx, &ec2.ModifyLaunchTemplateInput{LaunchTemplateId: id, DefaultVersion: aws.String("2")}))
	run := must[*ec2.RunInstancesOutput](s.T)(s.ec2.RunInstances(ctx, &ec2.RunInstancesInput{LaunchTemplate: &types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("web")},
		MinCount: aws.Int32(1), MaxCount: aws.Int32(1), SubnetId: &s.subnet}))
	check(s.T, run.Instances[0].InstanceType == types.InstanceTypeT3Small, "the default version launches a %s", run.Instances[0].InstanceType)
	data := must[*ec2.GetLaunchTemplateDataOutput](s.T)(s.ec2.GetLaunchTemplateData(ctx, &ec2.GetLaunchTemplateDataInput{InstanceId: run.Instances[0].InstanceId}))
	check(s.T, data.LaunchTemplateData.InstanceType == types.InstanceTypeT3Small, "its data says %s", data.LaunchTemplateData.InstanceType)
	ids := []string{*run.Instances[0].InstanceId}
	must[*ec2.TerminateInstancesOutput](s.T)(s.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: ids}))
	if err := ec2.NewInstanceTerminatedWaiter(s.ec2).Wait(ctx, &ec2.DescribeInstancesInput{InstanceIds: ids}, time.Minute); err != nil {
		s.Fatal(err)
	}
	gone := must[*ec2.DeleteLaunchTemplateVersionsOutput](s.T)(s.ec2.DeleteLaunchTemplateVersions(ctx, &ec2.DeleteLaunchTemplateVersionsInput{LaunchTemplateId: id, Versions: []string{"1", "2"}}))
	check(s.T, len(gone.SuccessfullyDeletedLaunchTemplateVersions) == 1 && len(gone.UnsuccessfullyDeletedLaunchTemplateVersions) == 1, "the default version stays: %v", gone)
	must[*ec2.DeleteLaunchTemplateOutput](s.T)(s.ec2.DeleteLaunchTemplate(ctx, &ec2.DeleteLaunchTemplateInput{LaunchTemplateId: id}))
	all := must[*ec2.DescribeLaunchTemplatesOutput](s.T)(s.ec2.DescribeLaunchTemplates(ctx, nil))
	check(s.T, len(all.LaunchTemplates) == 0, "%d templates are left", len(all.LaunchTemplates))
}

// options are the smaller settings of an instance and of the account's instances.
func (s *story) options() {
	ctx := s.Context()
	profile := func(name string) *types.IamInstanceProfileSpecification {
		return &types.IamInstanceProfileSpecification{Name: &name}
	}
	made := must[*ec2.AssociateIamInstanceProfileOutput](s.T)(s.ec2.AssociateIamInstanceProfile(ctx, &ec2.AssociateIamInstanceProfileInput{InstanceId: &s.instance, IamInstanceProfile: profile("one")}))
	next := must[*ec2.ReplaceIamInstanceProfileAssociationOutput](s.T)(s.ec2.ReplaceIamInstanceProfileAssociation(ctx, &ec2.ReplaceIamInstanceProfileAssociationInput{
		AssociationId: made.IamInstanceProfileAssociation.AssociationId, IamInstanceProfile: profile("two")}))
	check(s.T, *next.IamInstanceProfileAssociation.AssociationId != *made.IamInstanceProfileAssociation.AssociationId, "another profile is another association")
	must[*ec2.DisassociateIamInstanceProfileOutput](s.T)(s.ec2.DisassociateIamInstanceProfile(ctx, &ec2.DisassociateIamInstanceProfileInput{AssociationId: next.IamInstanceProfileAssociation.AssociationId}))
	must[*ec2.ModifyInstanceMaintenanceOptionsOutput](s.T)(s.ec2.ModifyInstanceMaintenanceOptions(ctx, &ec2.ModifyInstanceMaintenanceOptionsInput{InstanceId: &s.instance, AutoRecovery: types.InstanceAutoRecoveryStateDisabled}))
	must[*ec2.ModifyPrivateDnsNameOptionsOutput](s.T)(s.ec2.ModifyPrivateDnsNameOptions(ctx, &ec2.ModifyPrivateDnsNameOptionsInput{InstanceId: &s.instance, EnableResourceNameDnsARecord: aws.Bool(true)}))
	_, err := s.ec2.ModifyInstancePlacement(ctx, &ec2.ModifyInstancePlacementInput{InstanceId: &s.instance, GroupName: aws.String("cluster")})
	check(s.T, code(err) == "InvalidPlacementGroup.Unknown", "a placement group that is not there gives %v", err)
	groups := must[*ec2.DescribePlacementGroupsOutput](s.T)(s.ec2.DescribePlacementGroups(ctx, nil))
	check(s.T, len(groups.PlacementGroups) == 0, "%d placement groups", len(groups.PlacementGroups))
	must[*ec2.GetPasswordDataOutput](s.T)(s.ec2.GetPasswordData(ctx, &ec2.GetPasswordDataInput{InstanceId: &s.instance}))
	must[*ec2.ModifyInstanceMetadataDefaultsOutput](s.T)(s.ec2.ModifyInstanceMetadataDefaults(ctx, &ec2.ModifyInstanceMetadataDefaultsInput{HttpTokens: types.MetadataDefaultHttpTokensStateRequired}))
	defaults := must[*ec2.GetInstanceMetadataDefaultsOutput](s.T)(s.ec2.GetInstanceMetadataDefaults(ctx, nil))
	check(s.T, defaults.AccountLevel.HttpTokens == types.HttpTokensStateRequired, "the account requires tokens: %v", defaults.AccountLevel.HttpTokens)
	_, err = s.ec2.DescribeImageAttribute(ctx, &ec2.DescribeImageAttributeInput{ImageId: &s.image, Attribute: types.ImageAttributeNameLaunchPermission})
	check(s.T, code(err) == "AuthFailure", "an attribute of another's image gives %v", err)
	must[*ec2.ModifyAvailabilityZoneGroupOutput](s.T)(s.ec2.ModifyAvailabilityZoneGroup(ctx, &ec2.ModifyAvailabilityZoneGroupInput{GroupName: aws.String("us-east-1-zg-1"), OptInStatus: types.ModifyAvailabilityZoneOptInStatusOptedIn}))
}

func (s *story) end() {
	ctx := s.Context()
	must[*ec2.TerminateInstancesOutput](s.T)(s.ec2.TerminateInstances(ctx, &ec2.TerminateInstancesInput{InstanceIds: []string{s.instance}}))
	if err := ec2.NewInstanceTerminatedWaiter(s.ec2).Wait(ctx, &ec2.DescribeInstancesInput{InstanceIds: []string{s.instance}}, time.Minute); err != nil {
		s.Fatal(err)
	}
	for _, id := range []string{s.group, s.other} {
		must[*ec2.DeleteSecurityGroupOutput](s.T)(s.ec2.DeleteSecurityGroup(ctx, &ec2.DeleteSecurityGroupInput{GroupId: aws.String(id)}))
	}
	for _, id := range []string{s.subnet, s.spare} {
		must[*ec2.DeleteSubnetOutput](s.T)(s.ec2.DeleteSubnet(ctx, &ec2.DeleteSubnetInput{SubnetId: aws.String(id)}))
	}
	for _, id := range []string{s.vpc, s.peer} {
		must[*ec2.DeleteVpcOutput](s.T)(s.ec2.DeleteVpc(ctx, &ec2.DeleteVpcInput{VpcId: aws.String(id)}))
	}
}
