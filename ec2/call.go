package ec2

import (
	"context"
	"net/netip"
	"time"

	"tombolo/ec2/wire"
	"tombolo/network"
)

// call is one request on its way through a handler: who asks, and what exists.
// Readers of parameters (cidr4, tags, …) note the first error in it, and do
// refuses to act on one, so that a handler can build its network.Request in one
// expression.
type call struct {
	ctx     context.Context
	backend Backend
	caller  network.Caller
	state   network.State // what exists; after do, what exists then
	action  string
	dry     bool // DryRun: everything is checked and nothing happens
	now     time.Time
	err     error

	strictImages bool
}

// fail notes the first thing that is wrong with the request.
func (c *call) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// do carries out the request, or with DryRun finds out whether it could be.
func (c *call) do(r network.Request) (network.Outcome, error) { return c.doOnce(nil, r) }

// doOnce is do for operations with a ClientToken: a repetition with the same
// token gives the outcome of the first and has no further effect.
func (c *call) doOnce(token *string, r network.Request) (network.Outcome, error) {
	if c.err != nil {
		return network.Outcome{}, c.err
	}
	ask := network.Op{Caller: c.caller, At: c.now, Token: value(token), Request: r}
	if len(ask.Token) > maxToken {
		return network.Outcome{}, &Error{Code: "InvalidParameterValue", Message: "Value (" + ask.Token + ") for parameter clientToken is invalid. The token must be no longer than 64 characters."}
	}
	if c.dry {
		// The IDs that the zero seed gives are never seen.
		if _, err := c.state.Apply(ask); err != nil {
			return network.Outcome{}, err
		}
		return network.Outcome{}, errDryRun
	}
	s, err := c.backend.Do(c.ctx, ask.Caller, ask.Token, r)
	if err != nil {
		return network.Outcome{}, err
	}
	c.state = s
	return s.Outcome(), nil
}

// maxToken is AWS's bound on idempotency tokens (AWS: Ensuring idempotency in
// Amazon EC2 API requests).
const maxToken = 64

// verdict is the end of every handler: what was noted and not returned counts,
// and a DryRun that met no error says so with one.
func (c *call) verdict(err error) error {
	switch {
	case err != nil:
		return err
	case c.err != nil:
		return c.err
	case c.dry:
		return errDryRun
	}
	return nil
}

// cidr4 reads an IPv4 block. The parameter is named as AWS names it in errors,
// in camel case; an absent one gives the zero Prefix.
func (c *call) cidr4(parameter string, text *string) netip.Prefix {
	return c.cidr(parameter, text, netip.Addr.Is4)
}

// cidr6 reads an IPv6 block.
func (c *call) cidr6(parameter string, text *string) netip.Prefix {
	return c.cidr(parameter, text, func(a netip.Addr) bool { return a.Is6() && !a.Is4In6() })
}

func (c *call) cidr(parameter string, text *string, family func(netip.Addr) bool) netip.Prefix {
	if text == nil {
		return netip.Prefix{}
	}
	p, err := netip.ParsePrefix(*text)
	if err != nil || !family(p.Addr()) || p.Addr().Zone() != "" {
		c.fail(invalidValue(*text, parameter, "This is not a valid CIDR block."))
		return netip.Prefix{}
	}
	return p
}

// addr4 reads an IPv4 address; an absent one gives the zero Addr.
func (c *call) addr4(parameter string, text *string) netip.Addr {
	return c.addr(parameter, text, netip.Addr.Is4)
}

// addr6 reads an IPv6 address.
func (c *call) addr6(parameter string, text *string) netip.Addr {
	return c.addr(parameter, text, func(a netip.Addr) bool { return a.Is6() && !a.Is4In6() && a.Zone() == "" })
}

func (c *call) addr(parameter string, text *string, family func(netip.Addr) bool) netip.Addr {
	if text == nil {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(*text)
	if err != nil || !family(a) {
		c.fail(&Error{Code: "InvalidParameterValue", Message: "Invalid value '" + *text + "' for " + parameter + ". Invalid IP address."})
		return netip.Addr{}
	}
	return a
}

// need notes a parameter that must be there though AWS's model does not say so.
func (c *call) need(parameter string, present bool) {
	if !present {
		c.fail(missing(parameter))
	}
}

// setting unwraps the structure in which Modify…Attribute sends a boolean.
func setting(v *wire.AttributeBooleanValue) *bool {
	if v == nil {
		return nil
	}
	return v.Value
}

// value is what p points to, or the zero value when it is absent.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// text is a pointer to s for a result, or nil, which leaves the element out,
// when s is empty.
func text[S ~string](s S) *string {
	if s == "" {
		return nil
	}
	return new(string(s))
}

// open gives the caller's account what every account has in every Region from
// the first day: the default VPC and all that belongs to it.
func (c *call) open() error {
	if c.state.World(c.caller) != nil {
		return nil
	}
	r, _ := lookupRegion(c.caller.Region)
	s, err := c.backend.Do(c.ctx, c.caller, "", network.OpenWorld{Zones: r.zoneNames()})
	if err != nil {
		return err
	}
	c.state = s
	return nil
}
