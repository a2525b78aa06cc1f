package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tombolo/client"
)

// The API is measured with some VPCs, with more, and with 100,000 resources: a VPC
// comes with its route table, network ACL and security group. A Region holds 10,000.
var (
	scales  = []int{10, 1000, 25_000}
	crowds  = []int{1, 8, 64} // clients at the same time
	regions = []string{"us-west-2", "eu-west-1", "eu-central-1", "ap-southeast-2"}
)

const (
	usual  = 8 // clients where their number is not what is looked at
	middle = 1000
	period = 2 * time.Second
)

// measureAPI measures a daemon without packets.
func measureAPI(ctx context.Context) (rows []row, err error) {
	dir, err := os.MkdirTemp("", "tombolo-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	d, err := start(dir, "none")
	if err != nil {
		return nil, err
	}
	defer func() { d.stop() }()
	rows = append(rows, row{Test: "start-up, empty", Value: d.took.Seconds() * 1e3, Unit: "ms"}, row{Test: "memory, empty (RSS)", Value: d.rss(), Unit: "MiB"})
	have := 0
	for _, scale := range scales {
		for have < scale {
			// The first thousand make a list of a thousand.
			region, n := regions[0], min(scale, middle)-have
			if have >= middle {
				region, n = regions[1+have/9000], min(scale-have, 9000)
			}
			if err := d.fill(ctx, region, n); err != nil {
				return nil, err
			}
			have += n
		}
		d.stop()
		if d, err = start(dir, "none"); err != nil {
			return nil, err
		}
		rows = append(rows, row{Test: "start-up", Scale: scale, Value: d.took.Seconds() * 1e3, Unit: "ms"},
			row{Test: "start-up, processor time", Scale: scale, Value: d.busy, Unit: "ms"}, row{Test: "memory (RSS)", Scale: scale, Value: d.rss(), Unit: "MiB"})
		more, err := d.measureCalls(ctx, scale)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

// in is the daemon's API in another Region, on connections of its own.
func (d *daemon) in(region string) *client.Client {
	c := *d.api
	c.Region, c.Via = region, &http.Transport{MaxIdleConnsPerHost: 128}
	return &c
}

// fill makes n VPCs.
func (d *daemon) fill(ctx context.Context, region string, n int) error {
	api := d.in(region)
	var left atomic.Int64
	left.Store(int64(n))
	_, err := together(ctx, 64, func(int) (bool, error) {
		if left.Add(-1) < 0 {
			return false, nil
		}
		_, err := api.Call(ctx, "CreateVpc", "CidrBlock", "10.0.0.0/16")
		return true, err
	})
	return err
}

// together has n clients call again and again, as long as call says so, and gives
// what each call took, in order.
func together(ctx context.Context, n int, call func(who int) (more bool, err error)) ([]time.Duration, error) {
	var mu sync.Mutex
	var took []time.Duration
	var failed error
	var all sync.WaitGroup
	for who := range n {
		all.Go(func() {
			var mine []time.Duration
			var err error
			for more := true; more && err == nil && ctx.Err() == nil; {
				begin := time.Now()
				if more, err = call(who); more && err == nil {
					mine = append(mine, time.Since(begin))
				}
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
			if err != nil {
				failed = err
			}
		})
	}
	all.Wait()
	slices.Sort(took)
	return took, failed
}

// rated is a row of what calls took in a while.
func rated(test string, took []time.Duration, elapsed time.Duration) row {
	if len(took) == 0 {
		return row{Test: test, Unit: "calls/s"}
	}
	ms := func(q float64) float64 { return took[int(q*float64(len(took)-1))].Seconds() * 1e3 }
	return row{Test: test, Value: float64(len(took)) / elapsed.Seconds(), Unit: "calls/s", P50: ms(0.5), P99: ms(0.99)}
}

// kitchen is what one client works on: nobody else changes it.
type kitchen struct{ vpc, table, group, peering string }

func (d *daemon) kitchen(ctx context.Context, api *client.Client) (k kitchen, err error) {
	vpc, err := api.Call(ctx, "CreateVpc", "CidrBlock", "10.0.0.0/16")
	if err != nil {
		return k, err
	}
	k.vpc = vpc.Text("vpc.vpcId")
	table, err := api.Call(ctx, "CreateRouteTable", "VpcId", k.vpc)
	if err != nil {
		return k, err
	}
	group, err := api.Call(ctx, "CreateSecurityGroup", "VpcId", k.vpc, "GroupName", "bench", "GroupDescription", "bench")
	if err != nil {
		return k, err
	}
	other, err := api.Call(ctx, "CreateVpc", "CidrBlock", "10.1.0.0/16")
	if err != nil {
		return k, err
	}
	peering, err := api.Call(ctx, "CreateVpcPeeringConnection", "VpcId", k.vpc, "PeerVpcId", other.Text("vpc.vpcId"))
	if err != nil {
		return k, err
	}
	k.table, k.group = table.Text("routeTable.routeTableId"), group.Text("groupId")
	k.peering = peering.Text("vpcPeeringConnection.vpcPeeringConnectionId")
	_, err = api.Call(ctx, "AcceptVpcPeeringConnection", "VpcPeeringConnectionId", k.peering)
	return k, err
}

// call is one thing that clients do again and again; turn counts a client's own.
type call struct {
	name string
	do   func(k kitchen, turn int) []string // action, then parameters
}

var calls = []call{
	{"CreateVpc, DeleteVpc of another", nil},
	{"CreateRoute, DeleteRoute", func(k kitchen, turn int) []string {
		if turn%2 == 0 {
			return []string{"CreateRoute", "RouteTableId", k.table, "DestinationCidrBlock", "192.0.2.0/24", "VpcPeeringConnectionId", k.peering}
		}
		return []string{"DeleteRoute", "RouteTableId", k.table, "DestinationCidrBlock", "192.0.2.0/24"}
	}},
	{"AuthorizeSecurityGroupIngress, Revoke…", func(k kitchen, turn int) []string {
		return []string{[]string{"AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"}[turn%2], "GroupId", k.group, "IpPermissions.1.IpProtocol", "tcp",
			"IpPermissions.1.FromPort", "80", "IpPermissions.1.ToPort", "80", "IpPermissions.1.IpRanges.1.CidrIp", "192.0.2.0/24"}
	}},
	{"DescribeVpcs by id", func(k kitchen, _ int) []string { return []string{"DescribeVpcs", "VpcId.1", k.vpc} }},
}

// measureCalls measures calls with the VPCs that there are.
func (d *daemon) measureCalls(ctx context.Context, scale int) (rows []row, err error) {
	api := d.in("us-east-1")
	kitchens := make([]kitchen, slices.Max(crowds))
	for i := range kitchens {
		if kitchens[i], err = d.kitchen(ctx, api); err != nil {
			return nil, fmt.Errorf("prepare a client: %w", err)
		}
	}
	for _, c := range calls {
		for _, n := range crowds {
			if scale != middle && n != usual {
				continue
			}
			turns, end := make([]int, n), time.Now().Add(period)
			last := make([]string, n)
			took, err := together(ctx, n, func(who int) (bool, error) {
				words := c.next(kitchens[who], turns[who], last[who])
				tree, err := api.Call(ctx, words[0], words[1:]...)
				if err == nil && c.do == nil && turns[who]%2 == 0 {
					last[who] = tree.Text("vpc.vpcId")
				}
				turns[who]++
				// What was made is taken away, so that every run begins alike.
				return time.Now().Before(end) || turns[who]%2 == 1, err
			})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			r := rated(c.name, took, period)
			r.Scale, r.Clients = scale, n
			rows = append(rows, r)
		}
	}
	if scale >= middle {
		r, err := d.describeThousand(ctx)
		if err != nil {
			return nil, err
		}
		r.Scale = scale
		rows = append(rows, r)
	}
	return rows, nil
}

func (c call) next(k kitchen, turn int, last string) []string {
	switch {
	case c.do != nil:
		return c.do(k, turn)
	case turn%2 == 0:
		return []string{"CreateVpc", "CidrBlock", "10.0.0.0/16"}
	}
	return []string{"DeleteVpc", "VpcId", last}
}

// describeThousand lists the Region that has a thousand, one client at a time.
func (d *daemon) describeThousand(ctx context.Context) (row, error) {
	api, end := d.in(regions[0]), time.Now().Add(period)
	took, err := together(ctx, 1, func(int) (bool, error) {
		tree, err := api.Call(ctx, "DescribeVpcs", "Filter.1.Name", "is-default", "Filter.1.Value.1", "false")
		if n := len(tree.Items("vpcSet")); err == nil && n != middle {
			err = fmt.Errorf("DescribeVpcs gives %d VPCs, want %d", n, middle)
		}
		return time.Now().Before(end), err
	})
	r := rated("DescribeVpcs of 1,000", took, period)
	r.Clients = 1
	return r, err
}
