package network

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"reflect"
	"testing"
	"time"
)

// The accounts, Regions and zones of the tests.
var (
	home      = Caller{"123456789012", "us-east-1"}
	stranger  = Caller{"210987654321", "us-east-1"}
	elsewhere = Caller{"123456789012", "eu-west-1"}
	zones     = []string{"us-east-1a", "us-east-1b"}
	dayOne    = time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
)

// site is a State that a test builds op by op, with a clock and dice of its own.
type site struct {
	testing.TB
	State
	now  time.Time
	dice uint64
}

func newSite(t testing.TB) *site { return &site{TB: t, now: dayOne} }

func (w *site) op(c Caller, r Request) Op {
	w.dice++
	op := Op{Caller: c, At: w.now, Request: r}
	binary.BigEndian.PutUint64(op.Seed[:], w.dice)
	return op
}

// as does one op and no more, so that what lasts no time can be seen.
func (w *site) as(c Caller, r Request) Outcome {
	w.Helper()
	next, err := w.Apply(w.op(c, r))
	if err != nil {
		w.Fatalf("%T %+v: %v", r, r, err)
	}
	w.State = next
	return next.Outcome()
}

// settle does what is due, as control does after every op.
func (w *site) settle() {
	w.Helper()
	if due := w.Due(); !due.IsZero() && !due.After(w.now) {
		w.as(home, Settle{})
	}
}

// do does an op of home's and settles; it gives the first ID that was made.
func (w *site) do(r Request) string {
	w.Helper()
	return w.doAs(home, r)
}

func (w *site) doAs(c Caller, r Request) string {
	w.Helper()
	out := w.as(c, r)
	w.settle()
	if len(out.Created) == 0 {
		return ""
	}
	return out.Created[0]
}

// pass lets time pass.
func (w *site) pass(d time.Duration) {
	w.Helper()
	w.now = w.now.Add(d)
	w.settle()
}

// refuses asserts that an op of home's is refused with exactly this error, and
// that the State is the one it was.
func (w *site) refuses(r Request, code Code, subject, detail string) {
	w.Helper()
	w.refusesTo(home, r, code, subject, detail)
}

func (w *site) refusesTo(c Caller, r Request, code Code, subject, detail string) {
	w.Helper()
	next, err := w.Apply(w.op(c, r))
	var got *Error
	if !errors.As(err, &got) {
		w.Fatalf("%T %+v: got %v, want code %v for %s", r, r, err, code, subject)
	}
	if want := (Error{code, subject, detail}); *got != want {
		w.Fatalf("%T %+v: refused with %+v, want %+v", r, r, *got, want)
	}
	if !reflect.DeepEqual(next, w.State) {
		w.Fatalf("%T %+v: the refused op changed the State", r, r)
	}
}

func (w *site) newVPC(c Caller, cidr string) *VPC {
	w.Helper()
	return w.VPC(VPCID(w.doAs(c, CreateVPC{CIDR: netip.MustParsePrefix(cidr)})))
}

func (w *site) newSubnet(c Caller, v VPCID, cidr string) *Subnet {
	w.Helper()
	id := w.doAs(c, CreateSubnet{VPC: v, CIDR: netip.MustParsePrefix(cidr), Zone: zones[0], Zones: zones})
	return w.Subnet(SubnetID(id))
}

func (w *site) newENI(c Caller, n SubnetID) *ENI {
	w.Helper()
	return w.ENI(ENIID(w.doAs(c, CreateENI{ENISpec: ENISpec{Subnet: n}})))
}

// newPeering makes an active peering between two of the callers' VPCs.
func (w *site) newPeering(from Caller, a VPCID, to Caller, b VPCID) PeeringID {
	w.Helper()
	id := PeeringID(w.doAs(from, RequestPeering{VPC: a, PeerVPC: b, PeerOwner: to.Account, PeerRegion: to.Region}))
	w.doAs(to, AcceptPeering{id})
	if got := w.Peering(id).Status; got != PeeringActive {
		w.Fatalf("peering of %s and %s is %v", a, b, got)
	}
	return id
}

func ptr[T any](v T) *T { return &v }

func cidr(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// newInstance makes a running instance with one interface.
func (w *site) newInstance(c Caller, n SubnetID) InstanceID {
	w.Helper()
	out := w.as(c, RunInstances{
		Min: 1, Max: 1, Image: "ami-0123456789abcdef0", Type: "t3.micro", MaxInterfaces: 4, MaxAddrs: 15,
		Interfaces: []InterfaceSpec{{New: ENISpec{Subnet: n}, DeleteOnTermination: true}},
	})
	id := InstanceID(out.Created[1])
	w.doAs(c, ReportStarted{Instance: id})
	return id
}

// subnetOf6 is the first /64 of a VPC's IPv6 block.
func subnetOf6(v *VPC) netip.Prefix { return netip.PrefixFrom(v.Blocks6[0].CIDR.Addr(), 64) }
