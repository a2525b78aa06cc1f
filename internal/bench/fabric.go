package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// small and large are the numbers of running instances, one interface each.
const small, large = 6, 1000

// offices is in how many VPCs they are.
const offices = 200

// measureFabric measures instances and changes on a daemon that carries packets. A
// call returns when packets obey, so its latency is the time from a change to its
// effect.
func measureFabric(ctx context.Context) (rows []row, err error) {
	dir, err := os.MkdirTemp("", "tombolo-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	d, err := start(dir, "linux")
	if err != nil {
		return nil, err
	}
	defer func() { d.down(dir) }()
	rows = append(rows, row{Test: "daemon, idle (RSS)", Value: d.rss(), Unit: "MiB"})
	f := &furnished{d: d}
	for len(f.offices) < offices {
		if err := f.furnish(ctx); err != nil {
			return nil, err
		}
	}
	if err := f.peer(ctx); err != nil {
		return nil, err
	}
	running := 0
	for _, n := range []int{small, large} {
		before := available()
		took, err := f.launch(ctx, running, n)
		if err != nil {
			return nil, err
		}
		if n == large {
			rows = append(rows, row{Test: "instances started", Scale: n, Value: float64(n-running) / took.Seconds(), Unit: "per s"},
				row{Test: "all instances started", Scale: n, Value: took.Seconds(), Unit: "s"},
				row{Test: "memory per idle instance", Scale: n, Value: (before - available()) * 1024 / float64(n-running), Unit: "KiB"})
		}
		running = n
		more, err := f.changes(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range more {
			r.Scale = n
			rows = append(rows, r)
		}
	}
	rows = append(rows, row{Test: "daemon (RSS)", Scale: large, Value: d.rss(), Unit: "MiB"})
	took, err := f.terminate(ctx)
	return append(rows, row{Test: "all instances terminated", Scale: large, Value: took.Seconds(), Unit: "s"}), err
}

// office is a VPC to launch instances in.
type office struct{ vpc, subnet, group, other, table, acl string }

// furnished is what fabric measurements work on: packets between its first two
// offices go over a peering.
type furnished struct {
	d         *daemon
	offices   []office
	peering   string
	instances []string
	eni       string // of the first instance
}

func (f *furnished) furnish(ctx context.Context) error {
	call := f.d.api.Call
	vpc, err := call(ctx, "CreateVpc", "CidrBlock", fmt.Sprintf("10.%d.0.0/16", len(f.offices)))
	if err != nil {
		return err
	}
	o := office{vpc: vpc.Text("vpc.vpcId")}
	subnet, err := call(ctx, "CreateSubnet", "VpcId", o.vpc, "CidrBlock", fmt.Sprintf("10.%d.0.0/20", len(f.offices)))
	if err != nil {
		return err
	}
	group, err := call(ctx, "CreateSecurityGroup", "VpcId", o.vpc, "GroupName", "bench", "GroupDescription", "bench")
	if err != nil {
		return err
	}
	ours := []string{"Filter.1.Name", "vpc-id", "Filter.1.Value.1", o.vpc}
	groups, err := call(ctx, "DescribeSecurityGroups", append(ours, "Filter.2.Name", "group-name", "Filter.2.Value.1", "default")...)
	if err != nil {
		return err
	}
	tables, err := call(ctx, "DescribeRouteTables", ours...)
	if err != nil {
		return err
	}
	acls, err := call(ctx, "DescribeNetworkAcls", ours...)
	if err != nil {
		return err
	}
	o.subnet, o.group = subnet.Text("subnet.subnetId"), group.Text("groupId")
	o.other, o.table = groups.Text("securityGroupInfo.item.groupId"), tables.Text("routeTableSet.item.routeTableId")
	o.acl = acls.Text("networkAclSet.item.networkAclId")
	f.offices = append(f.offices, o)
	return nil
}

// peer joins the first two offices.
func (f *furnished) peer(ctx context.Context) error {
	made, err := f.d.api.Call(ctx, "CreateVpcPeeringConnection", "VpcId", f.offices[0].vpc, "PeerVpcId", f.offices[1].vpc)
	if err != nil {
		return err
	}
	f.peering = made.Text("vpcPeeringConnection.vpcPeeringConnectionId")
	_, err = f.d.api.Call(ctx, "AcceptVpcPeeringConnection", "VpcPeeringConnectionId", f.peering)
	return err
}

// launch runs instances number from to to, as many in every office, and waits until
// they all run. It tells how far it is.
func (f *furnished) launch(ctx context.Context, from, to int) (time.Duration, error) {
	begin := time.Now()
	each := max(1, (to-from)/len(f.offices))
	for i := 0; from < to; i++ {
		o, n := f.offices[i%len(f.offices)], min(each, to-from)
		count := fmt.Sprint(n)
		made, err := f.d.api.Call(ctx, "RunInstances", "ImageId", "ami-0123456789abcdef0", "InstanceType", "t3.micro",
			"MinCount", count, "MaxCount", count, "SubnetId", o.subnet, "SecurityGroupId.1", o.group)
		if err != nil {
			return 0, err
		}
		for _, item := range made.Items("instancesSet") {
			f.instances = append(f.instances, item.Text("instanceId"))
			if f.eni == "" {
				f.eni = item.Text("networkInterfaceSet.item.networkInterfaceId")
			}
		}
		from += n
		if from/100 > (from-n)/100 {
			fmt.Fprintf(os.Stderr, "bench: %d of %d instances launched\n", from, to)
		}
	}
	return f.until(ctx, begin, "pending")
}

// until waits until no instance is in a state any more.
func (f *furnished) until(ctx context.Context, begin time.Time, state string) (time.Duration, error) {
	for {
		tree, err := f.d.api.Call(ctx, "DescribeInstanceStatus", "IncludeAllInstances", "true", "Filter.1.Name", "instance-state-name", "Filter.1.Value.1", state)
		if err != nil {
			return 0, err
		}
		if len(tree.Items("instanceStatusSet")) == 0 {
			return time.Since(begin), nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// terminate ends all instances.
func (f *furnished) terminate(ctx context.Context) (time.Duration, error) {
	begin := time.Now()
	var params []string
	for i, id := range f.instances {
		params = append(params, fmt.Sprintf("InstanceId.%d", i+1), id)
	}
	if _, err := f.d.api.Call(ctx, "TerminateInstances", params...); err != nil {
		return 0, err
	}
	return f.until(ctx, begin, "shutting-down")
}

// changes makes and unmakes each kind of change again and again.
func (f *furnished) changes(ctx context.Context) (rows []row, err error) {
	o := f.offices[0]
	rule := []string{"GroupId", o.group, "IpPermissions.1.IpProtocol", "tcp", "IpPermissions.1.FromPort", "80",
		"IpPermissions.1.ToPort", "80", "IpPermissions.1.IpRanges.1.CidrIp", "192.0.2.0/24"}
	route := []string{"RouteTableId", o.table, "DestinationCidrBlock", "192.168.0.0/24"}
	entry := []string{"NetworkAclId", o.acl, "RuleNumber", "50", "Egress", "false"}
	peering, passing := []string{"VpcPeeringConnectionId", ""}, ""
	for _, c := range []struct {
		name  string
		times int
		ways  [2][]string
	}{
		{"rule change obeyed", 200, [2][]string{append([]string{"AuthorizeSecurityGroupIngress"}, rule...), append([]string{"RevokeSecurityGroupIngress"}, rule...)}},
		{"route change obeyed", 200, [2][]string{append(append([]string{"CreateRoute"}, route...), "VpcPeeringConnectionId", f.peering), append([]string{"DeleteRoute"}, route...)}},
		{"network ACL change obeyed", 200, [2][]string{append(append([]string{"CreateNetworkAclEntry"}, entry...), "Protocol", "6", "RuleAction", "deny",
			"CidrBlock", "192.0.2.0/24", "PortRange.From", "22", "PortRange.To", "22"), append([]string{"DeleteNetworkAclEntry"}, entry...)}},
		{"group membership obeyed", 200, [2][]string{{"ModifyNetworkInterfaceAttribute", "NetworkInterfaceId", f.eni, "SecurityGroupId.1", o.group, "SecurityGroupId.2", o.other},
			{"ModifyNetworkInterfaceAttribute", "NetworkInterfaceId", f.eni, "SecurityGroupId.1", o.group}}},
		{"peering change obeyed", 40, [2][]string{append([]string{"AcceptVpcPeeringConnection"}, peering...), append([]string{"DeleteVpcPeeringConnection"}, peering...)}},
	} {
		var took []time.Duration
		for i := range c.times {
			words := c.ways[i%2]
			if words[len(words)-1] == "" { // a peering, new for every turn
				if i%2 == 0 {
					made, err := f.d.api.Call(ctx, "CreateVpcPeeringConnection", "VpcId", f.offices[2].vpc, "PeerVpcId", f.offices[3].vpc)
					if err != nil {
						return nil, err
					}
					passing = made.Text("vpcPeeringConnection.vpcPeeringConnectionId")
				}
				words = append(slices.Clone(words[:len(words)-1]), passing)
			}
			begin := time.Now()
			if _, err := f.d.api.Call(ctx, words[0], words[1:]...); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			took = append(took, time.Since(begin))
		}
		slices.Sort(took)
		ms := func(q float64) float64 { return took[int(q*float64(len(took)-1))].Seconds() * 1e3 }
		rows = append(rows, row{Test: c.name, Value: ms(0.5), Unit: "ms", P50: ms(0.5), P99: ms(0.99)})
	}
	return rows, nil
}

// available is the machine's free memory in MiB.
func available() float64 {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kb float64
		if n, _ := fmt.Sscanf(line, "MemAvailable: %f kB", &kb); n == 1 {
			return kb / 1024
		}
	}
	return 0
}
