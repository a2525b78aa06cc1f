package network

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
)

// town is a State with n interfaces, half of them in instances, in VPCs with
// /20 subnets of 2,000 each.
func town(t testing.TB, n int) *site {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	w.do(SetQuota{QuotaENIs, 1 << 30})
	w.do(CreateSubnet{VPC: w.newVPC(home, "10.0.0.0/16").ID, CIDR: cidr("10.0.240.0/20"), Zones: zones})
	var v *VPC
	for done := 0; done < n; {
		k := done / 2000
		if k%10 == 0 {
			v = w.newVPC(home, "10.0.0.0/16")
		}
		subnet := w.newSubnet(home, v.ID, fmt.Sprintf("10.0.%d.0/20", k%10*16)).ID
		for range min(n, 2000) / 2 {
			w.newENI(home, subnet)
			w.newInstance(home, subnet)
			done += 2
		}
	}
	return w
}

// townOps are ops on a town, each with what it needs made before.
var townOps = []struct {
	name string
	op   func(w *site) Request
}{
	{"CreateVPC", func(*site) Request { return CreateVPC{CIDR: cidr("10.0.0.0/16")} }},
	{"CreateVPC6", func(*site) Request { return CreateVPC{CIDR: cidr("10.0.0.0/16"), Amazon6: true} }},
	{"DeleteVPC", func(w *site) Request { return DeleteVPC{w.newVPC(home, "10.0.0.0/16").ID} }},
	{"CreateSubnet", func(w *site) Request {
		return CreateSubnet{VPC: w.newVPC(home, "10.0.0.0/16").ID, CIDR: cidr("10.0.1.0/24"), Zones: zones}
	}},
	{"CreateENI", func(w *site) Request { return CreateENI{ENISpec: ENISpec{Subnet: w.busySubnet()}} }},
	{"DeleteENI", func(w *site) Request { return DeleteENI{w.newENI(home, w.busySubnet()).ID} }},
	{"AssignAddrs", func(w *site) Request { return AssignAddrs{ENI: w.newENI(home, w.busySubnet()).ID, Count: 1} }},
	{"AttachENI", func(w *site) Request {
		return AttachENI{w.newENI(home, w.busySubnet()).ID, w.newInstance(home, w.busySubnet()), 1}
	}},
	{"RunInstances", func(w *site) Request {
		return RunInstances{Min: 1, Max: 1, Interfaces: []InterfaceSpec{{New: ENISpec{Subnet: w.busySubnet()}}}}
	}},
	{"StopInstances", func(w *site) Request {
		return StopInstances{Instances: []InstanceID{w.newInstance(home, w.busySubnet())}}
	}},
	{"SetENIAttribute", func(w *site) Request {
		return SetENIAttribute{ENI: w.newENI(home, w.busySubnet()).ID, SourceDestCheck: ptr(false)}
	}},
}

// busySubnet is one that has as many interfaces as any.
func (w *site) busySubnet() SubnetID {
	for eni := range w.ENIs() {
		return eni.Subnet
	}
	return ""
}

// An op must not look at all there is. How often it asks for memory says so
// without a clock: it grows only with the depth of the trees.
func TestAnOpCostsLittleMoreInABigState(t *testing.T) {
	small, big := town(t, 100), town(t, 6000)
	for _, o := range townOps {
		cost := func(w *site) float64 {
			op := w.op(home, o.op(w))
			return testing.AllocsPerRun(20, func() {
				if _, err := w.Apply(op); err != nil {
					t.Fatal(err)
				}
			})
		}
		if few, many := cost(small), cost(big); many > 2*few {
			t.Errorf("%s: %v allocations among 100 interfaces, %v among 6,000", o.name, few, many)
		}
	}
}

// A subnet can be filled to its last address, and asking for one more says so.
func TestASubnetCanBeFilled(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	w.do(SetQuota{QuotaENIs, 1 << 20})
	n := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.0.0/20")
	for free := w.FreeAddrs(n); free > 0; {
		some := min(free, 50)
		w.do(CreateENI{ENISpec: ENISpec{Subnet: n.ID, Extra: some - 1}})
		if free -= some; w.FreeAddrs(n) != free {
			t.Fatalf("%d addresses are free, want %d", w.FreeAddrs(n), free)
		}
	}
	w.refuses(CreateENI{ENISpec: ENISpec{Subnet: n.ID}}, AddressesExhausted, string(n.ID), "")
	used := 0
	for eni := range w.ENIsInSubnet(n.ID) {
		used += len(eni.Addrs)
	}
	if used != 4096-5 {
		t.Errorf("%d addresses are used, want all but the five reserved", used)
	}
}

func BenchmarkOps(b *testing.B) {
	for _, size := range []int{100, 10_000, 100_000} {
		w := town(b, size)
		for _, o := range townOps {
			request := o.op(w)
			b.Run(fmt.Sprintf("%s/%d", o.name, size), func(b *testing.B) {
				op := w.op(home, request)
				b.ReportAllocs()
				for n := uint64(0); b.Loop(); n++ {
					binary.BigEndian.PutUint64(op.Seed[8:], n)
					if _, err := w.Apply(op); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkNearlyFullSubnet asks a /16 for its last free address but one.
func BenchmarkNearlyFullSubnet(b *testing.B) {
	w := newSite(b)
	w.do(OpenWorld{Zones: zones})
	w.do(SetQuota{QuotaENIs, 1 << 20})
	n := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.0.0/16")
	for k := uint64(reservedHead); k < lastPlace(n.CIDR); k++ {
		if k != 4711 && k != 42_000 {
			w.do(CreateENI{ENISpec: ENISpec{Subnet: n.ID, Addrs: []netip.Addr{nth(n.CIDR, k)}}})
		}
	}
	op := w.op(home, CreateENI{ENISpec: ENISpec{Subnet: n.ID}})
	for n := uint64(0); b.Loop(); n++ {
		binary.BigEndian.PutUint64(op.Seed[8:], n)
		if _, err := w.Apply(op); err != nil {
			b.Fatal(err)
		}
	}
}
