package flowlog

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"tombolo/network"
)

var (
	home      = network.Caller{Account: "123456789010", Region: "us-east-1"}
	elsewhere = network.Caller{Account: "123456789010", Region: "eu-west-1"}
	dayOne    = time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
)

func addr(s string) netip.Addr   { return netip.MustParseAddr(s) }
func cidr(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// site is a State that a test builds.
type site struct {
	*testing.T
	network.State
	dice uint64
}

func (w *site) as(c network.Caller, r network.Request) []string {
	w.Helper()
	w.dice++
	op := network.Op{Caller: c, At: dayOne, Request: r}
	binary.BigEndian.PutUint64(op.Seed[:], w.dice)
	next, err := w.Apply(op)
	if err != nil {
		w.Fatalf("%T %+v: %v", r, r, err)
	}
	w.State = next
	made := next.Outcome().Created
	if _, ok := r.(network.Settle); !ok {
		w.as(c, network.Settle{})
	}
	return made
}

func (w *site) do(r network.Request) string {
	w.Helper()
	if made := w.as(home, r); len(made) > 0 {
		return made[0]
	}
	return ""
}

// vpc is a VPC with one subnet at its beginning.
func (w *site) vpc(c network.Caller, block string) (network.VPCID, network.SubnetID) {
	w.Helper()
	v := network.VPCID(w.as(c, network.CreateVPC{CIDR: cidr(block), Amazon6: true})[0])
	six := w.VPC(v).Blocks6[0].CIDR.Addr()
	zone := string(c.Region) + "a"
	return v, network.SubnetID(w.as(c, network.CreateSubnet{VPC: v, CIDR: netip.PrefixFrom(cidr(block).Addr(), 24), CIDR6: netip.PrefixFrom(six, 64), Zone: zone, Zones: []string{zone}})[0])
}

// server is a running instance's interface, with a secondary address.
func (w *site) server(c network.Caller, n network.SubnetID, address string) *network.ENI {
	w.Helper()
	a, six := addr(address), 0
	if len(w.Subnet(n).Blocks6) > 0 {
		six = 1
	}
	made := w.as(c, network.RunInstances{Min: 1, Max: 1, Image: "ami-0123456789abcdef0", Type: "t3.micro", MaxInterfaces: 4, MaxAddrs: 15,
		Interfaces: []network.InterfaceSpec{{New: network.ENISpec{Subnet: n, Addrs: []netip.Addr{a, a.Next()}, Extra6: six}, DeleteOnTermination: true}}})
	w.as(c, network.ReportStarted{Instance: network.InstanceID(made[1])})
	return w.ENIWith(w.Subnet(n).VPC, a)
}

// log is a flow log of a resource.
func (w *site) log(resource string, traffic network.Traffic) *network.FlowLog {
	w.Helper()
	return w.FlowLog(network.FlowLogID(w.do(network.CreateFlowLogs{Resources: []string{resource},
		FlowLogSpec: network.FlowLogSpec{Traffic: traffic, Bucket: "records", Prefix: "net/", Format: DefaultFormat, Interval: 60}})))
}

func (w *site) scene() Scene {
	return Scene{Now: w.State, Before: w.State, ZoneID: func(zone string) string { return "id-of-" + zone }}
}
