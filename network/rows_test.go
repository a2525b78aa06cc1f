package network

// requests are one of each kind.
var requests = []Request{
	OpenWorld{}, CreateVPC{}, CreateDefaultVPC{}, DeleteVPC{}, SetVPCAttribute{}, AssociateVPCBlock{},
	DisassociateVPCBlock{}, CreateSubnet{}, CreateDefaultSubnet{}, DeleteSubnet{}, SetSubnetAttribute{},
	AssociateSubnetBlock{}, DisassociateSubnetBlock{}, CreateENI{}, DeleteENI{}, AttachENI{}, DetachENI{},
	SetENIAttribute{}, AssignAddrs{}, UnassignAddrs{}, AssignAddrs6{}, UnassignAddrs6{}, RunInstances{},
	StartInstances{}, StopInstances{}, RebootInstances{}, TerminateInstances{}, SetInstanceAttribute{},
	ReportStarted{}, ReportStopped{}, ReportEnded{}, CreateRouteTable{}, DeleteRouteTable{}, CreateRoute{},
	ReplaceRoute{}, DeleteRoute{}, AssociateTable{}, DisassociateTable{}, ReplaceTableAssociation{},
	RequestPeering{}, AcceptPeering{}, RejectPeering{}, DeletePeering{}, SetPeeringOptions{}, Settle{},
	CreateSecurityGroup{}, DeleteSecurityGroup{}, AuthorizeRules{}, RevokeRules{}, ModifyRules{}, DescribeRules{},
	CreateACL{}, DeleteACL{}, CreateACLEntry{}, ReplaceACLEntry{}, DeleteACLEntry{}, ReplaceACLAssociation{},
	CreateGateway{}, DeleteGateway{}, AttachGateway{}, DetachGateway{}, CreateEgressGateway{}, DeleteEgressGateway{},
	AllocateAddress{}, AssociateAddress{}, DisassociateAddress{}, ReleaseAddress{}, SetAddressAttribute{},
	CreateDHCPOptions{}, DeleteDHCPOptions{}, AssociateDHCPOptions{},
	CreateTags{}, DeleteTags{}, ImportKeyPair{}, DeleteKeyPair{}, SetQuota{}, SetQuotas{}, SetMetadataDefaults{},
	CreateLaunchTemplate{}, CreateTemplateVersion{}, SetDefaultVersion{}, DeleteLaunchTemplate{}, DeleteTemplateVersions{},
	CreateFlowLogs{}, DeleteFlowLogs{}, ReportDelivery{},
	CreateInsightsPath{}, DeleteInsightsPath{}, StartInsightsAnalysis{}, DeleteInsightsAnalysis{},
	CreateAccessScope{}, DeleteAccessScope{}, StartAccessScopeAnalysis{}, FinishAccessScopeAnalysis{}, DeleteAccessScopeAnalysis{},
}

// storedRow is a row as the store sees it.
type storedRow struct {
	kind, key string
	row       any
}

// allRows are all rows of a State, table by table.
func allRows(s State) []storedRow {
	var out []storedRow
	collect(&out, kindWorld, s.worlds)
	collect(&out, kindVPC, s.vpcs)
	collect(&out, kindSubnet, s.subnets)
	collect(&out, kindENI, s.enis)
	collect(&out, kindInstance, s.instances)
	collect(&out, kindRouteTable, s.routeTables)
	collect(&out, kindPeering, s.peerings)
	collect(&out, kindGroup, s.groups)
	collect(&out, kindACL, s.acls)
	collect(&out, kindGateway, s.gateways)
	collect(&out, kindEgress, s.egress)
	collect(&out, kindAddress, s.addresses)
	collect(&out, kindDHCPOptions, s.optionSets)
	collect(&out, kindKeyPair, s.keyPairs)
	collect(&out, kindFlowLog, s.flowLogs)
	collect(&out, kindInsightsPath, s.insightsPaths)
	collect(&out, kindInsightsAnalysis, s.insightsAnalyses)
	collect(&out, kindAccessScope, s.accessScopes)
	collect(&out, kindScopeAnalysis, s.scopeAnalyses)
	collect(&out, kindTemplate, s.templates)
	collect(&out, kindTags, s.tags)
	collect(&out, kindToken, s.tokens)
	return out
}

func collect[V row](out *[]storedRow, kind string, t table[V]) {
	for v := range t.all() {
		*out = append(*out, storedRow{kind, v.key(), v})
	}
}
