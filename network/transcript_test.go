package network

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
)

// The transcripts of testdata/transcripts: ops in, what they changed or why they were refused
// out. One op per line:
//
//	[name, …=] [@caller] Request [Field=value] …
//
// A name stands from then on for what the op made, in the order of Created. A
// value is text, a list a,b,c, a map k:v,k:v or a struct {Field=value …}; a Route's
// Target is the ID it leads to, or local; a rule's Peer is a CIDR block or a group;
// six#1 is the second /64 of the VPC's block six, n#5 address 5 of subnet n's.
// "pass 2h" lets time pass. Settle is done after every op, as control does it.
//
// Out come the rows: "+" is new, "~" changed (only what differs is shown), "-" gone.
// What is empty, the time, dice and MAC addresses are left out. Things without a
// name are named for their kind and number.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		s := &script{site: newSite(t), names: map[string]string{}, ids: map[string]string{}, counts: map[string]int{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.TB = t
			if d.Cmd != "ops" {
				d.Fatalf(t, "unknown directive %s", d.Cmd)
			}
			var out strings.Builder
			for _, line := range strings.Split(d.Input, "\n") {
				if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
					s.line(line, &out)
				}
			}
			return out.String()
		})
	})
}

var callers = map[string]Caller{"home": home, "stranger": stranger, "elsewhere": elsewhere}

// script is a transcript being played.
type script struct {
	*site
	names  map[string]string // ID → name
	ids    map[string]string // name → the last ID that had it
	counts map[string]int
}

func (s *script) line(line string, out *strings.Builder) {
	if d, ok := strings.CutPrefix(line, "pass "); ok {
		long, err := time.ParseDuration(d)
		s.must(err)
		s.now = s.now.Add(long)
		s.settled(out)
		return
	}
	var names []string
	if before, after, ok := strings.Cut(line, " = "); ok {
		names, line = strings.Split(before, ", "), after
	}
	fields := s.fields(line)
	caller := home
	if at, ok := strings.CutPrefix(fields[0], "@"); ok {
		caller, fields = callers[at], fields[1:]
	}
	op := s.op(caller, nil)
	request := s.request(fields[0])
	for _, field := range fields[1:] {
		name, value, _ := strings.Cut(field, "=")
		if name == "token" {
			op.Token = value
			continue
		}
		s.field(request, name, value)
	}
	op.Request = request.Interface().(Request)
	next, err := s.Apply(op)
	var refusal *Error
	if errors.As(err, &refusal) {
		fmt.Fprintf(out, "refused: %s\n", s.named(refusal.Error()))
		return
	}
	s.must(err)
	for k, id := range next.Outcome().Created {
		if k < len(names) && s.names[id] == "" {
			s.names[id], s.ids[names[k]] = names[k], id
		}
	}
	s.print(next, out)
	s.settled(out)
}

func (s *script) settled(out *strings.Builder) {
	for due := s.Due(); !due.IsZero() && !due.After(s.now); due = s.Due() {
		next, err := s.Apply(s.op(home, Settle{}))
		s.must(err)
		s.print(next, out)
	}
}

func (s *script) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// print shows what next changed, and goes on from there.
func (s *script) print(next State, out *strings.Builder) {
	if next.Outcome().Replay {
		fmt.Fprintf(out, "replay: %s\n", s.named(strings.Join(next.Outcome().Created, " ")))
	}
	for _, c := range next.Changes() {
		old := s.row(c)
		id := s.named(c.Key[strings.LastIndexByte(c.Key, '/')+1:])
		switch {
		case c.Row == nil:
			fmt.Fprintf(out, "- %s %s\n", c.Kind, id)
		case old == nil:
			fmt.Fprintf(out, "+ %s %s%s\n", c.Kind, id, shown(nil, s.fieldsOf(c.Row)))
		default:
			if diff := shown(s.fieldsOf(old), s.fieldsOf(c.Row)); diff != "" {
				fmt.Fprintf(out, "~ %s %s%s\n", c.Kind, id, diff)
			}
		}
	}
	s.State = next
}

// row is what a change replaces.
func (s *script) row(c Change) any {
	for _, row := range allRows(s.State) {
		if row.kind == c.Kind && row.key == c.Key {
			return row.row
		}
	}
	return nil
}

var anyID = regexp.MustCompile(`\b([a-z]+(?:-[a-z]+)*)-[0-9a-f]{17}\b`)

// named writes names for IDs.
func (s *script) named(text string) string {
	return anyID.ReplaceAllStringFunc(text, func(id string) string {
		if s.names[id] == "" {
			kind := Kind(id)
			s.counts[kind]++
			name := kind + strconv.Itoa(s.counts[kind])
			s.names[id], s.ids[name] = name, id
		}
		return s.names[id]
	})
}

// id is what a name stands for; any other text stands for itself.
func (s *script) id(name string) string {
	if id := s.ids[name]; id != "" {
		return id
	}
	return name
}

// fields splits at spaces that are not inside braces.
func (s *script) fields(line string) []string {
	var out []string
	depth, word := 0, ""
	for _, c := range line + " " {
		switch {
		case c == '{':
			depth++
		case c == '}':
			depth--
		}
		if c == ' ' && depth == 0 {
			if word != "" {
				out = append(out, word)
			}
			word = ""
			continue
		}
		word += string(c)
	}
	return out
}

// split cuts a list at commas that are not inside braces.
func split(text string) []string {
	var out []string
	depth, word := 0, ""
	for _, c := range text {
		switch {
		case c == '{':
			depth++
		case c == '}':
			depth--
		case c == ',' && depth == 0:
			out = append(out, word)
			word = ""
			continue
		}
		word += string(c)
	}
	if word != "" {
		out = append(out, word)
	}
	return out
}

func (s *script) field(request reflect.Value, name, value string) {
	f := request.FieldByName(name)
	if !f.IsValid() {
		s.Fatalf("%v has no field %s", request.Type(), name)
	}
	s.set(f, value)
}

func (s *script) set(f reflect.Value, value string) {
	switch f.Interface().(type) {
	case netip.Prefix:
		if name, n, ok := strings.Cut(value, "#"); ok {
			f.Set(reflect.ValueOf(s.within(name, n)))
			return
		}
		p, err := netip.ParsePrefix(value)
		s.must(err)
		f.Set(reflect.ValueOf(p))
		return
	case netip.Addr:
		if name, n, ok := strings.Cut(value, "#"); ok {
			at, err := strconv.ParseUint(n, 0, 64)
			s.must(err)
			f.Set(reflect.ValueOf(nth(s.Subnet(SubnetID(s.id(name))).CIDR6(), at)))
			return
		}
		a, err := netip.ParseAddr(value)
		s.must(err)
		f.Set(reflect.ValueOf(a))
		return
	case PortRange:
		from, to, ranged := strings.Cut(value, "-")
		if !ranged {
			to = from
		}
		a, err := strconv.Atoi(from)
		s.must(err)
		b, err := strconv.Atoi(to)
		s.must(err)
		f.Set(reflect.ValueOf(PortRange{a, b}))
		return
	}
	switch f.Type() {
	case reflect.TypeFor[Target]():
		f.Set(reflect.ValueOf(targetNamed(s.id(value))))
		return
	case reflect.TypeFor[Peer]():
		f.Set(reflect.ValueOf(peerNamed(s.id(value))))
		return
	}
	switch f.Kind() {
	case reflect.String:
		f.SetString(s.id(value))
	case reflect.Bool:
		f.SetBool(value == "yes")
	case reflect.Int, reflect.Int16:
		n, err := strconv.Atoi(value)
		s.must(err)
		f.SetInt(int64(n))
	case reflect.Pointer:
		f.Set(reflect.New(f.Type().Elem()))
		s.set(f.Elem(), value)
	case reflect.Map:
		f.Set(reflect.MakeMap(f.Type()))
		for _, pair := range split(value) {
			k, v, _ := strings.Cut(pair, ":")
			key, val := reflect.New(f.Type().Key()).Elem(), reflect.New(f.Type().Elem()).Elem()
			s.set(key, k)
			s.set(val, v)
			f.SetMapIndex(key, val)
		}
	case reflect.Slice:
		if f.Type().Elem().Kind() == reflect.Uint8 {
			f.SetBytes([]byte(value))
			return
		}
		f.Set(reflect.MakeSlice(f.Type(), 0, 0))
		for _, part := range split(value) {
			item := reflect.New(f.Type().Elem()).Elem()
			s.set(item, part)
			f.Set(reflect.Append(f, item))
		}
	case reflect.Struct:
		for _, part := range s.fields(strings.TrimSuffix(strings.TrimPrefix(value, "{"), "}")) {
			name, v, _ := strings.Cut(part, "=")
			s.field(f, name, v)
		}
	default:
		s.Fatalf("no way to write a %v", f.Type())
	}
}

// within is the n-th /64 of an IPv6 block, which is named by its association.
func (s *script) within(name, n string) netip.Prefix {
	at, err := strconv.Atoi(n)
	s.must(err)
	v := s.VPC(VPCID(s.refs.first(s.id(name), "vpc-")))
	for _, b := range v.Blocks6 {
		if string(b.Association) == s.id(name) {
			return nth64(b.CIDR, at)
		}
	}
	s.Fatalf("%s is no IPv6 block", name)
	return netip.Prefix{}
}

func targetNamed(id string) Target {
	switch Kind(id) {
	case "pcx":
		return ToPeering{PeeringID(id)}
	case "eni":
		return ToENI{ENI: ENIID(id)}
	case "i":
		return ToENI{Instance: InstanceID(id)}
	case "igw":
		return ToGateway{GatewayID(id)}
	case "eigw":
		return ToEgress{EgressGatewayID(id)}
	}
	return ToLocal{}
}

func peerNamed(id string) Peer {
	if p, err := netip.ParsePrefix(id); err == nil {
		return PeerCIDR{p}
	}
	return PeerGroup{Group: GroupID(id)}
}

// request is a new, empty request of the type named.
func (s *script) request(name string) reflect.Value {
	for _, r := range requests {
		if t := reflect.TypeOf(r); t.Name() == name {
			return reflect.New(t).Elem()
		}
	}
	s.Fatalf("there is no request %s", name)
	return reflect.Value{}
}
