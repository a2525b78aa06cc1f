package api

import (
	"net/netip"
	"strconv"
	"strings"

	"tombolo/ec2/wire"
	"tombolo/network"
)

// ARN is a resource's Amazon Resource Name (AWS: Resource types defined by
// Amazon EC2).
func ARN(h network.Home, resourceType, id string) *string {
	return new("arn:aws:ec2:" + string(h.Region) + ":" + string(h.Owner) + ":" + resourceType + "/" + id)
}

// Number is an integer as a filter compares it.
func Number(n int) string { return strconv.Itoa(n) }

// Bool is a boolean as the wire has it. All share two.
func Bool[B ~bool](b B) *bool {
	if b {
		return yes
	}
	return no
}

var yes, no = new(true), new(false)

// Long is an integer as the wire has it. All share the small ones.
func Long(n int) *int64 {
	if n >= 0 && n < len(small) {
		return &small[n]
	}
	return new(int64(n))
}

var small = func() (t [256]int64) {
	for n := range t {
		t[n] = int64(n)
	}
	return t
}()

// PrefixText is a block for a result; nil for the zero Prefix.
func PrefixText(p netip.Prefix) *string {
	if !p.IsValid() {
		return nil
	}
	return new(p.String())
}

// Texts are strings for a filter.
func Texts[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

// AddrTexts are addresses for a filter or a result.
func AddrTexts(list []netip.Addr) []string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = a.String()
	}
	return out
}

// IDs are strings of a request as IDs.
func IDs[I ~string](list []string) []I {
	if list == nil {
		return nil
	}
	out := make([]I, len(list))
	for i, s := range list {
		out[i] = I(s)
	}
	return out
}

// WrapBool is a boolean as Describe…Attribute gives it.
func WrapBool[B ~bool](b B) *wire.AttributeBooleanValue {
	return &wire.AttributeBooleanValue{Value: new(bool(b))}
}

// WrapText is a string as Describe…Attribute gives it; an empty one has no value.
func WrapText[S ~string](s S) *wire.AttributeValue { return &wire.AttributeValue{Value: Text(s)} }

// Domain ends the private names of a Region's instances (AWS: Amazon EC2
// instance hostname types).
func Domain(r network.Region) string {
	if r == "us-east-1" {
		return "ec2.internal"
	}
	return string(r) + ".compute.internal"
}

// IPName is the private name of an IPv4 address: ip-10-0-1-5.ec2.internal.
func IPName(a netip.Addr, r network.Region) string {
	return "ip-" + strings.ReplaceAll(a.String(), ".", "-") + "." + Domain(r)
}

// All makes the elements of an answer's list; never nil, because AWS writes an
// empty list as an empty element.
func All[R, W any](rows []R, show func(R) W) []W {
	out := make([]W, 0, len(rows))
	for _, r := range rows {
		out = append(out, show(r))
	}
	return out
}

// Each is All for a function that needs the call.
func Each[R, W any](c *Call, rows []R, show func(*Call, R) W) []W {
	out := make([]W, 0, len(rows))
	for _, r := range rows {
		out = append(out, show(c, r))
	}
	return out
}
