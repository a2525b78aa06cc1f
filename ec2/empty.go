package ec2

import (
	"iter"

	"tombolo/ec2/wire"
	"tombolo/network"
)

// What we do not have is answered truly: an id names nothing, a filter finds
// nothing, and what AWS would refuse is refused.
func emptyOperations() []operation {
	paged := "Filter MaxResults NextToken "
	about := func(ids string, l listing[nothing]) params {
		return params{enforced: paged + ids, filters: l.filterNames()}
	}
	return []operation{
		op("DescribeAddresses", describeAddresses, params{enforced: "AllocationId PublicIp Filter", filters: addresses.filterNames()}),
		op("DescribeEgressOnlyInternetGateways", func(c *call, in *wire.DescribeEgressOnlyInternetGatewaysRequest) (*wire.DescribeEgressOnlyInternetGatewaysResult, error) {
			return &wire.DescribeEgressOnlyInternetGatewaysResult{EgressOnlyInternetGateways: []wire.EgressOnlyInternetGateway{}},
				egressGateways.check(c, query{in.EgressOnlyInternetGatewayIds, in.Filters, in.MaxResults, in.NextToken})
		}, about("EgressOnlyInternetGatewayId", egressGateways)),
		op("DescribeManagedPrefixLists", func(c *call, in *wire.DescribeManagedPrefixListsRequest) (*wire.DescribeManagedPrefixListsResult, error) {
			return &wire.DescribeManagedPrefixListsResult{PrefixLists: []wire.ManagedPrefixList{}},
				managedLists.check(c, query{in.PrefixListIds, in.Filters, in.MaxResults, in.NextToken})
		}, about("PrefixListId", managedLists)),
		op("DescribeNatGateways", func(c *call, in *wire.DescribeNatGatewaysRequest) (*wire.DescribeNatGatewaysResult, error) {
			return &wire.DescribeNatGatewaysResult{NatGateways: []wire.NatGateway{}},
				natGateways.check(c, query{in.NatGatewayIds, in.Filter, in.MaxResults, in.NextToken})
		}, about("NatGatewayId", natGateways)),
		op("DescribeNetworkInterfacePermissions", func(c *call, in *wire.DescribeNetworkInterfacePermissionsRequest) (*wire.DescribeNetworkInterfacePermissionsResult, error) {
			return &wire.DescribeNetworkInterfacePermissionsResult{NetworkInterfacePermissions: []wire.NetworkInterfacePermission{}},
				permissions.check(c, query{in.NetworkInterfacePermissionIds, in.Filters, in.MaxResults, in.NextToken})
		}, about("NetworkInterfacePermissionId", permissions)),
		op("DescribePrefixLists", func(c *call, in *wire.DescribePrefixListsRequest) (*wire.DescribePrefixListsResult, error) {
			return &wire.DescribePrefixListsResult{PrefixLists: []wire.PrefixList{}},
				prefixLists.check(c, query{in.PrefixListIds, in.Filters, in.MaxResults, in.NextToken})
		}, about("PrefixListId", prefixLists)),
		op("DescribeVpcEndpoints", func(c *call, in *wire.DescribeVpcEndpointsRequest) (*wire.DescribeVpcEndpointsResult, error) {
			return &wire.DescribeVpcEndpointsResult{VpcEndpoints: []wire.VpcEndpoint{}},
				endpoints.check(c, query{in.VpcEndpointIds, in.Filters, in.MaxResults, in.NextToken})
		}, about("VpcEndpointId", endpoints)),
	}
}

// nothing is a row of a list that has none.
type nothing struct{}

// check finds out whether AWS would answer the query at all.
func (l listing[R]) check(c *call, q query) error {
	_, _, err := l.rows(c, q)
	return err
}

func none(kind, filters string, p pages) listing[nothing] {
	return listing[nothing]{
		kind: kind, pages: p, filters: absent[nothing](filters),
		key:  func(nothing) string { return "" },
		all:  func(*call) iter.Seq[nothing] { return func(func(nothing) bool) {} },
		get:  func(*call, string) (nothing, bool) { return nothing{}, false },
		tags: func(*call, nothing) network.Tags { return nil },
	}
}

var (
	egressGateways = none("eigw", "", plainPages(5, 255, ""))
	managedLists   = none("pl", "owner-id prefix-list-id prefix-list-name", plainPages(1, 100, ""))
	prefixLists    = none("pl", "prefix-list-id prefix-list-name", plainPages(5, 1000, ""))
	natGateways    = none("nat", "nat-gateway-id state subnet-id vpc-id", validatedPages(5, 1000))
	endpoints      = none("vpce", "ip-address-type service-name service-region vpc-endpoint-id vpc-endpoint-state vpc-endpoint-type vpc-id", plainPages(5, 1000, ""))
	addresses      = none("eipalloc", `allocation-id association-id domain instance-id network-border-group network-interface-id network-interface-owner-id
		private-ip-address public-ip`, pages{})
	permissions = none("eni-perm", `network-interface-permission.network-interface-permission-id network-interface-permission.network-interface-id
		network-interface-permission.aws-account-id network-interface-permission.aws-service network-interface-permission.permission`, plainPages(5, 255, ""))
)

func describeAddresses(c *call, in *wire.DescribeAddressesRequest) (*wire.DescribeAddressesResult, error) {
	if err := addresses.check(c, query{ids: in.AllocationIds, filters: in.Filters}); err != nil {
		return nil, err
	}
	if len(in.PublicIps) > 0 {
		return nil, &Error{Code: "InvalidAddress.NotFound", Message: "Address '" + in.PublicIps[0] + "' not found."}
	}
	return &wire.DescribeAddressesResult{Addresses: []wire.Address{}}, nil
}
