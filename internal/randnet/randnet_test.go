package randnet

import (
	"maps"
	"slices"
	"testing"

	"tombolo/network"
)

func TestTheSameSeedMakesTheSameNetwork(t *testing.T) {
	a, b := New(7), New(7)
	if !slices.Equal(rows(a.State), rows(b.State)) {
		t.Error("two networks of one seed differ")
	}
	if slices.Equal(rows(a.State), rows(New(8).State)) {
		t.Error("two seeds make one network")
	}
}

// rows are the IDs of what exists.
func rows(s network.State) []string {
	var out []string
	for v := range s.VPCs() {
		out = append(out, string(v.ID))
	}
	for e := range s.ENIs() {
		out = append(out, string(e.ID))
	}
	for t := range s.RouteTables() {
		for _, r := range t.Routes {
			out = append(out, string(t.ID)+r.Dst.String())
		}
	}
	for g := range s.SecurityGroups() {
		for _, r := range g.Rules {
			out = append(out, string(r.ID))
		}
	}
	return out
}

func TestReplayMakesANetworkAlone(t *testing.T) {
	site := new(Site)
	first, second := site.Add(1), site.Add(2)
	first.Change()
	second.Change()
	alone := Replay(second.Ops())
	for _, id := range second.ENIs() {
		a, b := alone.ENI(id), site.State.ENI(id)
		if a == nil || !slices.Equal(a.AllAddrs(), b.AllAddrs()) || !slices.Equal(a.Groups, b.Groups) {
			t.Errorf("%s alone is %+v, beside another network %+v", id, a, b)
		}
	}
	for _, id := range first.ENIs() {
		if alone.ENI(id) != nil {
			t.Errorf("%s of the other network is there", id)
		}
	}
	for table := range alone.RouteTables() {
		if got := site.State.RouteTable(table.ID); !slices.Equal(got.Routes, table.Routes) {
			t.Errorf("%s alone has %v, beside another network %v", table.ID, table.Routes, got.Routes)
		}
	}
}

func TestReplayOfAPartIsAState(t *testing.T) {
	ops := New(3).Ops()
	for at := 0; at < len(ops); at += 7 {
		s := Replay(slices.Delete(slices.Clone(ops), at, min(at+3, len(ops))))
		for e := range s.ENIs() {
			if s.Subnet(e.Subnet) == nil || s.VPC(e.VPC) == nil {
				t.Fatalf("without ops %d to %d, %s hangs in the air", at, at+3, e.ID)
			}
		}
	}
}

// Whatever the analyzer and the data plane treat apart must occur often.
func TestEverythingOccurs(t *testing.T) {
	const networks = 120
	seen := map[string]int{}
	for seed := range uint64(networks) {
		n := New(seed)
		for range 6 {
			n.Change()
		}
		for _, feature := range features(n) {
			seen[feature]++
		}
	}
	for _, want := range []string{
		"peering active", "peering failed", "peering pending-acceptance", "overlapping peers", "route blackhole", "route to middlebox", "route more specific than local",
		"local route redirected", "route to gateway", "second interface", "idle interface", "secondary address", "stopped instance", "unchecked",
		"group reference", "group reference across a peering", "stale rule", "own ACL", "ACL denies", "IPv4 only", "another account",
	} {
		if seen[want] < networks/25 {
			t.Errorf("%s: in %d of %d networks", want, seen[want], networks)
		}
	}
	t.Log(seen)
}

func features(n *Net) []string {
	s, out := n.State, map[string]bool{}
	for p := range s.Peerings() {
		out["peering "+p.Status.String()] = true
	}
	for a := range s.Peerings() {
		for b := range s.Peerings() {
			if a != b && a.Status == network.PeeringActive && b.Status == network.PeeringActive && overlappingPeers(s, a, b) {
				out["overlapping peers"] = true
			}
		}
	}
	for _, id := range n.tables {
		t := s.RouteTable(id)
		for _, r := range t.Routes {
			tableFeatures(s, t, r, out)
		}
	}
	for e := range s.ENIs() {
		out["second interface"] = out["second interface"] || e.Attachment != nil && e.Attachment.Device > 0
		out["idle interface"] = out["idle interface"] || e.Attachment == nil
		out["secondary address"] = out["secondary address"] || len(e.Addrs) > 1
		out["unchecked"] = out["unchecked"] || !e.SourceDestCheck
		out["IPv4 only"] = out["IPv4 only"] || len(e.Addrs6) == 0
		out["another account"] = out["another account"] || e.Owner != n.home.Account
	}
	for i := range s.Instances() {
		out["stopped instance"] = out["stopped instance"] || i.State == network.InstanceStopped
	}
	gateFeatures(s, out)
	maps.DeleteFunc(out, func(_ string, yes bool) bool { return !yes })
	return slices.Collect(maps.Keys(out))
}

func overlappingPeers(s network.State, a, b *network.Peering) bool {
	for _, hub := range []network.VPCID{a.Requester.VPC, a.Accepter.VPC} {
		x, y := s.VPC(a.Other(hub)), s.VPC(b.Other(hub))
		if x != nil && y != nil && x.Blocks[0].CIDR.Overlaps(y.Blocks[0].CIDR) {
			return true
		}
	}
	return false
}

func tableFeatures(s network.State, t *network.RouteTable, r network.Route, out map[string]bool) {
	out["route blackhole"] = out["route blackhole"] || !s.RouteActive(t.VPC, r)
	inside := false
	for _, block := range s.VPC(t.VPC).Prefixes() {
		inside = inside || block != r.Dst && block.Overlaps(r.Dst) && block.Bits() < r.Dst.Bits()
	}
	switch to := r.To.(type) {
	case network.ToENI:
		out["route to middlebox"] = out["route to middlebox"] || !s.ENI(to.ENI).SourceDestCheck
		out["route more specific than local"] = out["route more specific than local"] || inside
		out["local route redirected"] = out["local route redirected"] || r.Origin == network.OriginTable
	case network.ToGateway:
		out["route to gateway"] = true
	case network.ToEgress:
		out["route to egress-only gateway"] = true
	}
}

func gateFeatures(s network.State, out map[string]bool) {
	for g := range s.SecurityGroups() {
		for _, r := range g.Rules {
			peer, ok := r.Peer.(network.PeerGroup)
			if !ok || g.Default {
				continue
			}
			out["group reference"] = true
			if other := s.SecurityGroup(peer.Group); other.VPC != g.VPC {
				out["group reference across a peering"] = true
			}
			out["stale rule"] = out["stale rule"] || !s.PeerAlive(g, peer)
		}
	}
	for a := range s.ACLs() {
		out["own ACL"] = out["own ACL"] || !a.Default
		for _, e := range a.Entries {
			out["ACL denies"] = out["ACL denies"] || !e.Allow
		}
	}
}
