package ec2

import (
	"slices"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func cidrBlockOperations() []operation {
	return []operation{
		op("AssociateVpcCidrBlock", associateVpcCidrBlock, params{
			enforced: "VpcId CidrBlock AmazonProvidedIpv6CidrBlock",
			refused: []refuse{
				{paths: "Ipv4IpamPoolId Ipv4NetmaskLength Ipv6IpamPoolId Ipv6NetmaskLength", why: "there is no IPAM; name the block in CidrBlock"},
				{paths: "Ipv6Pool Ipv6CidrBlock Ipv6CidrBlockNetworkBorderGroup", why: "there are no address pools of your own; ask for AmazonProvidedIpv6CidrBlock"},
			},
		}),
		op("DisassociateVpcCidrBlock", disassociateVpcCidrBlock, params{enforced: "AssociationId"}),
		op("AssociateSubnetCidrBlock", associateSubnetCidrBlock, params{
			enforced: "SubnetId Ipv6CidrBlock",
			refused:  []refuse{{paths: "Ipv6IpamPoolId Ipv6NetmaskLength", why: "there is no IPAM; name the block in Ipv6CidrBlock"}},
		}),
		op("DisassociateSubnetCidrBlock", disassociateSubnetCidrBlock, params{enforced: "AssociationId"}),
	}
}

func associateVpcCidrBlock(c *call, in *wire.AssociateVpcCidrBlockRequest) (*wire.AssociateVpcCidrBlockResult, error) {
	six := value(in.AmazonProvidedIpv6CidrBlock)
	switch {
	case six && in.CidrBlock != nil:
		return nil, combination("The parameter amazonProvidedIpv6CidrBlock cannot be used with the parameter cidrBlock")
	case !six && in.CidrBlock == nil:
		return nil, &Error{Code: "MissingParameter", Message: "Either 'cidrBlock' or 'amazonProvidedIpv6CidrBlock' should be provided."}
	}
	out, err := c.do(network.AssociateVPCBlock{VPC: network.VPCID(*in.VpcId), CIDR: c.cidr4("cidrBlock", in.CidrBlock)})
	if err != nil {
		return nil, err
	}
	v := c.state.VPC(network.VPCID(*in.VpcId))
	return c.vpcBlockAnswer(v, network.AssociationID(out.Created[0]), "associating"), nil
}

// vpcBlockAnswer is one block of a VPC while it comes or goes: AWS's answers
// show the state on the way, and a Describe afterwards the outcome.
func (c *call) vpcBlockAnswer(v *network.VPC, id network.AssociationID, state string) *wire.AssociateVpcCidrBlockResult {
	out := &wire.AssociateVpcCidrBlockResult{VpcId: text(v.ID)}
	for _, b := range v.Blocks {
		if b.Association == id {
			out.CidrBlockAssociation = &wire.VpcCidrBlockAssociation{AssociationId: text(id), CidrBlock: new(b.CIDR.String()),
				CidrBlockState: &wire.VpcCidrBlockState{State: text(state)}}
		}
	}
	for _, b := range v.Blocks6 {
		if b.Association == id {
			six := c.vpcBlock6(b)
			six.Ipv6CidrBlockState.State = text(state)
			out.Ipv6CidrBlockAssociation = &six
		}
	}
	return out
}

func disassociateVpcCidrBlock(c *call, in *wire.DisassociateVpcCidrBlockRequest) (*wire.DisassociateVpcCidrBlockResult, error) {
	id := network.AssociationID(*in.AssociationId)
	before := c.state
	if _, err := c.do(network.DisassociateVPCBlock{Association: id}); err != nil {
		return nil, err
	}
	for v := range before.VPCsOf(c.caller) {
		if slices.ContainsFunc(slices.Concat(v.Blocks, v.Blocks6), func(b network.Block) bool { return b.Association == id }) {
			was := c.vpcBlockAnswer(v, id, "disassociating")
			return &wire.DisassociateVpcCidrBlockResult{VpcId: was.VpcId, CidrBlockAssociation: was.CidrBlockAssociation,
				Ipv6CidrBlockAssociation: was.Ipv6CidrBlockAssociation}, nil
		}
	}
	return &wire.DisassociateVpcCidrBlockResult{}, nil // made and removed again since this call began
}

func associateSubnetCidrBlock(c *call, in *wire.AssociateSubnetCidrBlockRequest) (*wire.AssociateSubnetCidrBlockResult, error) {
	_, err := c.do(network.AssociateSubnetBlock{Subnet: network.SubnetID(*in.SubnetId), CIDR6: c.cidr6("ipv6CidrBlock", in.Ipv6CidrBlock)})
	if err != nil {
		return nil, err
	}
	n := c.state.Subnet(network.SubnetID(*in.SubnetId))
	return &wire.AssociateSubnetCidrBlockResult{SubnetId: text(n.ID), Ipv6CidrBlockAssociation: new(subnetBlock6(n.Blocks6[0], "associating"))}, nil
}

func disassociateSubnetCidrBlock(c *call, in *wire.DisassociateSubnetCidrBlockRequest) (*wire.DisassociateSubnetCidrBlockResult, error) {
	id := network.AssociationID(*in.AssociationId)
	before := c.state
	if _, err := c.do(network.DisassociateSubnetBlock{Association: id}); err != nil {
		return nil, err
	}
	for n := range before.SubnetsOf(c.caller) {
		for _, b := range n.Blocks6 {
			if b.Association == id {
				return &wire.DisassociateSubnetCidrBlockResult{SubnetId: text(n.ID), Ipv6CidrBlockAssociation: new(subnetBlock6(b, "disassociating"))}, nil
			}
		}
	}
	return &wire.DisassociateSubnetCidrBlockResult{}, nil // made and removed again since this call began
}
