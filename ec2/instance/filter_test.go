package instance

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tombolo/ec2/api"
	"tombolo/ec2/api/apitest"
	"tombolo/network"
)

// furnished is a call that looks at instances of several kinds and states.
func furnished(t *testing.T) *api.Call {
	c := &api.Call{Action: "DescribeThings", Caller: network.Caller{Account: "123456789012", Region: "us-east-1"}}
	n := uint64(0)
	do := func(r network.Request) []string {
		n++
		ask := network.Op{Caller: c.Caller, At: time.Date(2026, 11, 22, 21, 0, 0, 0, time.UTC), Request: r}
		binary.BigEndian.PutUint64(ask.Seed[:], n)
		next, err := c.State.Apply(ask)
		if err != nil {
			t.Fatalf("%T: %v", r, err)
		}
		c.State = next
		return next.Outcome().Created
	}
	do(network.OpenWorld{Zones: api.ZonesOf("us-east-1")})
	do(network.ImportKeyPair{Name: "mine", Type: "rsa", Fingerprint: "aa:bb", Public: "ssh-rsa AAAA"})
	launch := func(kind string, more network.RunInstances) network.InstanceID {
		t, _ := lookupType(kind)
		more.Min, more.Max, more.Type, more.MaxInterfaces, more.MaxAddrs = 1, 1, network.InstanceTypeKey(kind), t.interfaces, t.addrs
		return network.InstanceID(do(more)[1])
	}
	address := []network.InterfaceSpec{{New: network.ENISpec{Subnet: firstSubnet(c), Description: "plug", Addrs: []netip.Addr{netip.MustParseAddr("172.31.0.9")}}}}
	rich := launch("t3.micro", network.RunInstances{Image: imagesIn("us-east-1")[0].id, KeyName: "mine", Interfaces: address, Tags: network.Tags{"Name": "rich"},
		InterfaceTags: network.Tags{"plug": "yes"},
		Stored: map[string]string{storedToken: "once", storedMonitoring: "enabled", storedOptimized: "true", storedProfile: "books", storedCredits: "standard",
			storedDevices: `[{"Name":"/dev/sdf","Size":100,"Keep":true}]`, storedVolumeTags: `{"disk":"yes"}`}})
	plain := []network.InterfaceSpec{{New: network.ENISpec{Subnet: firstSubnet(c), Addrs: []netip.Addr{netip.MustParseAddr("172.31.0.10")}}, DeleteOnTermination: true}}
	stopped := launch("m7g.large", network.RunInstances{Image: "ami-0123456789abcdef0", Interfaces: plain})
	ended := launch("t2.nano", network.RunInstances{Image: "ami-0123456789abcdef0"})
	for _, id := range []network.InstanceID{rich, stopped, ended} {
		do(network.ReportStarted{Instance: id})
	}
	do(network.StopInstances{Instances: []network.InstanceID{stopped}})
	do(network.ReportStopped{Instance: stopped})
	do(network.TerminateInstances{Instances: []network.InstanceID{ended}})
	do(network.ReportEnded{Instance: ended})
	return c
}

// firstSubnet is the default subnet of the first zone.
func firstSubnet(c *api.Call) network.SubnetID {
	for n := range c.State.SubnetsOf(c.Caller) {
		if n.Zone == "us-east-1a" {
			return n.ID
		}
	}
	panic("unreachable: every zone has a default subnet")
}

func TestWhatEveryFilterSees(t *testing.T) {
	c := furnished(t)
	var out strings.Builder
	apitest.Vocabulary(t, c, &out, "DescribeInstances", instances)
	l := statuses
	l.All = instances.All
	apitest.Vocabulary(t, c, &out, "DescribeInstanceStatus", l)
	apitest.Vocabulary(t, c, &out, "DescribeInstanceCreditSpecifications", credits)
	apitest.Vocabulary(t, c, &out, "DescribeIamInstanceProfileAssociations", profiles)
	apitest.Vocabulary(t, c, &out, "DescribeVolumes", volumes)
	apitest.Vocabulary(t, c, &out, "DescribeImages", images)
	apitest.Vocabulary(t, c, &out, "DescribeInstanceTypes", types)
	k := keyPairs
	k.Pages = api.PlainPages(5, 1000, "") // AWS pages no key pairs
	apitest.Vocabulary(t, c, &out, "DescribeKeyPairs", k)
	apitest.CompareFile(t, "testdata/filters.txt", out.String())
}
