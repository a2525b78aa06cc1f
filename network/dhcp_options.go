package network

import (
	"cmp"
	"iter"
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// DHCPOptions is a set of options that instances of its VPCs are told. It never
// changes; a VPC is given another one instead.
type DHCPOptions struct {
	ID DHCPOptionsID
	Home
	Options []DHCPOption // in order of key
	Created time.Time
}

// DHCPOption is one option and its values.
type DHCPOption struct {
	Key    string // as the API names it: domain-name, ntp-servers, …
	Values []string
}

// NoDHCPOptions is what a VPC has instead of a set when it has none.
const NoDHCPOptions DHCPOptionsID = "default"

func (d *DHCPOptions) key() string     { return string(d.ID) }
func (d *DHCPOptions) links() []string { return []string{d.World()} }
func (d *DHCPOptions) uses() []use     { return []use{{d.World(), QuotaDHCPOptions}} }

// DHCPOptions finds a set by ID; nil when there is none. A Region's default set is
// made from what the Region is, and is no row.
func (s State) DHCPOptions(c Caller, id DHCPOptionsID) *DHCPOptions {
	if w := s.World(c); w != nil && w.DHCPOptions == id && id != "" {
		return defaultOptions(w)
	}
	if d := lookup(s.optionSets, id); d != nil && d.In(c) {
		return d
	}
	return nil
}

// DHCPOptionsOf are the sets of the caller's account and Region, the Region's default
// one among them, in order of ID.
func (s State) DHCPOptionsOf(c Caller) iter.Seq[*DHCPOptions] {
	out := slices.Collect(those(s, s.optionSets, Home{c.Account, c.Region}.World(), "dopt-"))
	if w := s.World(c); w != nil && w.DHCPOptions != "" {
		out = append(out, defaultOptions(w))
		slices.SortFunc(out, func(a, b *DHCPOptions) int { return cmp.Compare(a.ID, b.ID) })
	}
	return slices.Values(out)
}

// defaultOptions is a Region's default set (AWS: DHCP option sets in Amazon VPC,
// default DHCP option set).
func defaultOptions(w *World) *DHCPOptions {
	domain := "ec2.internal"
	if w.Region != "us-east-1" {
		domain = string(w.Region) + ".compute.internal"
	}
	return &DHCPOptions{ID: w.DHCPOptions, Home: w.Home, Created: w.Opened, Options: []DHCPOption{
		{"domain-name", []string{domain}}, {"domain-name-servers", []string{"AmazonProvidedDNS"}},
	}}
}

// CreateDHCPOptions makes a set. Created: the set.
type CreateDHCPOptions struct {
	Options []DHCPOption
	Tags    Tags
}

// DeleteDHCPOptions deletes a set that no VPC has.
type DeleteDHCPOptions struct{ Options DHCPOptionsID }

// AssociateDHCPOptions gives a VPC another set, or with NoDHCPOptions none.
type AssociateDHCPOptions struct {
	Options DHCPOptionsID
	VPC     VPCID
}

// dhcpOptions is a set of the caller's, if there is one with this ID.
func (e *edit) dhcpOptions(id DHCPOptionsID) (*DHCPOptions, error) {
	if !WellFormed(string(id), "dopt") {
		return nil, failWith(Malformed, id, "dopt")
	}
	d := e.State.DHCPOptions(e.op.Caller, id)
	if d == nil {
		return nil, fail(NotFound, id)
	}
	return d, nil
}

func (r CreateDHCPOptions) apply(e *edit) error {
	if len(r.Options) == 0 {
		return fail(Missing, "dhcpConfiguration")
	}
	options := slices.Clone(r.Options)
	slices.SortStableFunc(options, func(a, b DHCPOption) int { return cmp.Compare(a.Key, b.Key) })
	for k, o := range options {
		if k > 0 && options[k-1].Key == o.Key {
			return failWith(DHCPOptionTwice, o.Key, "dhcpConfiguration")
		}
		if err := checkDHCPOption(o); err != nil {
			return err
		}
	}
	if err := e.room(e.home().World(), QuotaDHCPOptions); err != nil {
		return err
	}
	d := &DHCPOptions{ID: DHCPOptionsID(e.newID("dopt")), Home: e.home(), Options: options, Created: e.op.At}
	put(e, &e.optionSets, kindDHCPOptions, d)
	e.created(d.key())
	return e.setTags(d.key(), r.Tags)
}

// dhcpRules say of each option how many values it may have and what they are (AWS:
// DHCP option sets in Amazon VPC, DHCP option set concepts; CreateDhcpOptions).
var dhcpRules = map[string]struct {
	most  int
	valid func(string) bool
}{
	"domain-name":                       {1, func(v string) bool { return v != "" && len(v) <= maxDomain && ascii(v) }},
	"domain-name-servers":               {4, isNameServer},
	"ntp-servers":                       {8, isAddr},
	"netbios-name-servers":              {4, isAddr4},
	"netbios-node-type":                 {1, func(v string) bool { return slices.Contains([]string{"1", "2", "4", "8"}, v) }},
	"ipv6-address-preferred-lease-time": {1, isLease},
}

// maxDomain is in characters (RFC 1035; Linux takes several names with spaces between).
const maxDomain = 255

func isAddr(v string) bool {
	_, err := netip.ParseAddr(v)
	return err == nil
}

func isAddr4(v string) bool {
	a, err := netip.ParseAddr(v)
	return err == nil && a.Is4()
}

func isNameServer(v string) bool { return v == "AmazonProvidedDNS" || isAddr(v) }

func isLease(v string) bool {
	n, err := strconv.ParseInt(v, 10, 32)
	return err == nil && n >= 140
}

func checkDHCPOption(o DHCPOption) error {
	rule, known := dhcpRules[o.Key]
	switch {
	case !known:
		return fail(DHCPOptionUnknown, o.Key)
	case len(o.Values) == 0:
		return failWith(DHCPOptionValue, "", o.Key)
	case len(o.Values) > rule.most:
		return failWith(DHCPOptionMany, strconv.Itoa(rule.most), o.Key)
	}
	for _, v := range o.Values {
		if !rule.valid(v) {
			return failWith(DHCPOptionValue, v, o.Key)
		}
	}
	return nil
}

// apply refuses a set that a VPC has (AWS: DeleteDhcpOptions). The Region's default
// set can go too; the next VPC brings a new one.
func (r DeleteDHCPOptions) apply(e *edit) error {
	d, err := e.dhcpOptions(r.Options)
	if err != nil {
		return err
	}
	if v := e.refs.first(d.key(), "vpc-"); v != "" {
		return failWith(InUse, d.ID, v)
	}
	if w := e.World(e.op.Caller); w != nil && w.DHCPOptions == d.ID {
		next := *w
		next.DHCPOptions = ""
		put(e, &e.worlds, kindWorld, &next)
		e.dropTags(w.World(), d.key())
		return nil
	}
	drop(e, &e.optionSets, kindDHCPOptions, d.key())
	return nil
}

// apply follows AWS: AssociateDhcpOptions, where "default" means none.
func (r AssociateDHCPOptions) apply(e *edit) error {
	if r.Options != NoDHCPOptions {
		if _, err := e.dhcpOptions(r.Options); err != nil {
			return err
		}
	}
	v, err := e.vpc(r.VPC)
	if err != nil {
		return err
	}
	next := *v
	next.DHCPOptions = r.Options
	e.putVPC(&next)
	return nil
}

// defaultDHCPOptions is the Region's default set for a new VPC, made anew when it was
// deleted.
func (e *edit) defaultDHCPOptions() DHCPOptionsID {
	w := e.World(e.op.Caller)
	if w == nil {
		return ""
	}
	if w.DHCPOptions == "" {
		next := *w
		next.DHCPOptions = DHCPOptionsID(e.newID("dopt"))
		put(e, &e.worlds, kindWorld, &next)
		return next.DHCPOptions
	}
	return w.DHCPOptions
}
