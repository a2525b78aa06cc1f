package network

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// fieldsOf are the fields of a row, written out.
func (s *script) fieldsOf(row any) []field {
	var out []field
	v := reflect.ValueOf(row).Elem()
	for k := range v.NumField() {
		name := v.Type().Field(k).Name
		if !slices.Contains([]string{"ID", "MAC", "Hash", "Resource"}, name) {
			out = append(out, field{name, s.text(v.Field(k))})
		}
	}
	return out
}

type field struct{ name, text string }

// shown are the fields of is that differ from was, without those that are empty.
func shown(was, is []field) string {
	var out strings.Builder
	for k, f := range is {
		switch {
		case was == nil && f.text != "", was != nil && f.text != was[k].text:
			fmt.Fprintf(&out, "\n    %s=%s", f.name, f.text)
		}
	}
	return out.String()
}

// text is the empty string for what is empty, and for times.
func (s *script) text(v reflect.Value) string {
	if v.IsZero() {
		return ""
	}
	switch x := v.Interface().(type) {
	case time.Time:
		return ""
	case Home:
		return s.home(x)
	case Block:
		return fmt.Sprintf("%v as %s", x.CIDR, s.named(string(x.Association)))
	case Route:
		return fmt.Sprintf("%v to %s", x.Dst, s.target(x.To))
	case ACLEntry:
		verb := map[bool]string{false: "deny", true: "allow"}[x.Allow]
		return fmt.Sprintf("%s %d %s %s %v", direction(x.Egress), x.Number, verb, traffic(x.Protocol, x.Ports), x.CIDR)
	case Rule:
		return fmt.Sprintf("%s %s %s %s", s.named(string(x.ID)), direction(x.Egress), traffic(x.Protocol, x.Ports), s.peer(x.Peer)) +
			s.quoted(x.Description)
	case fmt.Stringer:
		return x.String()
	}
	switch v.Kind() {
	case reflect.String:
		return s.named(v.String())
	case reflect.Bool:
		return "yes"
	case reflect.Pointer:
		return s.text(v.Elem())
	case reflect.Slice, reflect.Array:
		if b, ok := v.Interface().([]byte); ok {
			return strconv.Quote(string(b))
		}
		var parts []string
		for k := range v.Len() {
			parts = append(parts, s.text(v.Index(k)))
		}
		return strings.Join(parts, "; ")
	case reflect.Map:
		var parts []string
		for it := v.MapRange(); it.Next(); {
			parts = append(parts, s.text(it.Key())+":"+s.text(it.Value()))
		}
		slices.Sort(parts)
		return strings.Join(parts, ", ")
	case reflect.Struct:
		var parts []string
		for k := range v.NumField() {
			if text := s.text(v.Field(k)); text != "" {
				parts = append(parts, v.Type().Field(k).Name+":"+text)
			}
		}
		return "{" + strings.Join(parts, " ") + "}"
	}
	return fmt.Sprint(v.Interface())
}

// home is empty for what is the usual caller's.
func (s *script) home(h Home) string {
	for name, c := range callers {
		if h.In(c) && name != "home" {
			return name
		}
	}
	return ""
}

func (s *script) target(to Target) string {
	if _, local := to.(ToLocal); local {
		return "local"
	}
	return s.named(targetName(to))
}

func (s *script) peer(p Peer) string {
	if c, ok := p.(PeerCIDR); ok {
		return c.CIDR.String()
	}
	return s.named(p.peer())
}

func (s *script) quoted(text string) string {
	if text == "" {
		return ""
	}
	return " " + strconv.Quote(text)
}

func direction(egress bool) string {
	if egress {
		return "out"
	}
	return "in"
}

func traffic(p Protocol, ports PortRange) string {
	name, ok := map[Protocol]string{AnyProtocol: "all", ICMP: "icmp", TCP: "tcp", UDP: "udp", ICMPv6: "icmpv6"}[p]
	if !ok {
		name = strconv.Itoa(int(p))
	}
	if ports == AnyPort {
		return name
	}
	return fmt.Sprintf("%s/%d-%d", name, ports.From, ports.To)
}
