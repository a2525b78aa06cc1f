package kernel

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"tombolo/linux"
	"tombolo/network"
)

// portName names the fabric's end of a link.
func portName(index int) string { return fmt.Sprintf("eni%d", index-linux.PortBase) }

// alias is how a link says what it is: it outlives this process.
func alias(l linux.Link) string {
	return fmt.Sprintf("%s %s boot %d as eth%d %s", l.ENI, l.Instance, l.Boots, l.Device, l.MAC)
}

// linkOf reads an alias; false when the link is none of ours.
func linkOf(index int, text string) (linux.Link, bool) {
	l := linux.Link{Port: index}
	var mac string
	if n, err := fmt.Sscanf(text, "%s %s boot %d as eth%d %s", &l.ENI, &l.Instance, &l.Boots, &l.Device, &mac); err != nil || n != 5 {
		return l, false
	}
	return l, l.MAC.UnmarshalText([]byte(mac)) == nil
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// plug makes a link right, whatever is there: an end that is missing, or is
// another interface's or another boot's, is made anew.
func (p *Plane) plug(s linux.Plug) error {
	ns, err := p.config.InstanceNS(s.Link.Instance)
	if err != nil {
		return fmt.Errorf("namespace of %s: %w", s.Link.Instance, err)
	}
	defer ns.Close()
	inner, err := handle(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("namespace of %s: %w", s.Link.Instance, err)
	}
	if !p.plugged(s.Link, inner) {
		// Routes and neighbours went with a link that somebody else took away.
		p.remade = p.remade || s.Was != nil
		err = p.makeVeth(s.Link, ns, inner)
	}
	if err == nil {
		err = p.attach(s.Link)
	}
	if err == nil {
		err = configure(s, ns, inner)
	}
	if err != nil {
		inner.Close()
		return err
	}
	p.fresh = append(p.fresh, freshLink{s.Link, inner})
	if len(p.fresh) >= freshAtOnce {
		p.enliven()
	}
	return nil
}

// freshLink is a link that was plugged in and may not carry packets yet.
type freshLink struct {
	link  linux.Link
	inner *netlink.Handle
}

// freshAtOnce bounds how many of them are waited for together: each has a file.
const freshAtOnce = 128

// enliven waits until fresh links carry packets. The kernel brings one to life
// up to a second after it was set up, and drops what is sent before; since
// Linux 6.8 to ask for a single link finishes that at once. An IPv6 address is
// taken in by a worker of the kernel's, some time after it was added. A link
// that does not come to life in time is its instance's doing, and no error.
func (p *Plane) enliven() {
	for _, f := range p.fresh {
		for _, alive := range p.signs(f) {
			for tries := 0; !alive() && tries < enlivenTries; tries++ {
				<-time.After(enlivenPause)
			}
		}
		f.inner.Close()
	}
	p.fresh = nil
}

// signs are what a link that carries packets shows.
func (p *Plane) signs(f freshLink) []func() bool {
	out := []func() bool{
		func() bool { return running(p.rt.LinkByIndex(f.link.Port)) },
		func() bool { return running(f.inner.LinkByName(deviceName(f.link.Device))) },
	}
	for _, a := range f.link.Addrs {
		if a.Addr().Is6() {
			out = append(out, func() bool {
				routes, err := f.inner.RouteGet(a.Addr().AsSlice())
				return err == nil && len(routes) > 0 && routes[0].Type == unix.RTN_LOCAL
			})
		}
	}
	return out
}

// running is also true of a link that is gone: there is nothing to wait for.
func running(l netlink.Link, err error) bool {
	return err != nil || l.Attrs().OperState == netlink.OperUp
}

const (
	enlivenPause = 2 * time.Millisecond
	enlivenTries = 1000
)

// plugged reports whether both ends of a link are there.
func (p *Plane) plugged(l linux.Link, inner *netlink.Handle) bool {
	outer, err := p.rt.LinkByIndex(l.Port)
	if err != nil || outer.Attrs().Alias != alias(l) {
		return false
	}
	peer, err := inner.LinkByName(deviceName(l.Device))
	return err == nil && peer.Attrs().ParentIndex == l.Port && peer.Attrs().HardwareAddr.String() == l.MAC.String()
}

func deviceName(n int) string { return fmt.Sprintf("eth%d", n) }

func (p *Plane) makeVeth(l linux.Link, ns *os.File, inner *netlink.Handle) error {
	for _, old := range []func() (netlink.Link, error){
		func() (netlink.Link, error) { return p.rt.LinkByIndex(l.Port) },
		func() (netlink.Link, error) { return p.rt.LinkByName(portName(l.Port)) },
	} {
		if link, err := old(); err == nil {
			if err := p.rt.LinkDel(link); err != nil {
				return fmt.Errorf("remove stale link %s: %w", link.Attrs().Name, err)
			}
		}
	}
	if link, err := inner.LinkByName(deviceName(l.Device)); err == nil {
		// What an instance's user put there gives way to the interface.
		if err := inner.LinkDel(link); err != nil {
			return fmt.Errorf("remove stale link %s of %s: %w", deviceName(l.Device), l.Instance, err)
		}
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.Index, attrs.MTU = portName(l.Port), l.Port, linux.MTU
	attrs.HardwareAddr = linux.RouterMAC[:]
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: deviceName(l.Device), PeerHardwareAddr: l.MAC[:],
		PeerMTU: linux.MTU, PeerNamespace: netlink.NsFd(int(ns.Fd()))}
	if err := p.rt.LinkAdd(veth); err != nil {
		return fmt.Errorf("make link of %s: %w", l.ENI, err)
	}
	outer := &netlink.Device{LinkAttrs: netlink.LinkAttrs{Index: l.Port, Name: attrs.Name}}
	// Proxied ARP answers wait for up to 0.8 s by default, and this parameter
	// has no default for a namespace other than the first.
	name := "net/ipv4/neigh/" + attrs.Name + "/proxy_delay"
	if err := inside(p.config.Fabric, setting{name, "0"}.set); err != nil {
		return err
	}
	if err := p.rt.LinkSetUp(outer); err != nil {
		return fmt.Errorf("set link of %s up: %w", l.ENI, err)
	}
	// Last, because it says that all the rest is done.
	if err := p.rt.LinkSetAlias(outer, alias(l)); err != nil {
		return fmt.Errorf("name link of %s: %w", l.ENI, err)
	}
	return nil
}

// configure does for the instance's end what DHCP and router advertisements do
// on AWS.
func configure(s linux.Plug, ns *os.File, inner *netlink.Handle) error {
	name := deviceName(s.Link.Device)
	link, err := inner.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find %s of %s: %w", name, s.Link.Instance, err)
	}
	if lo, err := inner.LinkByName("lo"); err == nil && lo.Attrs().Flags&net.FlagUp == 0 {
		if err := inner.LinkSetUp(lo); err != nil {
			return fmt.Errorf("set loopback of %s up: %w", s.Link.Instance, err)
		}
	}
	if link.Attrs().Flags&net.FlagUp == 0 {
		quiet := []setting{{"net/ipv6/conf/" + name + "/accept_dad", "0"}, {"net/ipv6/conf/" + name + "/accept_ra", "0"}}
		if err := setAll(ns, quiet); err != nil {
			return err
		}
		if err := inner.LinkSetUp(link); err != nil {
			return fmt.Errorf("set %s of %s up: %w", name, s.Link.Instance, err)
		}
	}
	if err := setAddresses(s, inner, link); err != nil {
		return err
	}
	if err := setRouters(s, inner, link); err != nil {
		return err
	}
	return setRoutes(s, inner, link)
}

// setRouters makes the routers' MAC address known for good. All namespaces of a
// machine share one table of neighbours with room for 1,024 that were learned
// (net.ipv4.neigh.default.gc_thresh3): fewer than there may be instances.
func setRouters(s linux.Plug, inner *netlink.Handle, link netlink.Link) error {
	routers := []netip.Addr{linux.Gateway6}
	if s.Link.Router.IsValid() {
		routers = append(routers, s.Link.Router)
	}
	for _, a := range routers {
		n := neighbour(linux.Neighbour{Port: link.Attrs().Index, Addr: a, MAC: linux.RouterMAC})
		if err := inner.NeighSet(n); err != nil {
			return fmt.Errorf("neighbour %s of %s: %w", a, s.Link.ENI, err)
		}
	}
	return nil
}

// setAddresses adds what is missing and removes what the interface has given
// up; what else an instance's user has added is theirs.
func setAddresses(s linux.Plug, inner *netlink.Handle, link netlink.Link) error {
	have, err := retry(func() ([]netlink.Addr, error) { return inner.AddrList(link, netlink.FAMILY_ALL) })
	if err != nil {
		return fmt.Errorf("list addresses of %s: %w", s.Link.ENI, err)
	}
	for _, a := range s.Link.Addrs {
		if slices.ContainsFunc(have, func(x netlink.Addr) bool { return x.IPNet.String() == ipNet(a).String() }) {
			continue
		}
		x := &netlink.Addr{IPNet: ipNet(a)}
		if a.Addr().Is6() {
			x.Flags = unix.IFA_F_NODAD
		}
		if err := inner.AddrReplace(link, x); err != nil {
			return fmt.Errorf("add %s to %s: %w", a, s.Link.ENI, err)
		}
	}
	if s.Was == nil {
		return nil
	}
	for _, a := range s.Was.Addrs {
		if slices.Contains(s.Link.Addrs, a) {
			continue
		}
		if err := inner.AddrDel(link, &netlink.Addr{IPNet: ipNet(a)}); err != nil && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return fmt.Errorf("remove %s from %s: %w", a, s.Link.ENI, err)
		}
	}
	return nil
}

// setRoutes gives the first interface the instance's default routes, and every
// other one a table of its own for what comes from its addresses, as Amazon
// Linux does: a reply leaves by the interface that the question came in by.
// Decision 0073.
func setRoutes(s linux.Plug, inner *netlink.Handle, link netlink.Link) error {
	tables := []int{}
	if s.Link.Default {
		tables = append(tables, unix.RT_TABLE_MAIN)
	}
	if s.Link.Device > 0 {
		tables = append(tables, 10000+s.Link.Device)
	}
	var has6 bool
	for _, a := range s.Link.Addrs {
		has6 = has6 || a.Addr().Is6()
	}
	for _, t := range tables {
		routes := []netlink.Route{}
		if s.Link.Router.IsValid() {
			routes = append(routes, netlink.Route{LinkIndex: link.Attrs().Index, Table: t, Gw: s.Link.Router.AsSlice(), Flags: int(netlink.FLAG_ONLINK), Dst: ipNet(netip.MustParsePrefix("0.0.0.0/0"))})
		}
		if has6 {
			routes = append(routes, netlink.Route{LinkIndex: link.Attrs().Index, Table: t, Gw: linux.Gateway6.AsSlice(), Flags: int(netlink.FLAG_ONLINK), Dst: ipNet(netip.MustParsePrefix("::/0"))})
		}
		if t != unix.RT_TABLE_MAIN && s.Link.Router.IsValid() {
			routes = append(routes, netlink.Route{LinkIndex: link.Attrs().Index, Table: t, Scope: netlink.SCOPE_LINK, Dst: ipNet(s.Link.Addrs[0].Masked())})
		}
		for _, r := range routes {
			if err := inner.RouteReplace(&r); err != nil {
				return fmt.Errorf("route %s of %s: %w", r.Dst, s.Link.ENI, err)
			}
		}
	}
	if s.Link.Device == 0 {
		return nil
	}
	return setSourceRules(s, inner)
}

func setSourceRules(s linux.Plug, inner *netlink.Handle) error {
	source := func(a netip.Addr) *netlink.Rule {
		r := netlink.NewRule()
		r.Priority, r.Table = 10000+s.Link.Device, 10000+s.Link.Device
		r.Src, r.Family = ipNet(netip.PrefixFrom(a, a.BitLen())), netlink.FAMILY_V4
		if a.Is6() {
			r.Family = netlink.FAMILY_V6
		}
		return r
	}
	for _, a := range s.Link.Addrs {
		if err := inner.RuleAdd(source(a.Addr())); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("rule for %s of %s: %w", a, s.Link.ENI, err)
		}
	}
	if s.Was == nil {
		return nil
	}
	for _, a := range s.Was.Addrs {
		if !slices.Contains(s.Link.Addrs, a) {
			if err := inner.RuleDel(source(a.Addr())); err != nil && !errors.Is(err, unix.ENOENT) {
				return fmt.Errorf("rule for %s of %s: %w", a, s.Link.ENI, err)
			}
		}
	}
	return nil
}

// unplug removes a link, and with it both ends.
func (p *Plane) unplug(l linux.Link) error {
	link, err := p.rt.LinkByIndex(l.Port)
	if missing(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find link of %s: %w", l.ENI, err)
	}
	if err := p.rt.LinkDel(link); err != nil && !missing(err) {
		return fmt.Errorf("remove link of %s: %w", l.ENI, err)
	}
	return nil
}

func missing(err error) bool {
	var notFound netlink.LinkNotFoundError
	return errors.As(err, &notFound) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH)
}

// makeSink makes the link that leads nowhere: see linux.
func (p *Plane) makeSink() error {
	if l, err := p.rt.LinkByIndex(linux.SinkPort); err == nil && l.Attrs().Flags&net.FlagUp != 0 {
		return nil
	}
	for _, name := range []string{"sink", "drain"} {
		if l, err := p.rt.LinkByName(name); err == nil {
			if err := p.rt.LinkDel(l); err != nil {
				return fmt.Errorf("remove stale sink: %w", err)
			}
		}
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.Index, attrs.MTU = "sink", linux.SinkPort, 65535
	veth := netlink.NewVeth(attrs)
	veth.PeerName, veth.PeerMTU = "drain", 65535
	if err := p.rt.LinkAdd(veth); err != nil {
		return fmt.Errorf("make the sink: %w", err)
	}
	for _, name := range []string{"drain", "sink"} {
		l, err := p.rt.LinkByName(name)
		if err == nil {
			err = p.rt.LinkSetUp(l)
		}
		if err != nil {
			return fmt.Errorf("set the sink up: %w", err)
		}
	}
	return p.attach(linux.Link{Port: linux.SinkPort})
}

// shut closes an interface on its link, which needs nothing but the link: no
// packet passes one that is down.
func (p *Plane) shut(id network.ENIID) error {
	l, ok := p.tried.LinkOf(id)
	if !ok {
		return nil
	}
	link, err := p.rt.LinkByIndex(l.Port)
	if missing(err) {
		return nil
	}
	if err == nil {
		err = p.rt.LinkSetDown(link)
	}
	if err != nil {
		return fmt.Errorf("set link of %s down: %w", id, err)
	}
	return nil
}

// raise sets a link up again that shut has set down.
func (p *Plane) raise(id network.ENIID) error {
	l, ok := p.tried.LinkOf(id)
	if !ok {
		return nil
	}
	link, err := p.rt.LinkByIndex(l.Port)
	if missing(err) {
		return nil
	}
	if err == nil {
		err = p.rt.LinkSetUp(link)
	}
	if err != nil {
		return fmt.Errorf("set link of %s up: %w", id, err)
	}
	return nil
}
