package lab

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"tombolo/client"
)

// by is a filter of a describe call.
func by(pairs ...string) option {
	var params []string
	for i := 0; i+1 < len(pairs); i += 2 {
		at := fmt.Sprintf("Filter.%d.", i/2+1)
		params = append(params, at+"Name", pairs[i])
		for n, v := range strings.Split(pairs[i+1], ",") {
			params = append(params, fmt.Sprintf("%sValue.%d", at, n+1), v)
		}
	}
	return as("", params...)
}

// alive are the states of instances that still exist.
const alive = "pending,running,stopping,stopped"

// find looks for the departments that a guided lab made, and for what the person
// who plays it has made of them; it reports whether all three VPCs are there.
func (p *play) find(ctx context.Context) (bool, error) {
	vpcs, err := p.quiet(ctx, "describe-vpcs", by("tag-key", Mark))
	if err != nil {
		return false, err
	}
	for _, d := range p.departments {
		d.vpc = ""
		for _, v := range vpcs.Items("vpcSet") {
			if v.Tag("Name") == d.name {
				d.vpc = v.Text("vpcId")
			}
		}
		if d.vpc == "" {
			return false, nil
		}
		if err := p.findServer(ctx, d); err != nil {
			return false, err
		}
		if err := p.findRules(ctx, d); err != nil {
			return false, err
		}
	}
	p.marketPeer, p.marketStatus, err = p.findPeering(ctx, p.marketing)
	if err != nil {
		return false, err
	}
	p.developPeer, p.developStatus, err = p.findPeering(ctx, p.developer)
	return true, err
}

// findServer finds a department's server and where it is.
func (p *play) findServer(ctx context.Context, d *department) error {
	tree, err := p.quiet(ctx, "describe-instances", by("vpc-id", d.vpc, "tag:Name", d.server, "instance-state-name", alive))
	if err != nil {
		return err
	}
	d.instance, d.state = "", "gone"
	for _, r := range tree.Items("reservationSet") {
		for _, i := range r.Items("instancesSet") {
			d.instance, d.state, d.subnet = i.Text("instanceId"), i.Text("instanceState.name"), i.Text("subnetId")
			d.address, d.eni = i.Text("privateIpAddress"), i.Text("networkInterfaceSet.item.networkInterfaceId")
			d.group = i.Text("groupSet.item.groupId")
		}
	}
	return nil
}

// findRules finds the route table and the network ACL of a server's subnet.
func (p *play) findRules(ctx context.Context, d *department) error {
	tables, err := p.quiet(ctx, "describe-route-tables", by("vpc-id", d.vpc))
	if err != nil {
		return err
	}
	for _, t := range tables.Items("routeTableSet") {
		for _, a := range t.Items("associationSet") {
			own := a.Text("subnetId") == d.subnet && d.subnet != ""
			if own || a.Text("main") == "true" && d.table == "" {
				d.table, d.routes = t.Text("routeTableId"), t.Items("routeSet")
			}
		}
	}
	acls, err := p.quiet(ctx, "describe-network-acls", by("association.subnet-id", d.subnet))
	if err != nil {
		return err
	}
	for _, a := range acls.Items("networkAclSet") {
		d.acl = a.Text("networkAclId")
	}
	return nil
}

// findPeering finds a department's peering connection with Finance, whoever of the
// two asked: the one that is active, or else the one that came furthest.
func (p *play) findPeering(ctx context.Context, d *department) (id, status string, err error) {
	tree, err := p.quiet(ctx, "describe-vpc-peering-connections")
	if err != nil {
		return "", "", err
	}
	order := []string{"active", "provisioning", "pending-acceptance"}
	rank := func(status string) int {
		if i := slices.Index(order, status); i >= 0 {
			return i
		}
		return len(order)
	}
	for _, c := range tree.Items("vpcPeeringConnectionSet") {
		a, b := c.Text("requesterVpcInfo.vpcId"), c.Text("accepterVpcInfo.vpcId")
		if a+b != d.vpc+p.finance.vpc && b+a != d.vpc+p.finance.vpc {
			continue
		}
		if s := c.Text("status.code"); id == "" || rank(s) < rank(status) {
			id, status = c.Text("vpcPeeringConnectionId"), s
		}
	}
	return id, cmp.Or(status, "not there"), nil
}

// way is where a department's route table leads an address: the peering connection,
// if it is one, and the route's state.
func (d *department) way(to string) (peering, state string) {
	addr, err := netip.ParseAddr(to)
	if err != nil {
		return "", "not there"
	}
	longest := -1
	state = "not there"
	for _, r := range d.routes {
		dst, err := netip.ParsePrefix(r.Text("destinationCidrBlock"))
		if err == nil && dst.Contains(addr) && dst.Bits() > longest {
			longest, peering, state = dst.Bits(), r.Text("vpcPeeringConnectionId"), r.Text("state")
		}
	}
	return peering, state
}

// dead counts a department's routes that lead to a peering connection that is gone.
func (d *department) dead() int {
	n := 0
	for _, r := range d.routes {
		if r.Text("state") == "blackhole" && r.Text("vpcPeeringConnectionId") != "" {
			n++
		}
	}
	return n
}

// clear removes the lab's VPCs, with everything that is in them.
func (p *play) clear(ctx context.Context) error {
	vpcs, err := p.quiet(ctx, "describe-vpcs", by("tag-key", Mark))
	if err != nil {
		return err
	}
	for _, v := range vpcs.Items("vpcSet") {
		if err := p.clearVPC(ctx, v.Text("vpcId")); err != nil {
			return err
		}
	}
	return nil
}

// things are what is in a VPC and has to go before it, in this order.
var things = []struct {
	describe, filter, list, id string // how to find them
	remove, param              string // how to remove one
	standard                   string // a path that is "true" or "default" of what goes with the VPC
}{
	{"describe-network-interfaces", "vpc-id", "networkInterfaceSet", "networkInterfaceId", "delete-network-interface", "NetworkInterfaceId", ""},
	{"describe-subnets", "vpc-id", "subnetSet", "subnetId", "delete-subnet", "SubnetId", ""},
	{"describe-route-tables", "vpc-id", "routeTableSet", "routeTableId", "delete-route-table", "RouteTableId", "associationSet.item.main"},
	{"describe-network-acls", "vpc-id", "networkAclSet", "networkAclId", "delete-network-acl", "NetworkAclId", "default"},
	{"describe-security-groups", "vpc-id", "securityGroupInfo", "groupId", "delete-security-group", "GroupId", "groupName"},
}

func (p *play) clearVPC(ctx context.Context, vpc string) error {
	if err := p.clearPeerings(ctx, vpc); err != nil {
		return err
	}
	if err := p.clearInstances(ctx, vpc); err != nil {
		return err
	}
	for _, t := range things {
		tree, err := p.quiet(ctx, t.describe, by(t.filter, vpc))
		if err != nil {
			return err
		}
		for _, n := range tree.Items(t.list) {
			if s := n.Text(t.standard); t.standard != "" && (s == "true" || s == "default") {
				continue
			}
			if _, err := p.quiet(ctx, t.remove, as("", t.param, n.Text(t.id))); err != nil {
				return err
			}
		}
	}
	_, err := p.quiet(ctx, "delete-vpc", opt("vpc-id", vpc))
	return err
}

func (p *play) clearPeerings(ctx context.Context, vpc string) error {
	tree, err := p.quiet(ctx, "describe-vpc-peering-connections")
	if err != nil {
		return err
	}
	for _, c := range tree.Items("vpcPeeringConnectionSet") {
		mine := c.Text("requesterVpcInfo.vpcId") == vpc || c.Text("accepterVpcInfo.vpcId") == vpc
		if s := c.Text("status.code"); !mine || s != "active" && s != "pending-acceptance" {
			continue
		}
		if _, err := p.quiet(ctx, "delete-vpc-peering-connection", opt("vpc-peering-connection-id", c.Text("vpcPeeringConnectionId"))); err != nil {
			return err
		}
	}
	return nil
}

func (p *play) clearInstances(ctx context.Context, vpc string) error {
	living := func() ([]*client.Node, error) {
		tree, err := p.quiet(ctx, "describe-instances", by("vpc-id", vpc, "instance-state-name", alive+",shutting-down"))
		if err != nil {
			return nil, err
		}
		var out []*client.Node
		for _, r := range tree.Items("reservationSet") {
			out = append(out, r.Items("instancesSet")...)
		}
		return out, nil
	}
	all, err := living()
	if err != nil {
		return err
	}
	for _, i := range all {
		if _, err := p.quiet(ctx, "terminate-instances", as("", "InstanceId.1", i.Text("instanceId"))); err != nil {
			return err
		}
	}
	ok, err := p.until(ctx, "instances terminate", bootLimit, func() (bool, error) {
		all, err := living()
		return len(all) == 0, err
	})
	if err == nil && !ok {
		err = fmt.Errorf("the instances of %s have not terminated after %v", vpc, bootLimit)
	}
	return err
}
