package scenario

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"tombolo/network"
)

// sayENI makes an interface or changes one.
func (w *world) sayENI(words *words) error {
	name := words.next()
	if words.accept("in") {
		return w.newENI(name, words)
	}
	e, who, err := w.eni(name)
	if err != nil {
		return err
	}
	switch {
	case words.accept("sg"):
		groups, err := w.groupsOf(words.until(), w.state.VPC(e.VPC))
		if err != nil {
			return err
		}
		_, err = w.do(who, network.SetENIAttribute{ENI: e.ID, Groups: groups})
		return err
	case words.accept("check"):
		on := words.next() == "on"
		_, err = w.do(who, network.SetENIAttribute{ENI: e.ID, SourceDestCheck: &on})
		return err
	case words.accept("add"):
		if words.accept("ipv6") {
			_, err = w.do(who, network.AssignAddrs6{ENI: e.ID, Addrs: []netip.Addr{another6(e)}})
			return err
		}
		addrs, err := addresses(words.until())
		if err != nil {
			return err
		}
		_, err = w.do(who, network.AssignAddrs{ENI: e.ID, Addrs: addrs})
		return err
	case words.accept("drop"):
		if words.accept("ipv6") && len(e.Addrs6) > 0 {
			_, err = w.do(who, network.UnassignAddrs6{ENI: e.ID, Addrs: e.Addrs6[len(e.Addrs6)-1:]})
			return err
		}
		addrs, err := addresses(words.until())
		if err != nil {
			return err
		}
		_, err = w.do(who, network.UnassignAddrs{ENI: e.ID, Addrs: addrs})
		return err
	}
	return fmt.Errorf("eni %s: what about it?", name)
}

func addresses(words []string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, word := range words {
		a, err := netip.ParseAddr(word)
		if err != nil {
			return nil, fmt.Errorf("%q is no address", word)
		}
		out = append(out, a)
	}
	return out, nil
}

func (w *world) newENI(name string, words *words) error {
	n, who, err := w.subnet(words.next())
	if err != nil {
		return err
	}
	spec := network.ENISpec{Subnet: n.ID, Description: name}
	unchecked, detached := false, false
	if spec.Addrs, err = addresses(words.until("ipv6", "sg", "unchecked", "detached")); err != nil {
		return err
	}
	for len(words.rest) > 0 {
		switch {
		case words.accept("ipv6"):
			if spec.Addrs6, err = addrs6(n, spec.Addrs); err != nil {
				return err
			}
		case words.accept("unchecked"):
			unchecked = true
		case words.accept("detached"):
			detached = true
		case words.accept("sg"):
			spec.Groups, err = w.groupsOf(words.until("ipv6", "unchecked", "detached"), w.state.VPC(n.VPC))
			if err != nil {
				return err
			}
		default:
			return words.end()
		}
	}
	id, err := w.make(who, "eni", name, network.CreateENI{ENISpec: spec})
	if err != nil {
		return err
	}
	if !detached {
		w.alone[name] = true
	}
	if unchecked {
		off := false
		_, err = w.do(who, network.SetENIAttribute{ENI: network.ENIID(id), SourceDestCheck: &off})
	}
	return err
}

// addrs6 gives an interface one IPv6 address whose last byte is that of its
// first IPv4 address, so that two interfaces of a subnet never clash.
func addrs6(n *network.Subnet, addrs []netip.Addr) ([]netip.Addr, error) {
	if !n.CIDR6().IsValid() || len(addrs) == 0 {
		return nil, fmt.Errorf("ipv6 needs a subnet that has it, and an IPv4 address to be named after")
	}
	a4, a6 := addrs[0].As4(), n.CIDR6().Addr().As16()
	a6[14], a6[15] = a4[2], a4[3]
	return []netip.Addr{netip.AddrFrom16(a6)}, nil
}

// another6 is one more IPv6 address for an interface that has some.
func another6(e *network.ENI) netip.Addr {
	if len(e.Addrs6) == 0 {
		return netip.Addr{}
	}
	a := e.Addrs6[0].As16()
	a[13] = byte(len(e.Addrs6))
	return netip.AddrFrom16(a)
}

func (w *world) groupsOf(names []string, v *network.VPC) ([]network.GroupID, error) {
	var out []network.GroupID
	for _, name := range names {
		id, err := w.group(name, v)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

// sayInstance makes one machine of several interfaces, or changes its state.
func (w *world) sayInstance(words *words) error {
	name := words.next()
	state := ""
	if len(words.rest) == 1 && slices.Contains([]string{"stopped", "started", "terminated"}, words.rest[0]) {
		state = words.next()
	}
	if state == "" {
		return w.launch(name, words.until())
	}
	if err := w.settleMachines(); err != nil {
		return err
	}
	id, err := w.id("instance", name)
	if err != nil {
		return err
	}
	return w.moveInstance(network.InstanceID(id), state)
}

func (w *world) moveInstance(id network.InstanceID, state string) error {
	who := callerOf(w.state.Instance(id).Home)
	requests := map[string][]network.Request{
		"stopped":    {network.StopInstances{Instances: []network.InstanceID{id}}, network.ReportStopped{Instance: id}},
		"started":    {network.StartInstances{Instances: []network.InstanceID{id}}, network.ReportStarted{Instance: id}},
		"terminated": {network.TerminateInstances{Instances: []network.InstanceID{id}}, network.ReportEnded{Instance: id}},
	}
	for _, r := range requests[state] {
		if _, err := w.do(who, r); err != nil {
			return err
		}
	}
	return nil
}

// launch runs an instance with the named interfaces; the first is its primary.
func (w *world) launch(name string, enis []string) error {
	r := network.RunInstances{Min: 1, Max: 1, Image: "ami-0123456789abcdef0", Type: "c5.4xlarge"}
	var who network.Caller
	for i, eni := range enis {
		e, owner, err := w.eni(eni)
		if err != nil {
			return err
		}
		who = owner
		delete(w.alone, eni)
		r.Interfaces = append(r.Interfaces, network.InterfaceSpec{Device: i, Existing: e.ID})
	}
	if _, taken := w.ids["instance "+name]; taken || len(enis) == 0 {
		return fmt.Errorf("instance %s: of which interfaces?", name)
	}
	made, err := w.do(who, r)
	if err != nil {
		return err
	}
	id := network.InstanceID(made[1])
	w.name("instance", name, string(id))
	_, err = w.do(who, network.ReportStarted{Instance: id})
	return err
}

// settleMachines makes a machine of every interface that no instance line has
// named.
func (w *world) settleMachines() error {
	for _, name := range slices.Sorted(maps.Keys(w.alone)) {
		if err := w.launch(name, []string{name}); err != nil {
			return err
		}
	}
	return nil
}
