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

// measureFabric measures instances and rule changes on a daemon that carries
// packets. A call returns when packets obey, so its latency is the time from a
// rule's change to its effect.
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
	f, err := d.furnish(ctx)
	if err != nil {
		return nil, err
	}
	running := 0
	for _, n := range []int{small, large} {
		before := available()
		took, err := f.launch(ctx, n-running)
		if err != nil {
			return nil, err
		}
		if n == large {
			rows = append(rows, row{Test: "instances started", Scale: n, Value: float64(n-running) / took.Seconds(), Unit: "per s"},
				row{Test: "memory per idle instance", Scale: n, Value: (before - available()) * 1024 / float64(n-running), Unit: "KiB"})
		}
		running = n
		r, err := f.change(ctx, 200)
		if err != nil {
			return nil, err
		}
		r.Scale = n
		rows = append(rows, r)
	}
	return append(rows, row{Test: "daemon (RSS)", Scale: large, Value: d.rss(), Unit: "MiB"}), nil
}

// furnished is a VPC to launch instances in.
type furnished struct {
	d             *daemon
	subnet, group string
}

func (d *daemon) furnish(ctx context.Context) (*furnished, error) {
	vpc, err := d.api.Call(ctx, "CreateVpc", "CidrBlock", "10.0.0.0/16")
	if err != nil {
		return nil, err
	}
	id := vpc.Text("vpc.vpcId")
	subnet, err := d.api.Call(ctx, "CreateSubnet", "VpcId", id, "CidrBlock", "10.0.0.0/20")
	if err != nil {
		return nil, err
	}
	group, err := d.api.Call(ctx, "CreateSecurityGroup", "VpcId", id, "GroupName", "bench", "GroupDescription", "bench")
	if err != nil {
		return nil, err
	}
	return &furnished{d, subnet.Text("subnet.subnetId"), group.Text("groupId")}, nil
}

// launch runs n more instances and waits until they all run.
func (f *furnished) launch(ctx context.Context, n int) (time.Duration, error) {
	begin := time.Now()
	count := fmt.Sprint(n)
	if _, err := f.d.api.Call(ctx, "RunInstances", "ImageId", "ami-0123456789abcdef0", "InstanceType", "t3.micro",
		"MinCount", count, "MaxCount", count, "SubnetId", f.subnet, "SecurityGroupId.1", f.group); err != nil {
		return 0, err
	}
	for {
		tree, err := f.d.api.Call(ctx, "DescribeInstanceStatus", "IncludeAllInstances", "true", "Filter.1.Name", "instance-state-name", "Filter.1.Value.1", "pending")
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

// change authorizes and revokes one rule again and again.
func (f *furnished) change(ctx context.Context, times int) (row, error) {
	var took []time.Duration
	for i := range times {
		action := []string{"AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"}[i%2]
		begin := time.Now()
		if _, err := f.d.api.Call(ctx, action, "GroupId", f.group, "IpPermissions.1.IpProtocol", "tcp", "IpPermissions.1.FromPort", "80",
			"IpPermissions.1.ToPort", "80", "IpPermissions.1.IpRanges.1.CidrIp", "192.0.2.0/24"); err != nil {
			return row{}, err
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	ms := func(q float64) float64 { return took[int(q*float64(len(took)-1))].Seconds() * 1e3 }
	return row{Test: "rule change obeyed", Value: ms(0.5), Unit: "ms", P50: ms(0.5), P99: ms(0.99)}, nil
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
