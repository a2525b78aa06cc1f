package kernel

import (
	"fmt"
	"testing"

	"tombolo/linux"
)

// TestPiecesLeaveNoInterfaceWithoutAGate does a change that is too large for one
// transaction piece by piece: half of the interfaces get another network ACL, a
// quarter goes, a quarter comes. After every piece, an interface that has its
// guards has all its gates.
func TestPiecesLeaveNoInterfaceWithoutAGate(t *testing.T) {
	guards, gates := []string{"ports", "sources"}, []string{"leave.groups", "leave.acl", "enter.acl", "enter.groups"}
	const ports = 400
	port := func(n int) string { return fmt.Sprintf("%04d", n) }
	element := func(set string, n int, to string) linux.Element {
		return linux.Element{Family: linux.V4, Set: set, Lo: port(n), Verdict: linux.Verdict{Chain: to}}
	}
	var c linux.NftChange
	there := map[[3]string]bool{}
	for n := range ports {
		for _, set := range append(append([]string{}, gates...), guards...) {
			switch e := element(set, n, "old"); {
			case n < ports/2: // stays, with another ACL
				there[e.Place()] = true
				if set == "leave.acl" || set == "enter.acl" {
					c.CutElements, c.Elements = append(c.CutElements, e), append(c.Elements, element(set, n, "new"))
				}
			case n < 3*ports/4:
				there[e.Place()] = true
				c.CutElements = append(c.CutElements, e)
			default:
				c.Elements = append(c.Elements, e)
			}
		}
	}
	list := pieces(c, 200)
	if len(list) < 5 {
		t.Fatalf("only %d pieces: nothing is shown", len(list))
	}
	for i, x := range list {
		for _, e := range x.CutElements {
			if !there[e.Place()] {
				t.Fatalf("piece %d cuts %v, which is not there", i, e.Place())
			}
			delete(there, e.Place())
		}
		for _, e := range x.Elements {
			if there[e.Place()] {
				t.Fatalf("piece %d adds %v, which is there", i, e.Place())
			}
			there[e.Place()] = true
		}
		for n := range ports {
			for _, guard := range guards {
				for _, gate := range gates {
					if there[element(guard, n, "").Place()] && !there[element(gate, n, "").Place()] {
						t.Fatalf("after piece %d of %d port %d has %s and no %s", i, len(list), n, guard, gate)
					}
				}
			}
		}
	}
	for n := range ports {
		for _, set := range append(append([]string{}, gates...), guards...) {
			if want := n < ports/2 || n >= 3*ports/4; there[element(set, n, "").Place()] != want {
				t.Errorf("at the end port %d has %s: %v", n, set, !want)
			}
		}
	}
}
