package why

import (
	"strconv"
	"strings"

	"tombolo/network"
	"tombolo/reach"
)

// Answer is a Result as a document: what `tombolo reach -o json` prints.
type Answer struct {
	Source      End     `json:"source"`
	Destination End     `json:"destination"`
	Protocol    string  `json:"protocol"`
	Port        int     `json:"port,omitempty"`
	Reachable   bool    `json:"reachable"`
	Verdict     string  `json:"verdict"`              // reachable, unanswered or unreachable
	BlockedBy   *Cause  `json:"blocked_by,omitempty"` // what stops packets today
	Causes      []Cause `json:"causes"`               // all, in the order in which packets meet them
	Forward     []Hop   `json:"forward"`
	Return      []Hop   `json:"return"`
}

// End is one end of a flow.
type End struct {
	Interface string `json:"interface,omitempty"`
	Instance  string `json:"instance,omitempty"`
	Name      string `json:"name,omitempty"` // the instance's
	Address   string `json:"address"`
	VPC       string `json:"vpc,omitempty"`
}

// Cause is one reason why packets do not pass.
type Cause struct {
	Code      string `json:"code"` // AWS's explanation code
	Component string `json:"component"`
	Direction string `json:"direction,omitempty"`
	Way       string `json:"way"`              // request or answer
	Detail    bool   `json:"detail,omitempty"` // says more about the cause before it
	Sentence  string `json:"sentence"`
}

// Hop is one component on the way.
type Hop struct {
	Kind      string `json:"kind"`
	Component string `json:"component"`
	Direction string `json:"direction,omitempty"`
	Decided   string `json:"decided,omitempty"` // the rule's ID, the entry's number, the route's destination
	Blocked   bool   `json:"blocked,omitempty"`
	Beyond    bool   `json:"beyond,omitempty"` // behind what blocks: looked at, never met
	Sentence  string `json:"sentence"`
}

// Document writes a Result.
func Document(s network.State, r reach.Result) Answer {
	f := r.Flow
	to := f.Destination
	if to == "" {
		to = r.Forward.Arrived
	}
	a := Answer{
		Source: theEnd(s, f.Source), Destination: theEnd(s, to), Protocol: protocol(f.Protocol), Port: int(f.Port),
		Reachable: r.Verdict == reach.Reachable, Verdict: r.Verdict.String(), Causes: []Cause{},
		Forward: hops(r.Forward), Return: hops(r.Return),
	}
	a.Source.Address, a.Destination.Address = f.SourceAddr.String(), f.DestinationAddr.String()
	for _, e := range r.Causes {
		a.Causes = append(a.Causes, Cause{Code: string(e.Code), Component: e.Component, Direction: e.Direction.String(),
			Way: e.Way.String(), Detail: e.Detail, Sentence: e.Sentence()})
	}
	if len(a.Causes) > 0 {
		a.BlockedBy = &a.Causes[0]
	}
	return a
}

func theEnd(s network.State, id network.ENIID) End {
	e := s.ENI(id)
	if e == nil {
		return End{}
	}
	out := End{Interface: string(id), VPC: string(e.VPC)}
	if e.Attachment != nil {
		out.Instance = string(e.Attachment.Instance)
		out.Name = s.Tags(network.Caller{Account: e.Owner, Region: e.Region}, out.Instance)["Name"]
	}
	return out
}

func hops(l reach.Leg) []Hop {
	out := []Hop{}
	for _, h := range l.Hops {
		out = append(out, Hop{Kind: h.Kind.String(), Component: h.Component, Direction: h.Direction.String(), Decided: decided(h),
			Blocked: h.Blocked, Beyond: h.Beyond, Sentence: h.Sentence()})
	}
	return out
}

// decided is what of a component decided.
func decided(h reach.Hop) string {
	switch h.Kind {
	case reach.SecurityGroups:
		return string(h.Rule.ID)
	case reach.NetworkACL:
		if h.Entry.Number == 0 {
			return "*"
		}
		return strconv.Itoa(h.Entry.Number)
	case reach.RouteTable:
		if h.Route.Dst.IsValid() {
			return h.Route.Dst.String()
		}
	}
	return ""
}

func protocol(p network.Protocol) string {
	switch p {
	case network.TCP:
		return "tcp"
	case network.UDP:
		return "udp"
	case network.ICMP, network.ICMPv6:
		return "icmp"
	}
	return strings.TrimSpace(strconv.Itoa(int(p)))
}
