package network

import (
	"errors"
	"reflect"
	"slices"
	"testing"
)

// estate is one of everything in one account and Region.
type estate struct {
	vpc           VPCID
	subnet        SubnetID
	eni           ENIID
	instance      InstanceID
	table         RouteTableID
	peering       PeeringID
	group         GroupID
	rule          RuleID
	acl           ACLID
	gateway       GatewayID
	key           KeyPairID
	flowLog       FlowLogID
	path          InsightsPathID
	analysis      InsightsAnalysisID
	scope         AccessScopeID
	scopeAnalysis AccessScopeAnalysisID
	egress        EgressGatewayID
	address       AllocationID
	options       DHCPOptionsID
	// The associations, by the prefix of their IDs.
	tableAssoc, aclAssoc, vpcBlock, subnetBlock AssociationID
	attachment                                  AttachmentID
}

func (w *site) newEstate(c Caller) estate {
	w.Helper()
	w.doAs(c, OpenWorld{Zones: zones})
	v := w.VPC(VPCID(w.doAs(c, CreateVPC{CIDR: cidr("10.0.0.0/16"), Amazon6: true})))
	peer := w.newVPC(c, "10.1.0.0/16")
	n := w.newSubnet(c, v.ID, "10.0.1.0/24")
	i := w.newInstance(c, n.ID)
	g := w.SecurityGroup(v.DefaultGroup)
	iv := InsightsPathID(w.doAs(c, CreateInsightsPath{InsightsPathSpec: InsightsPathSpec{Source: string(i), Destination: string(i), Protocol: TCP, Port: new(80),
		AtSource: PacketFilter{SourcePorts: &PortRange{1, 2}}}}))
	scope := AccessScopeID(w.doAs(c, CreateAccessScope{Content: Document(`{}`)}))
	return estate{
		path: iv, scope: scope,
		analysis:      InsightsAnalysisID(w.doAs(c, StartInsightsAnalysis{Path: iv, Result: Document(`{"a":1}`)})),
		scopeAnalysis: AccessScopeAnalysisID(w.doAs(c, StartAccessScopeAnalysis{Scope: scope})),
		vpc:           v.ID, subnet: n.ID, eni: w.newENI(c, n.ID).ID, instance: i, table: v.MainTable,
		peering: w.newPeering(c, v.ID, c, peer.ID), group: g.ID, rule: g.Rules[0].ID, acl: v.DefaultACL,
		gateway:    slices.Collect(w.GatewaysOf(c))[0].ID,
		key:        KeyPairID(w.doAs(c, ImportKeyPair{Name: "ops"})),
		egress:     EgressGatewayID(w.doAs(c, CreateEgressGateway{VPC: v.ID})),
		address:    AllocationID(w.doAs(c, AllocateAddress{})),
		options:    DHCPOptionsID(w.doAs(c, CreateDHCPOptions{Options: []DHCPOption{{"domain-name", []string{"a"}}}})),
		flowLog:    FlowLogID(w.doAs(c, CreateFlowLogs{Resources: []string{string(v.ID)}, FlowLogSpec: everyPacket})),
		tableAssoc: AssociationID(w.doAs(c, AssociateTable{v.MainTable, n.ID})),
		aclAssoc:   n.ACLAssociation, vpcBlock: v.Blocks[0].Association,
		subnetBlock: AssociationID(w.doAs(c, AssociateSubnetBlock{n.ID, subnetOf6(v)})),
		attachment:  slices.Collect(w.ENIsAt(i))[0].Attachment.ID,
	}
}

// asking are requests that name only things of the estate.
func (e estate) asking() []Request {
	entry := ACLEntry{Number: 7, Protocol: AnyProtocol, CIDR: anywhere}
	return []Request{
		CreateRoute{e.table, cidr("10.9.0.0/16"), ToPeering{e.peering}},
		CreateRoute{e.table, cidr("10.9.0.0/16"), ToENI{ENI: e.eni}},
		CreateRoute{e.table, cidr("10.9.0.0/16"), ToENI{Instance: e.instance}},
		ReplaceRoute{e.table, cidr("10.0.0.0/16"), ToENI{ENI: e.eni}},
		DeleteRoute{e.table, cidr("10.9.0.0/16")},
		CreateRouteTable{VPC: e.vpc}, DeleteRouteTable{e.table}, AssociateTable{e.table, e.subnet},
		DisassociateTable{e.tableAssoc}, ReplaceTableAssociation{e.tableAssoc, e.table},
		RequestPeering{VPC: e.vpc, PeerVPC: "vpc-0123456789abcdef0"}, AcceptPeering{e.peering}, RejectPeering{e.peering},
		DeletePeering{e.peering}, SetPeeringOptions{Peering: e.peering, RequesterRemoteDNS: ptr(false)},
		CreateSecurityGroup{VPC: e.vpc, Name: "n", Description: "d"}, DeleteSecurityGroup{e.group},
		AuthorizeRules{Group: e.group, Rules: []RuleSpec{tcp(1, "10.0.0.0/8")}},
		RevokeRules{Group: e.group, IDs: []RuleID{e.rule}}, ModifyRules{Group: e.group, Rules: []Rule{{e.rule, tcp(1, "10.0.0.0/8")}}},
		DescribeRules{Group: e.group, ByID: []Rule{{ID: e.rule}}},
		CreateACL{VPC: e.vpc}, DeleteACL{e.acl}, CreateACLEntry{e.acl, entry}, ReplaceACLEntry{e.acl, entry},
		DeleteACLEntry{e.acl, 100, false}, ReplaceACLAssociation{e.aclAssoc, e.acl},
		DeleteVPC{e.vpc}, SetVPCAttribute{VPC: e.vpc}, AssociateVPCBlock{VPC: e.vpc}, DisassociateVPCBlock{e.vpcBlock},
		CreateSubnet{VPC: e.vpc, CIDR: cidr("10.0.9.0/24"), Zones: zones}, DeleteSubnet{e.subnet},
		SetSubnetAttribute{Subnet: e.subnet}, DisassociateSubnetBlock{e.subnetBlock},
		CreateENI{ENISpec: ENISpec{Subnet: e.subnet, Groups: []GroupID{e.group}}}, DeleteENI{e.eni},
		AttachENI{e.eni, e.instance, 1}, DetachENI{Attachment: e.attachment}, SetENIAttribute{ENI: e.eni, Groups: []GroupID{e.group}},
		StartInstances{[]InstanceID{e.instance}}, StopInstances{Instances: []InstanceID{e.instance}},
		RebootInstances{[]InstanceID{e.instance}}, TerminateInstances{[]InstanceID{e.instance}},
		SetInstanceAttribute{Instance: e.instance, Groups: []GroupID{e.group}},
		DeleteFlowLogs{[]FlowLogID{e.flowLog}},
		CreateInsightsPath{InsightsPathSpec: InsightsPathSpec{Source: string(e.eni), Destination: string(e.instance)}},
		DeleteInsightsPath{e.path}, StartInsightsAnalysis{Path: e.path}, DeleteInsightsAnalysis{e.analysis},
		DeleteAccessScope{e.scope}, StartAccessScopeAnalysis{Scope: e.scope}, DeleteAccessScopeAnalysis{e.scopeAnalysis},
		DeleteGateway{e.gateway}, AttachGateway{e.gateway, e.vpc}, CreateEgressGateway{VPC: e.vpc}, DeleteEgressGateway{e.egress},
		CreateRoute{e.table, cidr("2001:db8::/32"), ToEgress{e.egress}},
		ReleaseAddress{e.address}, SetAddressAttribute{Allocation: e.address}, AssociateAddress{Allocation: e.address, ENI: e.eni},
		DeleteDHCPOptions{e.options}, AssociateDHCPOptions{e.options, e.vpc},
	}
}

// ids finds the IDs in a request that are those of the estate's, as settable values.
func (e estate) ids(v reflect.Value) []reflect.Value {
	switch v.Kind() {
	case reflect.String:
		own := reflect.ValueOf(e)
		for k := range own.NumField() {
			if f := own.Field(k); f.Type() == v.Type() && f.String() == v.String() {
				return []reflect.Value{v}
			}
		}
	case reflect.Struct:
		var out []reflect.Value
		for k := range v.NumField() {
			if v.Type().Field(k).IsExported() {
				out = append(out, e.ids(v.Field(k))...)
			}
		}
		return out
	case reflect.Slice:
		var out []reflect.Value
		for k := range v.Len() {
			out = append(out, e.ids(v.Index(k))...)
		}
		return out
	}
	return nil
}

// swapped gives every request that is r with one of its IDs in other's place.
func (e estate) swapped(r Request, to func(id reflect.Value) string) []Request {
	var out []Request
	for k := 0; ; k++ {
		fresh := reflect.New(reflect.TypeOf(r)).Elem()
		fresh.Set(deepCopy(reflect.ValueOf(r)))
		ids := e.ids(fresh)
		// A route's target is behind an interface, which can't be set in place.
		if route, ok := r.(CreateRoute); ok && k == len(ids) {
			target := reflect.New(reflect.TypeOf(route.To)).Elem()
			target.Set(reflect.ValueOf(route.To))
			inner := e.ids(target)
			inner[0].SetString(to(inner[0]))
			route.To = target.Interface().(Target)
			return append(out, route)
		}
		if k == len(ids) {
			return out
		}
		ids[k].SetString(to(ids[k]))
		out = append(out, fresh.Interface().(Request))
	}
}

// deepCopy shares no slice with v.
func deepCopy(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	for k := range v.NumField() {
		f := v.Field(k)
		switch {
		case !v.Type().Field(k).IsExported():
		case f.Kind() == reflect.Struct:
			out.Field(k).Set(deepCopy(f))
		case f.Kind() == reflect.Slice && !f.IsNil():
			s := reflect.MakeSlice(f.Type(), f.Len(), f.Len())
			reflect.Copy(s, f)
			out.Field(k).Set(s)
		}
	}
	return out
}

// AWS: Error codes for the Amazon EC2 API: another account's or Region's thing does
// not exist, whatever is asked of it; and nothing of an answer says otherwise.
func TestNobodyReachesIntoAnotherAccountOrRegion(t *testing.T) {
	w := newSite(t)
	mine := w.newEstate(home)
	tried := 0
	for _, c := range []Caller{stranger, elsewhere} {
		theirs := w.newEstate(c)
		for _, r := range mine.asking() {
			for _, swapped := range mine.swapped(r, theirs.alike(mine)) {
				tried++
				_, err := w.Apply(w.op(home, swapped))
				var refusal *Error
				if !errors.As(err, &refusal) || refusal.Code != NotFound || refusal.Detail != "" {
					t.Errorf("%T %+v: %v", swapped, swapped, err)
				}
			}
		}
	}
	if tried < 100 {
		t.Errorf("only %d requests were tried", tried)
	}
}

// alike gives of e what stands in its place in other.
func (e estate) alike(other estate) func(reflect.Value) string {
	return func(id reflect.Value) string {
		from, to := reflect.ValueOf(other), reflect.ValueOf(e)
		for k := range from.NumField() {
			if from.Field(k).Type() == id.Type() && from.Field(k).String() == id.String() {
				return to.Field(k).String()
			}
		}
		panic("unreachable: only the estate's IDs are swapped")
	}
}

// AWS: Error codes, Invalid…ID.Malformed: an empty ID is not the same as none.
func TestWhatIsNoIDIsMalformed(t *testing.T) {
	w := newSite(t)
	mine := w.newEstate(home)
	for _, bad := range []string{"", "x", "vpc-0123456789ABCDEF0", "sg-0123456789abcdef01", "rtb-1234567", "pcx_0123456789abcdef0"} {
		for _, r := range mine.asking() {
			for _, swapped := range mine.swapped(r, func(reflect.Value) string { return bad }) {
				if optional(r, swapped) {
					continue
				}
				_, err := w.Apply(w.op(home, swapped))
				var refusal *Error
				if !errors.As(err, &refusal) || refusal.Code != Malformed || refusal.Subject != bad || refusal.Detail == "" {
					t.Errorf("%T %+v: %v", swapped, swapped, err)
				}
			}
		}
	}
}

// optional reports whether an empty ID in a target means that there is none.
func optional(was, is Request) bool {
	if a, ok := is.(AssociateAddress); ok {
		return a.ENI == ""
	}
	a, ok := was.(CreateRoute)
	if !ok {
		return false
	}
	before, _ := a.To.(ToENI)
	after, _ := is.(CreateRoute).To.(ToENI)
	return before.Instance != "" && after.Instance == ""
}

// Each of a caller's lists holds what is the caller's and nothing else.
func TestListsAreTheCallersOwn(t *testing.T) {
	w := newSite(t)
	callers := []Caller{home, stranger, elsewhere}
	for _, c := range callers {
		w.newEstate(c)
	}
	seen := map[string]int{}
	count := func(c Caller, kind string, mine bool) {
		if !mine {
			t.Errorf("%v is shown a %s of another's", c, kind)
		}
		seen[kind]++
	}
	for _, c := range callers {
		for v := range w.VPCsOf(c) {
			count(c, "VPC", v.In(c))
		}
		for n := range w.SubnetsOf(c) {
			count(c, "subnet", n.In(c))
		}
		for e := range w.ENIsOf(c) {
			count(c, "interface", e.In(c))
		}
		for i := range w.InstancesOf(c) {
			count(c, "instance", i.In(c))
		}
		for r := range w.RouteTablesOf(c) {
			count(c, "table", r.In(c))
		}
		for p := range w.PeeringsOf(c) {
			count(c, "peering", p.In(c))
		}
		for g := range w.SecurityGroupsOf(c) {
			count(c, "group", g.In(c))
		}
		for a := range w.ACLsOf(c) {
			count(c, "ACL", a.In(c))
		}
		for g := range w.GatewaysOf(c) {
			count(c, "gateway", g.In(c))
		}
		for k := range w.KeyPairsOf(c) {
			count(c, "key pair", k.In(c))
		}
		for g := range w.EgressGatewaysOf(c) {
			count(c, "egress gateway", g.In(c))
		}
		for a := range w.AddressesOf(c) {
			count(c, "address", a.In(c))
		}
		for d := range w.DHCPOptionsOf(c) {
			count(c, "option set", d.In(c))
		}
		for f := range w.FlowLogsOf(c) {
			count(c, "flow log", f.In(c))
		}
		for p := range w.InsightsPathsOf(c) {
			count(c, "path", p.In(c))
		}
		for a := range w.InsightsAnalysesOf(c) {
			count(c, "analysis", a.In(c))
		}
		for s := range w.AccessScopesOf(c) {
			count(c, "scope", s.In(c))
		}
		for a := range w.AccessScopeAnalysesOf(c) {
			count(c, "scope analysis", a.In(c))
		}
	}
	for kind, total := range map[string]int{
		"VPC": w.vpcs.len(), "subnet": w.subnets.len(), "interface": w.enis.len(), "instance": w.instances.len(),
		"table": w.routeTables.len(), "peering": w.peerings.len(), "group": w.groups.len(), "ACL": w.acls.len(),
		"gateway": w.gateways.len(), "key pair": w.keyPairs.len(), "flow log": w.flowLogs.len(),
		"path": w.insightsPaths.len(), "analysis": w.insightsAnalyses.len(), "scope": w.accessScopes.len(), "scope analysis": w.scopeAnalyses.len(),
		"egress gateway": w.egress.len(), "address": w.addresses.len(), "option set": w.optionSets.len() + w.worlds.len(),
	} {
		if seen[kind] != total || total == 0 {
			t.Errorf("the lists hold %d of %d (%s)", seen[kind], total, kind)
		}
	}
}
