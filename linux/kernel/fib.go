package kernel

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"tombolo/linux"
)

func family(f linux.Family) int {
	if f == linux.V6 {
		return netlink.FAMILY_V6
	}
	return netlink.FAMILY_V4
}

func route(r linux.Route) *netlink.Route {
	out := &netlink.Route{Family: family(r.Family), Table: r.Table, Dst: ipNet(r.Dst), LinkIndex: r.Port, Protocol: unix.RTPROT_STATIC}
	if r.Local {
		out.LinkIndex, out.Type, out.Scope = 1, unix.RTN_LOCAL, netlink.SCOPE_HOST
		return out
	}
	switch {
	case r.Via.IsValid():
		out.Gw, out.Flags = r.Via.AsSlice(), int(netlink.FLAG_ONLINK)
	case r.Family == linux.V4:
		out.Scope = netlink.SCOPE_LINK
	}
	if r.Source.IsValid() {
		out.Src = r.Source.AsSlice()
	}
	if r.MTU != 0 {
		out.MTU, out.MTULock = r.MTU, true
	}
	return out
}

func (p *Plane) putRoute(r linux.Route) error {
	if err := p.rt.RouteReplace(route(r)); err != nil {
		return fmt.Errorf("put route %s: %w", r, err)
	}
	return nil
}

func (p *Plane) cutRoute(r linux.Route) error {
	// Routes go with their link, which may be gone already.
	if err := p.rt.RouteDel(route(r)); err != nil && !missing(err) {
		return fmt.Errorf("cut route %s: %w", r, err)
	}
	return nil
}

func neighbour(n linux.Neighbour) *netlink.Neigh {
	f := netlink.FAMILY_V4
	if n.Addr.Is6() {
		f = netlink.FAMILY_V6
	}
	return &netlink.Neigh{LinkIndex: n.Port, Family: f, State: netlink.NUD_PERMANENT, IP: n.Addr.AsSlice(), HardwareAddr: net.HardwareAddr(n.MAC[:])}
}

func (p *Plane) putNeighbour(n linux.Neighbour) error {
	if err := p.rt.NeighSet(neighbour(n)); err != nil {
		return fmt.Errorf("put neighbour %s: %w", n.Addr, err)
	}
	return nil
}

func (p *Plane) cutNeighbour(n linux.Neighbour) error {
	if err := p.rt.NeighDel(neighbour(n)); err != nil && !missing(err) {
		return fmt.Errorf("cut neighbour %s: %w", n.Addr, err)
	}
	return nil
}

func policy(r linux.PolicyRule) *netlink.Rule {
	out := netlink.NewRule()
	out.Family, out.Priority = family(r.Family), r.Priority
	if r.Mask != 0 {
		mask := r.Mask
		out.Mark, out.Mask = r.Mark, &mask
	}
	if r.Goto != 0 {
		out.Goto = r.Goto
	} else {
		out.Table = r.Table
	}
	if r.FromSelf {
		out.IifName = "lo"
	}
	return out
}

func (p *Plane) putPolicy(r linux.PolicyRule) error {
	if err := p.rt.RuleAdd(policy(r)); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("put rule %s: %w", r, err)
	}
	return nil
}

func (p *Plane) cutPolicy(r linux.PolicyRule) error {
	if err := p.rt.RuleDel(policy(r)); err != nil && !missing(err) {
		return fmt.Errorf("cut rule %s: %w", r, err)
	}
	return nil
}

// addrOf is an address of the older type.
func addrOf(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}

func prefixOf(n *net.IPNet) netip.Prefix {
	if n == nil {
		return netip.Prefix{}
	}
	ones, _ := n.Mask.Size()
	return netip.PrefixFrom(addrOf(n.IP), ones)
}
