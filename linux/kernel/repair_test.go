package kernel_test

import (
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"tombolo/internal/testnet"
	"tombolo/linux"
	"tombolo/network"
)

// TestRestartInterruptsNothing opens a second plane on a fabric that works.
func TestRestartInterruptsNothing(t *testing.T) {
	testnet.Leaks(t)
	w := newTown(t)
	w.obey()
	flow := w.m.flow(w.f.addr, 80)
	six := w.m.flow(w.f.six, 80)
	flow.lives()
	w.plane.Close()
	w.open()
	flow.lives()
	w.obey()
	flow.lives()
	six.lives()
	w.m.reaches(w.f, 80)
}

// TestRestartPutsNewPolicyInForce is a State that changed while nobody obeyed.
func TestRestartPutsNewPolicyInForce(t *testing.T) {
	w := newTown(t)
	w.obey()
	flow := w.m.flow(w.f.addr, 80)
	w.plane.Close()
	changes["deny in an ACL"](w)
	w.open()
	w.obey()
	flow.stalls()
	w.m.misses(w.f, 80)
}

// damage is what somebody may have done to a fabric behind our back.
var damage = map[string]func(*town, *netlink.Handle, *nftables.Conn) error{
	"a link is gone": func(w *town, h *netlink.Handle, _ *nftables.Conn) error {
		l, err := h.LinkByName("eni2")
		if err != nil {
			return err
		}
		return h.LinkDel(l)
	},
	"a set is empty": func(w *town, _ *netlink.Handle, c *nftables.Conn) error {
		c.FlushSet(&nftables.Set{Table: ip(), Name: string(w.bg) + ".ingress"})
		return c.Flush()
	},
	"the tables are gone": func(w *town, _ *netlink.Handle, c *nftables.Conn) error {
		c.FlushRuleset()
		return c.Flush()
	},
	"a rule too many": func(w *town, _ *netlink.Handle, c *nftables.Conn) error {
		c.InsertRule(&nftables.Rule{Table: ip(), Chain: &nftables.Chain{Name: "edge"}, Exprs: []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}}})
		return c.Flush()
	},
	"a chain of nobody's": func(w *town, _ *netlink.Handle, c *nftables.Conn) error {
		drop := nftables.ChainPolicyDrop
		c.AddChain(&nftables.Chain{Table: ip(), Name: "junk", Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter, Policy: &drop})
		return c.Flush()
	},
	"a route is gone": func(w *town, h *netlink.Handle, _ *nftables.Conn) error {
		routes, err := h.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{}, netlink.RT_FILTER_TABLE)
		if err != nil {
			return err
		}
		all, err := h.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
		if err != nil {
			return err
		}
		for _, r := range append(routes, all...) {
			if r.Dst != nil && r.Dst.IP.String() == w.f.addr.String() && r.Table >= linux.TableBase {
				return h.RouteDel(&r)
			}
		}
		return unix.ENOENT
	},
	"the ip rules are gone": func(w *town, h *netlink.Handle, _ *nftables.Conn) error {
		rules, err := h.RuleList(netlink.FAMILY_V4)
		for _, r := range rules {
			r.Family = netlink.FAMILY_V4
			if e := h.RuleDel(&r); e != nil {
				return e
			}
		}
		return err
	},
	"a neighbour is another": func(w *town, h *netlink.Handle, _ *nftables.Conn) error {
		l, err := h.LinkByName("eni2")
		if err != nil {
			return err
		}
		return h.NeighSet(&netlink.Neigh{LinkIndex: l.Attrs().Index, Family: netlink.FAMILY_V4, State: netlink.NUD_PERMANENT,
			IP: w.f.addr.AsSlice(), HardwareAddr: []byte{2, 2, 2, 2, 2, 2}})
	},
}

func ip() *nftables.Table {
	return &nftables.Table{Name: linux.TableName, Family: nftables.TableFamilyIPv4}
}

// TestDamageIsRepaired damages a fabric and opens it again. Flows between
// interfaces that were not damaged go on.
func TestDamageIsRepaired(t *testing.T) {
	for name, harm := range damage {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			x := w.server(w.an, "10.0.0.30", w.ag)
			y := w.server(w.an, "10.0.0.31", w.ag).serve(90)
			w.obey()
			flow := x.flow(y.addr, 90)
			w.m.reaches(w.f, 80)
			err := w.fabric.Do(func() error {
				h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
				if err != nil {
					return err
				}
				defer h.Close()
				c, err := nftables.New()
				if err != nil {
					return err
				}
				return harm(w, h, c)
			})
			if err != nil {
				t.Fatal(err)
			}
			w.plane.Close()
			w.open()
			w.obey()
			w.m.reaches(w.f, 80)
			flow.lives()
		})
	}
}

// TestAuditRepairsWithoutARestart finds the damage by looking.
func TestAuditRepairsWithoutARestart(t *testing.T) {
	w := newTown(t)
	w.obey()
	err := w.fabric.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		return damage["a set is empty"](w, nil, c)
	})
	if err != nil {
		t.Fatal(err)
	}
	w.plane.Audit()
	w.obey()
	w.m.reaches(w.f, 80)
}

// TestAuditThatFindsNothingChangesNothing leaves flows their verdicts.
func TestAuditThatFindsNothingChangesNothing(t *testing.T) {
	w := newTown(t)
	w.obey()
	epoch := w.plane.CurrentEpoch(linux.V4)
	w.done = nil
	w.plane.Audit()
	w.obey()
	if len(w.done) != 0 {
		t.Errorf("the audit did %v", w.done)
	}
	if got := w.plane.CurrentEpoch(linux.V4); got != epoch {
		t.Errorf("epoch %d, was %d", got, epoch)
	}
}

// TestEpochsThatBeginAgainRecallNothing lets the epochs run out while a flow
// says nothing: a change of policy must not be taken for the one in which the
// flow was judged.
func TestEpochsThatBeginAgainRecallNothing(t *testing.T) {
	w := newTown(t)
	w.obey()
	flow := w.m.flow(w.f.addr, 80)
	flow.lives()
	judged := w.plane.CurrentEpoch(linux.V4)
	w.plane.SkipToEpoch(linux.Epochs - 1)
	acl := w.VPC(w.b).DefaultACL
	entry := network.ACLEntry{Number: 1, Protocol: network.AnyProtocol, Ports: network.AnyPort, CIDR: cidr("10.0.0.0/8")}
	w.do(network.CreateACLEntry{ACL: acl, Entry: entry})
	w.obey()
	if got := w.plane.CurrentEpoch(linux.V4); got != linux.Epochs {
		t.Fatalf("epoch %d, want the last", got)
	}
	// From here on the numbers are used a second time.
	for n := 2; w.plane.CurrentEpoch(linux.V4) == linux.Epochs || w.plane.CurrentEpoch(linux.V4) < judged+3; n++ {
		w.do(network.CreateACLEntry{ACL: acl, Entry: network.ACLEntry{Number: n, Protocol: network.TCP, CIDR: cidr("172.16.0.0/16"), Ports: network.PortRange{From: n, To: n}}})
		w.obey()
		if w.plane.CurrentEpoch(linux.V4) == judged {
			t.Fatalf("epoch %d is the one in which a living flow was judged", judged)
		}
	}
	flow.stalls()
	w.do(network.DeleteACLEntry{ACL: acl, Number: 1})
	w.obey()
	flow.lives()
}

// TestAddressTakesNoFlowsAlong moves an address from one interface to another
// whose groups allow nothing: what was tracked at the first is not at the second,
// whether or not somebody obeyed at the time.
func TestAddressTakesNoFlowsAlong(t *testing.T) {
	for _, absent := range []bool{false, true} {
		w := newTown(t)
		g := w.group(w.b, "narrow")
		w.allow(g, network.TCP, network.PortRange{From: 80, To: 80}, "10.0.0.0/16")
		shut := w.group(w.b, "shut")
		old := w.server(w.bn, "10.1.0.40", g)
		heir := w.server(w.bn, "10.1.0.41", shut).serve(80)
		w.do(network.AssignAddrs{ENI: old.eni, Addrs: addrs("10.1.0.99")})
		old.serve(80)
		w.obey()
		flow := w.m.flow(addr("10.1.0.99"), 80)
		flow.lives()
		if absent {
			w.plane.Close()
		}
		w.do(network.AssignAddrs{ENI: heir.eni, Addrs: addrs("10.1.0.99"), Reassign: true})
		if absent {
			w.open()
		}
		w.obey()
		w.counted(linux.Cause{Why: "sg-denied", At: string(heir.eni), Direction: "ingress"}, flow.stalls)
	}
}

func TestRepairAsOrdinaryUser(t *testing.T) {
	testnet.RunAsOrdinaryUser(t, "^TestRestart|^TestAddressTakes|^TestEpochsThat")
}
