package kernel_test

import (
	"errors"
	"fmt"
	"testing"

	"tombolo/internal/testnet"
	"tombolo/linux"
	"tombolo/linux/kernel"
	"tombolo/network"
)

var errPlanted = errors.New("planted")

// faulty is a site whose plane fails where a test says.
type faulty struct {
	*site
	fail func(linux.Step) error
	done []linux.Step
}

func newFaulty(t testing.TB) *faulty {
	w := newSite(t)
	f := &faulty{site: w}
	plane, err := kernel.Open(kernel.Config{Fabric: w.fabric.File(), InstanceNS: w.namespace}.WithFault(func(s linux.Step) error {
		f.done = append(f.done, s)
		if f.fail != nil {
			return f.fail(s)
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	w.plane.Close()
	w.plane = plane
	return f
}

// failAt makes the k-th step from now fail, once. It gives what failed.
func (f *faulty) failAt(k int) *linux.Step {
	var failed linux.Step
	n := 0
	f.fail = func(s linux.Step) error {
		n++
		if n == k {
			failed = s
			return errPlanted
		}
		return nil
	}
	return &failed
}

// town is two peered VPCs where all is allowed.
type town struct {
	*faulty
	a, b   network.VPCID
	an, bn network.SubnetID
	ag, bg network.GroupID
	p      network.PeeringID
	m, f   *server
}

func newTown(t testing.TB) *town {
	w := &town{faulty: newFaulty(t)}
	w.a, w.an = w.vpc("10.0.0.0/16")
	w.b, w.bn = w.vpc("10.1.0.0/16")
	w.ag, w.bg = w.group(w.a, "a"), w.group(w.b, "b")
	for _, g := range []network.GroupID{w.ag, w.bg} {
		w.allow(g, network.AnyProtocol, network.AnyPort, "10.0.0.0/8", "::/0")
	}
	w.p = w.peer(w.a, w.b)
	w.routeBoth(w.a, w.b, w.p)
	w.routeBoth(w.b, w.a, w.p)
	w.m = w.server(w.an, "10.0.0.10", w.ag)
	w.f = w.server(w.bn, "10.1.0.10", w.bg).serve(80)
	return w
}

// changes are what a network is asked to do next, each of which shuts the way
// from m to f in another place.
var changes = map[string]func(*town){
	"revoke rules": func(w *town) {
		var rules []network.RuleID
		for _, r := range w.SecurityGroup(w.bg).Rules {
			if !r.Egress {
				rules = append(rules, r.ID)
			}
		}
		w.do(network.RevokeRules{Group: w.bg, IDs: rules})
	},
	"deny in an ACL": func(w *town) {
		for i, block := range []string{"0.0.0.0/0", "::/0"} {
			w.do(network.CreateACLEntry{ACL: w.VPC(w.b).DefaultACL, Entry: network.ACLEntry{Number: 1 + i, Protocol: network.AnyProtocol, Ports: network.AnyPort, CIDR: cidr(block)}})
		}
	},
	"delete the peering": func(w *town) { w.do(network.DeletePeering{Peering: w.p}) },
	"another group": func(w *town) {
		w.do(network.SetENIAttribute{ENI: w.f.eni, Groups: []network.GroupID{w.VPC(w.b).DefaultGroup}})
	},
	"stop the instance": func(w *town) {
		w.do(network.StopInstances{Instances: []network.InstanceID{w.f.id}})
		w.do(network.ReportStopped{Instance: w.f.id})
	},
	"another address": func(w *town) {
		w.do(network.AssignAddrs{ENI: w.m.eni, Count: 1})
		w.do(network.RevokeRules{Group: w.ag, Egress: true, Rules: egressAll(w.SecurityGroup(w.ag))})
	},
}

func egressAll(g *network.SecurityGroup) (out []network.RuleSpec) {
	for _, r := range g.Rules {
		if r.Egress {
			out = append(out, r.RuleSpec)
		}
	}
	return out
}

// TestEveryStepThatFailsLeavesTheWayShut makes every step of every change fail
// in turn: Reconcile says so, nothing passes that the new State forbids, and the
// next Reconcile brings all in order.
func TestEveryStepThatFailsLeavesTheWayShut(t *testing.T) {
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			for k := 1; ; k++ {
				w := newTown(t)
				w.obey()
				change(w)
				failed := w.failAt(k)
				err := w.plane.Reconcile(t.Context(), w.State)
				if *failed == nil {
					if err != nil {
						t.Fatal(err)
					}
					if k == 1 {
						t.Fatal("the change took no step")
					}
					return
				}
				if !errors.Is(err, errPlanted) {
					t.Errorf("step %d, %v, failed and Reconcile said %v", k, *failed, err)
				}
				if w.plane.Status().Err == nil {
					t.Errorf("step %d, %v, failed and the status does not show it", k, *failed)
				}
				w.m.misses(w.f, 80)
				w.fail = nil
				w.obey()
				w.m.misses(w.f, 80)
				if s := w.plane.Status(); len(s.Closed) != 0 || s.Err != nil {
					t.Errorf("after step %d, %v, failed once, later: %+v", k, *failed, s)
				}
				if t.Failed() {
					t.Fatalf("step %d was %v", k, *failed)
				}
			}
		})
	}
}

// TestEveryStepOfTheFirstBuildMayFail makes every step from an empty fabric
// fail in turn; the next Reconcile brings all in order, and packets pass.
func TestEveryStepOfTheFirstBuildMayFail(t *testing.T) {
	for k := 1; ; k++ {
		w := newTown(t)
		failed := w.failAt(k)
		err := w.plane.Reconcile(t.Context(), w.State)
		if *failed == nil {
			if err != nil || k == 1 {
				t.Fatalf("%d steps, error %v", k-1, err)
			}
			return
		}
		if !errors.Is(err, errPlanted) {
			t.Errorf("step %d, %v, failed and Reconcile said %v", k, *failed, err)
		}
		w.fail = nil
		w.obey()
		w.m.reaches(w.f, 80)
		if t.Failed() {
			t.Fatalf("step %d was %v", k, *failed)
		}
	}
}

// TestNftablesThatRefusesEverythingShutsTheLinks takes the tool away by which
// interfaces are closed as a rule.
func TestNftablesThatRefusesEverythingShutsTheLinks(t *testing.T) {
	w := newTown(t)
	w.obey()
	w.m.reaches(w.f, 80)
	changes["revoke rules"](w)
	w.fail = func(s linux.Step) error {
		if _, ok := s.(linux.Switch); ok {
			return errPlanted
		}
		return nil
	}
	if err := w.plane.Reconcile(t.Context(), w.State); !errors.Is(err, errPlanted) {
		t.Errorf("Reconcile said %v", err)
	}
	w.m.misses(w.f, 80)
	if _, closed := w.plane.Status().Closed[w.f.eni]; !closed {
		t.Error("the status does not show that the interface is closed")
	}
	w.fail = nil
	w.obey()
	w.m.misses(w.f, 80)
	w.allow(w.bg, network.AnyProtocol, network.AnyPort, "10.0.0.0/8", "::/0")
	w.obey()
	w.m.reaches(w.f, 80)
	if s := w.plane.Status(); len(s.Closed) != 0 || s.Err != nil {
		t.Errorf("at the end: %+v", s)
	}
}

// TestInstanceWithoutANamespaceWaits is how an instance that is being started
// looks to the plane: no error, and the others are not disturbed.
func TestInstanceWithoutANamespaceWaits(t *testing.T) {
	w := newTown(t)
	late := w.server(w.bn, "10.1.0.20", w.bg).serve(80)
	host := w.hosts[late.id]
	delete(w.hosts, late.id)
	w.obey()
	w.m.reaches(w.f, 80)
	w.m.misses(late, 80)
	if s := w.plane.Status(); fmt.Sprint(s.Waiting) != fmt.Sprintf("[%s]", late.eni) {
		t.Errorf("waiting: %v", s.Waiting)
	}
	w.hosts[late.id] = host
	w.obey()
	w.m.reaches(late, 80)
}

func TestFaultsAsOrdinaryUser(t *testing.T) {
	testnet.RunAsOrdinaryUser(t, "^TestNftablesThatRefusesEverythingShutsTheLinks$|^TestInstanceWithoutANamespaceWaits$")
}
