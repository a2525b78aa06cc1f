package ec2

import (
	"net/netip"
	"strconv"
	"strings"

	"tombolo/ec2/wire"
	"tombolo/network"
)

// arn is a resource's Amazon Resource Name (AWS: Resource types defined by
// Amazon EC2).
func arn(h network.Home, resourceType, id string) *string {
	return new("arn:aws:ec2:" + string(h.Region) + ":" + string(h.Owner) + ":" + resourceType + "/" + id)
}

func number(n int) string { return strconv.Itoa(n) }

// long is an integer as the wire has it.
func long(n int) *int64 { return new(int64(n)) }

// prefixText is a block for a result; nil for the zero Prefix.
func prefixText(p netip.Prefix) *string {
	if !p.IsValid() {
		return nil
	}
	return new(p.String())
}

// texts are strings for a filter.
func texts[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

// addrTexts are addresses for a filter or a result.
func addrTexts(list []netip.Addr) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.String()
	}
	return out
}

// ids are strings of a request as IDs.
func ids[I ~string](list []string) []I {
	if list == nil {
		return nil
	}
	out := make([]I, len(list))
	for i, s := range list {
		out[i] = I(s)
	}
	return out
}

// wrapBool is a boolean as Describe…Attribute gives it.
func wrapBool(b bool) *wire.AttributeBooleanValue { return &wire.AttributeBooleanValue{Value: new(b)} }

// wrapText is a string as Describe…Attribute gives it; an empty one has no value.
func wrapText[S ~string](s S) *wire.AttributeValue { return &wire.AttributeValue{Value: text(s)} }

// domain ends the private names of a Region's instances (AWS: Amazon EC2
// instance hostname types).
func domain(r network.Region) string {
	if r == "us-east-1" {
		return "ec2.internal"
	}
	return string(r) + ".compute.internal"
}

// ipName is the private name of an IPv4 address: ip-10-0-1-5.ec2.internal.
func ipName(a netip.Addr, r network.Region) string {
	return "ip-" + strings.ReplaceAll(a.String(), ".", "-") + "." + domain(r)
}
