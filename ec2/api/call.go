package api

import (
	"context"
	"net/netip"
	"time"

	"tombolo/ec2/wire"
	"tombolo/network"
)

// Backend is all that the API needs of the rest of the program.
type Backend interface {
	// Do carries out a request, once for a token that is not empty, and returns
	// the State that it made, Outcome included. It returns when packets obey.
	Do(ctx context.Context, caller network.Caller, token string, r network.Request) (network.State, error)
	// State is what exists now.
	State() network.State
	// Console is what an instance has written to its console, and when it last did.
	Console(ctx context.Context, id network.InstanceID) (output []byte, at time.Time, err error)
	// Later does what takes longer than a caller waits, after the answer. The
	// context ends with the program, which waits until work has.
	Later(work func(context.Context) error)
}

// Call is one request on its way through a handler: who asks, and what exists.
// Readers of parameters (CIDR4, Tags, …) note the first error in it, and Do
// refuses to act on one, so that a handler can build its network.Request in one
// expression.
type Call struct {
	Ctx          context.Context
	Backend      Backend
	Caller       network.Caller
	State        network.State // what exists; after Do, what exists then
	Action       string
	Dry          bool // DryRun: everything is checked and nothing happens
	Now          time.Time
	StrictImages bool
	Quotas       map[network.Quota]int // of a world that is opened: those that differ from AWS's
	Err          error                 // the first that was noted
}

// Fail notes the first thing that is wrong with the request.
func (c *Call) Fail(err error) {
	if c.Err == nil {
		c.Err = err
	}
}

// Do carries out the request, or with DryRun finds out whether it could be.
func (c *Call) Do(r network.Request) (network.Outcome, error) { return c.DoOnce(nil, r) }

// DoOnce is Do for operations with a ClientToken: a repetition with the same
// token gives the outcome of the first and has no further effect.
func (c *Call) DoOnce(token *string, r network.Request) (network.Outcome, error) {
	if c.Err != nil {
		return network.Outcome{}, c.Err
	}
	ask := network.Op{Caller: c.Caller, At: c.Now, Token: Value(token), Request: r}
	if len(ask.Token) > maxToken {
		return network.Outcome{}, &Error{Code: "InvalidParameterValue", Message: "Value (" + ask.Token + ") for parameter clientToken is invalid. The token must be no longer than 64 characters."}
	}
	if c.Dry {
		// The IDs that the zero seed gives are never seen.
		if _, err := c.State.Apply(ask); err != nil {
			return network.Outcome{}, err
		}
		return network.Outcome{}, errDryRun
	}
	s, err := c.Backend.Do(c.Ctx, ask.Caller, ask.Token, r)
	if err != nil {
		return network.Outcome{}, err
	}
	c.State = s
	return s.Outcome(), nil
}

// maxToken is AWS's bound on idempotency tokens (AWS: Ensuring idempotency in
// Amazon EC2 API requests).
const maxToken = 64

// verdict is the end of every handler: what was noted and not returned counts,
// and a DryRun that met no error says so with one.
func (c *Call) verdict(err error) error {
	switch {
	case err != nil:
		return err
	case c.Err != nil:
		return c.Err
	case c.Dry:
		return errDryRun
	}
	return nil
}

// Nothing is the end of a call that finds nothing and changes nothing.
func (c *Call) Nothing() error { return c.verdict(nil) }

// CIDR4 reads an IPv4 block. The parameter is named as AWS names it in errors,
// in camel case; an absent one gives the zero Prefix.
func (c *Call) CIDR4(parameter string, text *string) netip.Prefix {
	return c.cidr(parameter, text, netip.Addr.Is4)
}

// CIDR6 reads an IPv6 block.
func (c *Call) CIDR6(parameter string, text *string) netip.Prefix {
	return c.cidr(parameter, text, func(a netip.Addr) bool { return a.Is6() && !a.Is4In6() })
}

func (c *Call) cidr(parameter string, text *string, family func(netip.Addr) bool) netip.Prefix {
	if text == nil {
		return netip.Prefix{}
	}
	p, err := netip.ParsePrefix(*text)
	if err != nil || !family(p.Addr()) || p.Addr().Zone() != "" {
		c.Fail(InvalidValue(*text, parameter, "This is not a valid CIDR block."))
		return netip.Prefix{}
	}
	return p
}

// Addr4 reads an IPv4 address; an absent one gives the zero Addr.
func (c *Call) Addr4(parameter string, text *string) netip.Addr {
	return c.addr(parameter, text, netip.Addr.Is4)
}

// Addr6 reads an IPv6 address.
func (c *Call) Addr6(parameter string, text *string) netip.Addr {
	return c.addr(parameter, text, func(a netip.Addr) bool { return a.Is6() && !a.Is4In6() && a.Zone() == "" })
}

func (c *Call) addr(parameter string, text *string, family func(netip.Addr) bool) netip.Addr {
	if text == nil {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(*text)
	if err != nil || !family(a) {
		c.Fail(&Error{Code: "InvalidParameterValue", Message: "Invalid value '" + *text + "' for " + parameter + ". Invalid IP address."})
		return netip.Addr{}
	}
	return a
}

// Need notes a parameter that must be there though AWS's model does not say so.
func Need[T any](c *Call, parameter string, sent *T) {
	if sent == nil {
		c.Fail(Missing(parameter))
	}
}

// Setting unwraps the structure in which Modify…Attribute sends a boolean.
func Setting(v *wire.AttributeBooleanValue) *bool {
	if v == nil {
		return nil
	}
	return v.Value
}

// Value is what p points to, or the zero value when it is absent.
func Value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// Text is a pointer to s for a result, or nil, which leaves the element out,
// when s is empty.
func Text[S ~string](s S) *string {
	if s == "" {
		return nil
	}
	return new(string(s))
}

// open gives the caller's account what every account has in every Region from
// the first day: the default VPC and all that belongs to it.
func (c *Call) open() error {
	if c.State.World(c.Caller) != nil {
		return nil
	}
	r, _ := LookupRegion(c.Caller.Region)
	s, err := c.Backend.Do(c.Ctx, c.Caller, "", network.OpenWorld{Zones: r.ZoneNames(), Quotas: c.Quotas})
	if err != nil {
		return err
	}
	c.State = s
	return nil
}
