package why

import (
	"fmt"
	"strings"

	"tombolo/network"
	"tombolo/reach"
	"tombolo/reach/space"
)

// Path is everything that one interface can ask of another, as a document.
type Path struct {
	Source      End      `json:"source"`
	Destination End      `json:"destination"`
	Traffic     string   `json:"traffic"` // for people: icmp echo, tcp 80 and 443
	Flows       []string `json:"flows"`   // exactly: the boxes of header space
	Witness     string   `json:"witness"` // one packet that would get an answer
}

// Paths writes what the analyzer found.
func Paths(s network.State, paths []reach.Path) []Path {
	out := []Path{}
	for _, p := range paths {
		out = append(out, Path{Source: addressed(s, p.Source, p.Witness.SourceAddr.String()),
			Destination: addressed(s, p.Destination, p.Witness.DestinationAddr.String()),
			Traffic:     reach.Words(p.Flows), Flows: boxes(p.Flows), Witness: packet(p.Witness)})
	}
	return out
}

func addressed(s network.State, id network.ENIID, address string) End {
	e := theEnd(s, id)
	e.Address = address
	return e
}

func packet(f reach.Flow) string {
	text := fmt.Sprintf("%s %s → %s", protocol(f.Protocol), f.SourceAddr, f.DestinationAddr)
	if f.Port != 0 {
		text += fmt.Sprintf(" port %d", f.Port)
	}
	return text
}

func boxes(set space.Set) []string {
	out := []string{}
	for b := range set.All() {
		out = append(out, b.String())
	}
	return out
}

// Difference is what a change opened and closed between two interfaces, as a
// document.
type Difference struct {
	Source      End    `json:"source"`
	Destination End    `json:"destination"`
	Opened      string `json:"opened,omitempty"` // for people; "" when nothing was
	Closed      string `json:"closed,omitempty"`
}

// Differences writes what the analyzer found; names come from the State in which
// the interface still is.
func Differences(before, after network.State, found []reach.Difference) []Difference {
	out := []Difference{}
	for _, d := range found {
		out = append(out, Difference{Source: either(before, after, d.Source), Destination: either(before, after, d.Destination),
			Opened: words(d.Opened), Closed: words(d.Closed)})
	}
	return out
}

func words(set space.Set) string {
	if set.Empty() {
		return ""
	}
	return reach.Words(set)
}

func either(before, after network.State, id network.ENIID) End {
	s := after
	if s.ENI(id) == nil {
		s = before
	}
	e := theEnd(s, id)
	if row := s.ENI(id); row != nil {
		var addrs []string
		for _, a := range row.AllAddrs() {
			addrs = append(addrs, a.String())
		}
		e.Address = strings.Join(addrs, ",")
	}
	return e
}
