package vpc

import (
	"iter"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

// What we do not have is answered truly: an id names nothing, a filter finds
// nothing, and what AWS would refuse is refused.
func emptyOperations() []api.Operation {
	paged := "Filter MaxResults NextToken "
	about := func(ids string, l api.Listing[nothing]) api.Params {
		return api.Params{Enforced: paged + ids, Filters: l.FilterNames()}
	}
	return []api.Operation{
		api.Op("DescribeManagedPrefixLists", func(c *api.Call, in *wire.DescribeManagedPrefixListsRequest) (*wire.DescribeManagedPrefixListsResult, error) {
			return &wire.DescribeManagedPrefixListsResult{PrefixLists: []wire.ManagedPrefixList{}},
				check(c, managedLists, api.Query{IDs: in.PrefixListIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
		}, about("PrefixListId", managedLists)),
		api.Op("DescribeNatGateways", func(c *api.Call, in *wire.DescribeNatGatewaysRequest) (*wire.DescribeNatGatewaysResult, error) {
			return &wire.DescribeNatGatewaysResult{NatGateways: []wire.NatGateway{}},
				check(c, natGateways, api.Query{IDs: in.NatGatewayIds, Filters: in.Filter, MaxResults: in.MaxResults, NextToken: in.NextToken})
		}, about("NatGatewayId", natGateways)),
		api.Op("DescribeNetworkInterfacePermissions", func(c *api.Call, in *wire.DescribeNetworkInterfacePermissionsRequest) (*wire.DescribeNetworkInterfacePermissionsResult, error) {
			return &wire.DescribeNetworkInterfacePermissionsResult{NetworkInterfacePermissions: []wire.NetworkInterfacePermission{}},
				check(c, permissions, api.Query{IDs: in.NetworkInterfacePermissionIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
		}, about("NetworkInterfacePermissionId", permissions)),
		api.Op("DescribePrefixLists", func(c *api.Call, in *wire.DescribePrefixListsRequest) (*wire.DescribePrefixListsResult, error) {
			return &wire.DescribePrefixListsResult{PrefixLists: []wire.PrefixList{}},
				check(c, prefixLists, api.Query{IDs: in.PrefixListIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
		}, about("PrefixListId", prefixLists)),
		api.Op("DescribeVpcEndpoints", func(c *api.Call, in *wire.DescribeVpcEndpointsRequest) (*wire.DescribeVpcEndpointsResult, error) {
			return &wire.DescribeVpcEndpointsResult{VpcEndpoints: []wire.VpcEndpoint{}},
				check(c, endpoints, api.Query{IDs: in.VpcEndpointIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
		}, about("VpcEndpointId", endpoints)),
	}
}

// nothing is a row of a list that has none.
type nothing struct{}

// check finds out whether AWS would answer the query at all.
func check(c *api.Call, l api.Listing[nothing], q api.Query) error {
	_, _, err := l.Rows(c, q)
	return err
}

func none(kind, filters string, p api.Pages) api.Listing[nothing] {
	return api.Listing[nothing]{
		Kind: kind, Pages: p, Filters: api.Absent[nothing](filters),
		Key:  func(nothing) string { return "" },
		All:  func(*api.Call) iter.Seq[nothing] { return func(func(nothing) bool) {} },
		Get:  func(*api.Call, string) (nothing, bool) { return nothing{}, false },
		Tags: func(*api.Call, nothing) network.Tags { return nil },
	}
}

var (
	managedLists = none("pl", "owner-id prefix-list-id prefix-list-name", api.PlainPages(1, 100, ""))
	prefixLists  = none("pl", "prefix-list-id prefix-list-name", api.PlainPages(5, 1000, ""))
	natGateways  = none("nat", "nat-gateway-id state subnet-id vpc-id", api.ValidatedPages(5, 1000))
	endpoints    = none("vpce", "ip-address-type service-name service-region vpc-endpoint-id vpc-endpoint-state vpc-endpoint-type vpc-id", api.PlainPages(5, 1000, ""))
	permissions  = none("eni-perm", `network-interface-permission.network-interface-permission-id network-interface-permission.network-interface-id
		network-interface-permission.aws-account-id network-interface-permission.aws-service network-interface-permission.permission`, api.PlainPages(5, 255, ""))
)
