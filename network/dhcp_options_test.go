package network

import (
	"slices"
	"strings"
	"testing"
)

// AWS: DHCP option sets in Amazon VPC; CreateDhcpOptions: which options there are,
// how many values each may have, and which.
func TestWhatADHCPOptionMayBe(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	for _, ok := range []DHCPOption{
		{"domain-name", []string{"example.com"}},
		{"domain-name", []string{"a.example b.example"}},
		{"domain-name-servers", []string{"AmazonProvidedDNS"}},
		{"domain-name-servers", []string{"10.2.5.1", "10.2.5.2", "fd00:ec2::253", "10.2.5.4"}},
		{"ntp-servers", slices.Repeat([]string{"169.254.169.123"}, 8)},
		{"netbios-name-servers", []string{"10.2.5.1"}},
		{"netbios-node-type", []string{"2"}},
		{"ipv6-address-preferred-lease-time", []string{"140"}},
		{"ipv6-address-preferred-lease-time", []string{"2147483647"}},
	} {
		id := DHCPOptionsID(w.do(CreateDHCPOptions{Options: []DHCPOption{ok}}))
		if d := w.DHCPOptions(home, id); d == nil || len(d.Options) != 1 || d.Options[0].Key != ok.Key {
			t.Errorf("%v made %+v", ok, d)
		}
	}
	for _, tc := range []struct {
		option          DHCPOption
		code            Code
		subject, detail string
	}{
		{DHCPOption{"nonsense", []string{"1"}}, DHCPOptionUnknown, "nonsense", ""},
		{DHCPOption{"domain-name", nil}, DHCPOptionValue, "", "domain-name"},
		{DHCPOption{"domain-name", []string{""}}, DHCPOptionValue, "", "domain-name"},
		{DHCPOption{"domain-name", []string{"a", "b"}}, DHCPOptionMany, "1", "domain-name"},
		{DHCPOption{"domain-name", []string{strings.Repeat("a", 256)}}, DHCPOptionValue, strings.Repeat("a", 256), "domain-name"},
		{DHCPOption{"domain-name-servers", []string{"f"}}, DHCPOptionValue, "f", "domain-name-servers"},
		{DHCPOption{"domain-name-servers", slices.Repeat([]string{"10.0.0.1"}, 5)}, DHCPOptionMany, "4", "domain-name-servers"},
		{DHCPOption{"ntp-servers", []string{"f"}}, DHCPOptionValue, "f", "ntp-servers"},
		{DHCPOption{"netbios-name-servers", []string{"fd00::1"}}, DHCPOptionValue, "fd00::1", "netbios-name-servers"},
		{DHCPOption{"netbios-node-type", []string{"0"}}, DHCPOptionValue, "0", "netbios-node-type"},
		{DHCPOption{"ipv6-address-preferred-lease-time", []string{"139"}}, DHCPOptionValue, "139", "ipv6-address-preferred-lease-time"},
	} {
		w.refuses(CreateDHCPOptions{Options: []DHCPOption{tc.option}}, tc.code, tc.subject, tc.detail)
	}
	w.refuses(CreateDHCPOptions{}, Missing, "dhcpConfiguration", "")
	twice := DHCPOption{"domain-name", []string{"a"}}
	w.refuses(CreateDHCPOptions{Options: []DHCPOption{twice, twice}}, DHCPOptionTwice, "domain-name", "dhcpConfiguration")
}

// AWS: AssociateDhcpOptions; DeleteDhcpOptions: a VPC has one set or none, and a set
// that one has can't go.
func TestAVPCHasOneSetOfOptions(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	v := w.newVPC(home, "10.0.0.0/16")
	standard := v.DHCPOptions
	d := w.DHCPOptions(home, standard)
	if d == nil || len(d.Options) != 2 || d.Options[0].Values[0] != "ec2.internal" || d.Options[1].Values[0] != "AmazonProvidedDNS" {
		t.Fatalf("the default set is %+v", d)
	}
	own := DHCPOptionsID(w.do(CreateDHCPOptions{Options: []DHCPOption{{"domain-name", []string{"x"}}}, Tags: Tags{"a": "b"}}))
	w.wantTags(string(own), Tags{"a": "b"})
	w.do(AssociateDHCPOptions{own, v.ID})
	w.refuses(DeleteDHCPOptions{own}, InUse, string(own), string(v.ID))
	w.refuses(DeleteDHCPOptions{standard}, InUse, string(standard), string(w.DefaultVPC(home).ID))
	w.refusesTo(stranger, AssociateDHCPOptions{own, v.ID}, NotFound, string(own), "")
	w.do(AssociateDHCPOptions{NoDHCPOptions, v.ID})
	if got := w.VPC(v.ID).DHCPOptions; got != "default" {
		t.Errorf("a VPC without options has %q", got)
	}
	w.do(DeleteDHCPOptions{own})
	w.refuses(DeleteDHCPOptions{own}, NotFound, string(own), "")
	if got := len(slices.Collect(w.DHCPOptionsOf(home))); got != 1 {
		t.Errorf("%d sets are left", got)
	}
}

// A Region's default set comes again with the next VPC when it was deleted.
func TestTheDefaultSetComesAgain(t *testing.T) {
	w := newSite(t)
	w.doAs(elsewhere, OpenWorld{Zones: zones})
	v := w.DefaultVPC(elsewhere)
	first := v.DHCPOptions
	if d := w.DHCPOptions(elsewhere, first); d.Options[0].Values[0] != "eu-west-1.compute.internal" {
		t.Errorf("the domain is %v", d.Options)
	}
	w.doAs(elsewhere, CreateTags{[]string{string(first)}, Tags{"a": "b"}})
	w.doAs(elsewhere, AssociateDHCPOptions{NoDHCPOptions, v.ID})
	w.doAs(elsewhere, DeleteDHCPOptions{first})
	w.refusesTo(elsewhere, AssociateDHCPOptions{first, v.ID}, NotFound, string(first), "")
	if n := len(slices.Collect(w.DHCPOptionsOf(elsewhere))); n != 0 {
		t.Errorf("%d sets are left", n)
	}
	next := w.newVPC(elsewhere, "10.0.0.0/16").DHCPOptions
	if next == first || w.DHCPOptions(elsewhere, next) == nil {
		t.Errorf("the next VPC has %q", next)
	}
	if again := w.newVPC(elsewhere, "10.1.0.0/16").DHCPOptions; again != next {
		t.Errorf("another VPC has %q, not %q", again, next)
	}
}
