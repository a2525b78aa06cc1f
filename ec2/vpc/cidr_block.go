package vpc

import (
	"slices"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func cidrBlockOperations() []api.Operation {
	return []api.Operation{
		api.Op("AssociateVpcCidrBlock", associateVpcCidrBlock, api.Params{
			Enforced: "VpcId CidrBlock AmazonProvidedIpv6CidrBlock",
			Refused: []api.Refuse{
				{Paths: "Ipv4IpamPoolId Ipv4NetmaskLength Ipv6IpamPoolId Ipv6NetmaskLength", Why: "there is no IPAM; name the block in CidrBlock"},
				{Paths: "Ipv6Pool Ipv6CidrBlock Ipv6CidrBlockNetworkBorderGroup", Why: "there are no address pools of your own; ask for AmazonProvidedIpv6CidrBlock"},
			},
		}),
		api.Op("DisassociateVpcCidrBlock", disassociateVpcCidrBlock, api.Params{Enforced: "AssociationId"}),
		api.Op("AssociateSubnetCidrBlock", associateSubnetCidrBlock, api.Params{
			Enforced: "SubnetId Ipv6CidrBlock",
			Refused:  []api.Refuse{{Paths: "Ipv6IpamPoolId Ipv6NetmaskLength", Why: "there is no IPAM; name the block in Ipv6CidrBlock"}},
		}),
		api.Op("DisassociateSubnetCidrBlock", disassociateSubnetCidrBlock, api.Params{Enforced: "AssociationId"}),
	}
}

func associateVpcCidrBlock(c *api.Call, in *wire.AssociateVpcCidrBlockRequest) (*wire.AssociateVpcCidrBlockResult, error) {
	six := api.Value(in.AmazonProvidedIpv6CidrBlock)
	switch {
	case six && in.CidrBlock != nil:
		return nil, api.Combination("The parameter amazonProvidedIpv6CidrBlock cannot be used with the parameter cidrBlock")
	case !six && in.CidrBlock == nil:
		return nil, &api.Error{Code: "MissingParameter", Message: "Either 'cidrBlock' or 'amazonProvidedIpv6CidrBlock' should be provided."}
	}
	out, err := c.Do(network.AssociateVPCBlock{VPC: network.VPCID(*in.VpcId), CIDR: c.CIDR4("cidrBlock", in.CidrBlock)})
	if err != nil {
		return nil, err
	}
	v := c.State.VPC(network.VPCID(*in.VpcId))
	return vpcBlockAnswer(c, v, network.AssociationID(out.Created[0]), "associating"), nil
}

// vpcBlockAnswer is one block of a VPC while it comes or goes: AWS's answers
// show the state on the way, and a Describe afterwards the outcome.
func vpcBlockAnswer(c *api.Call, v *network.VPC, id network.AssociationID, state string) *wire.AssociateVpcCidrBlockResult {
	out := &wire.AssociateVpcCidrBlockResult{VpcId: api.Text(v.ID)}
	for _, b := range v.Blocks {
		if b.Association == id {
			out.CidrBlockAssociation = &wire.VpcCidrBlockAssociation{AssociationId: api.Text(id), CidrBlock: new(b.CIDR.String()),
				CidrBlockState: &wire.VpcCidrBlockState{State: api.Text(state)}}
		}
	}
	for _, b := range v.Blocks6 {
		if b.Association == id {
			six := showVPCBlock6(c, b)
			six.Ipv6CidrBlockState.State = api.Text(state)
			out.Ipv6CidrBlockAssociation = &six
		}
	}
	return out
}

func disassociateVpcCidrBlock(c *api.Call, in *wire.DisassociateVpcCidrBlockRequest) (*wire.DisassociateVpcCidrBlockResult, error) {
	id := network.AssociationID(*in.AssociationId)
	before := c.State
	if _, err := c.Do(network.DisassociateVPCBlock{Association: id}); err != nil {
		return nil, err
	}
	for v := range before.VPCsOf(c.Caller) {
		if slices.ContainsFunc(slices.Concat(v.Blocks, v.Blocks6), func(b network.Block) bool { return b.Association == id }) {
			was := vpcBlockAnswer(c, v, id, "disassociating")
			return &wire.DisassociateVpcCidrBlockResult{VpcId: was.VpcId, CidrBlockAssociation: was.CidrBlockAssociation,
				Ipv6CidrBlockAssociation: was.Ipv6CidrBlockAssociation}, nil
		}
	}
	return &wire.DisassociateVpcCidrBlockResult{}, nil // made and removed again since this call began
}

func associateSubnetCidrBlock(c *api.Call, in *wire.AssociateSubnetCidrBlockRequest) (*wire.AssociateSubnetCidrBlockResult, error) {
	_, err := c.Do(network.AssociateSubnetBlock{Subnet: network.SubnetID(*in.SubnetId), CIDR6: c.CIDR6("ipv6CidrBlock", in.Ipv6CidrBlock)})
	if err != nil {
		return nil, err
	}
	n := c.State.Subnet(network.SubnetID(*in.SubnetId))
	return &wire.AssociateSubnetCidrBlockResult{SubnetId: api.Text(n.ID), Ipv6CidrBlockAssociation: new(subnetBlock6(n.Blocks6[0], "associating"))}, nil
}

func disassociateSubnetCidrBlock(c *api.Call, in *wire.DisassociateSubnetCidrBlockRequest) (*wire.DisassociateSubnetCidrBlockResult, error) {
	id := network.AssociationID(*in.AssociationId)
	before := c.State
	if _, err := c.Do(network.DisassociateSubnetBlock{Association: id}); err != nil {
		return nil, err
	}
	for n := range before.SubnetsOf(c.Caller) {
		for _, b := range n.Blocks6 {
			if b.Association == id {
				return &wire.DisassociateSubnetCidrBlockResult{SubnetId: api.Text(n.ID), Ipv6CidrBlockAssociation: new(subnetBlock6(b, "disassociating"))}, nil
			}
		}
	}
	return &wire.DisassociateSubnetCidrBlockResult{}, nil // made and removed again since this call began
}
