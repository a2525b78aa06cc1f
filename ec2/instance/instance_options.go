package instance

import (
	"cmp"
	"iter"
	"strings"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func moreAttributeOperations() []api.Operation {
	return []api.Operation{
		api.Op("ModifyInstancePlacement", modifyInstancePlacement, api.Params{
			Enforced: "InstanceId GroupName",
			Refused: []api.Refuse{{Paths: "PartitionNumber HostResourceGroupArn GroupId Affinity HostId Tenancy",
				Why: "there are no placement groups and no dedicated hosts"}},
		}),
		api.Op("ModifyInstanceMaintenanceOptions", modifyInstanceMaintenanceOptions, api.Params{
			Enforced: "InstanceId",
			Stored:   "AutoRecovery RebootMigration", // nothing here is maintained
		}),
		api.Op("ModifyPrivateDnsNameOptions", modifyPrivateDnsNameOptions, api.Params{
			Enforced: "InstanceId PrivateDnsHostnameType EnableResourceNameDnsARecord EnableResourceNameDnsAAAARecord",
		}),
		api.Op("ModifyInstanceMetadataDefaults", modifyInstanceMetadataDefaults, api.Params{
			Enforced: "HttpTokens HttpPutResponseHopLimit HttpEndpoint InstanceMetadataTags",
			Refused:  []api.Refuse{{Paths: "HttpTokensEnforced", Unless: "no-preference", Why: "instances without session tokens are not refused at launch"}},
		}),
		api.Op("GetInstanceMetadataDefaults", getInstanceMetadataDefaults, api.Params{}),
		api.Op("GetPasswordData", getPasswordData, api.Params{Enforced: "InstanceId"}),
		api.Op("DescribePlacementGroups", describePlacementGroups, api.Params{Enforced: "GroupId GroupName Filter", Filters: placementGroups.FilterNames()}),
	}
}

// one is the instance that is named.
func one(c *api.Call, id *string) (*network.Instance, error) {
	i, ok := getInstance(c, api.Value(id))
	switch {
	case !network.WellFormed(api.Value(id), "i"):
		return nil, api.InvalidID(api.Value(id), "i")
	case !ok:
		return nil, api.Gone(*id)
	}
	return i, nil
}

// modifyInstancePlacement takes an instance out of its placement group: there is no
// group that it could be put into.
func modifyInstancePlacement(c *api.Call, in *wire.ModifyInstancePlacementRequest) (*wire.ModifyInstancePlacementResult, error) {
	i, err := one(c, in.InstanceId)
	switch {
	case err != nil:
		return nil, err
	case in.GroupName == nil:
		return nil, api.Missing("GroupName")
	case *in.GroupName != "":
		return nil, unknownGroup(*in.GroupName)
	case i.State != network.InstanceStopped:
		return nil, &network.Error{Code: network.WrongState, Subject: string(i.ID), Detail: i.State.String() + " modify"}
	}
	return &wire.ModifyInstancePlacementResult{Return: new(true)}, nil
}

func unknownGroup(name string) error {
	return &api.Error{Code: "InvalidPlacementGroup.Unknown", Message: "The Placement Group '" + name + "' is unknown."}
}

// store changes what an instance only keeps.
func store(c *api.Call, id *string, kept map[string]string) error {
	_, err := c.Do(network.SetInstanceAttribute{Instance: network.InstanceID(api.Value(id)), Stored: kept})
	return err
}

func modifyInstanceMaintenanceOptions(c *api.Call, in *wire.ModifyInstanceMaintenanceOptionsRequest) (*wire.ModifyInstanceMaintenanceOptionsResult, error) {
	kept := map[string]string{}
	for key, v := range map[string]*string{storedRecovery: in.AutoRecovery, storedMigration: in.RebootMigration} {
		if v != nil {
			kept[key] = *v
		}
	}
	if len(kept) == 0 {
		return nil, api.Missing("AutoRecovery")
	}
	if err := store(c, in.InstanceId, kept); err != nil {
		return nil, err
	}
	i := c.State.Instance(network.InstanceID(*in.InstanceId))
	if i == nil {
		return nil, api.Gone(*in.InstanceId)
	}
	return &wire.ModifyInstanceMaintenanceOptionsResult{InstanceId: in.InstanceId, AutoRecovery: api.Text(cmp.Or(i.Stored[storedRecovery], "default")),
		RebootMigration: api.Text(cmp.Or(i.Stored[storedMigration], "default"))}, nil
}

// modifyPrivateDnsNameOptions changes the type of the name of stopped instances only
// (AWS: ModifyPrivateDnsNameOptions).
func modifyPrivateDnsNameOptions(c *api.Call, in *wire.ModifyPrivateDnsNameOptionsRequest) (*wire.ModifyPrivateDnsNameOptionsResult, error) {
	i, err := one(c, in.InstanceId)
	if err != nil {
		return nil, err
	}
	kept := map[string]string{}
	if in.PrivateDnsHostnameType != nil {
		if i.State != network.InstanceStopped {
			return nil, &network.Error{Code: network.WrongState, Subject: string(i.ID), Detail: i.State.String() + " modify"}
		}
		kept[storedHostname] = *in.PrivateDnsHostnameType
	}
	for key, v := range map[string]*bool{storedNameA: in.EnableResourceNameDnsARecord, storedNameAAAA: in.EnableResourceNameDnsAAAARecord} {
		if v != nil {
			kept[key] = api.Yes(*v)[0]
		}
	}
	if len(kept) == 0 {
		return nil, api.Missing("PrivateDnsHostnameType")
	}
	return &wire.ModifyPrivateDnsNameOptionsResult{Return: new(true)}, store(c, in.InstanceId, kept)
}

// noPreference is how a caller gives a default back to AWS.
const noPreference = "no-preference"

func modifyInstanceMetadataDefaults(c *api.Call, in *wire.ModifyInstanceMetadataDefaultsRequest) (*wire.ModifyInstanceMetadataDefaultsResult, error) {
	var next network.MetadataOptions
	if w := c.State.World(c.Caller); w != nil {
		next = w.Metadata
	}
	for to, v := range map[*string]*string{&next.Tokens: in.HttpTokens, &next.Endpoint: in.HttpEndpoint, &next.Tags: in.InstanceMetadataTags} {
		if v != nil {
			*to = strings.TrimPrefix(*v, noPreference)
		}
	}
	if in.HttpPutResponseHopLimit != nil {
		next.Hops = int(*in.HttpPutResponseHopLimit)
		switch {
		case next.Hops == -1: // AWS: "-1: no preference"
			next.Hops = 0
		case next.Hops < 1:
			return nil, api.InvalidValue(api.Number(next.Hops), "httpPutResponseHopLimit", "")
		}
	}
	_, err := c.Do(network.SetMetadataDefaults{Defaults: next})
	return &wire.ModifyInstanceMetadataDefaultsResult{Return: new(true)}, err
}

func getInstanceMetadataDefaults(c *api.Call, _ *wire.GetInstanceMetadataDefaultsRequest) (*wire.GetInstanceMetadataDefaultsResult, error) {
	var m network.MetadataOptions
	if w := c.State.World(c.Caller); w != nil {
		m = w.Metadata
	}
	out := &wire.InstanceMetadataDefaultsResponse{HttpTokens: api.Text(m.Tokens), HttpEndpoint: api.Text(m.Endpoint), InstanceMetadataTags: api.Text(m.Tags), ManagedBy: new("account")}
	if m.Hops > 0 {
		out.HttpPutResponseHopLimit = api.Long(m.Hops)
	}
	return &wire.GetInstanceMetadataDefaultsResult{AccountLevel: out}, nil
}

// getPasswordData: only Windows has a password to give; for all others AWS's is empty.
func getPasswordData(c *api.Call, in *wire.GetPasswordDataRequest) (*wire.GetPasswordDataResult, error) {
	i, err := one(c, in.InstanceId)
	if err != nil {
		return nil, err
	}
	return &wire.GetPasswordDataResult{InstanceId: in.InstanceId, Timestamp: new(i.Launched), PasswordData: new("")}, nil
}

// placementGroups are none.
var placementGroups = api.Listing[struct{}]{
	Filters: append(api.Absent[struct{}]("group-name group-arn spread-level state strategy"), api.Absent[struct{}]("tag-key")...),
}

func describePlacementGroups(c *api.Call, in *wire.DescribePlacementGroupsRequest) (*wire.DescribePlacementGroupsResult, error) {
	for _, name := range append(in.GroupNames, in.GroupIds...) {
		return nil, unknownGroup(name)
	}
	l := placementGroups
	l.All = func(*api.Call) iter.Seq[struct{}] { return func(func(struct{}) bool) {} }
	l.Tags = func(*api.Call, struct{}) network.Tags { return nil }
	if _, _, err := l.Rows(c, api.Query{Filters: in.Filters}); err != nil {
		return nil, err
	}
	return &wire.DescribePlacementGroupsResult{PlacementGroups: []wire.PlacementGroup{}}, nil
}
