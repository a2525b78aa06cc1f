package network

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestNoSequenceOfOpsBreaksTheModel does random ops of every kind, most of them
// on things that exist, and checks again and again that the State is still sound.
func TestNoSequenceOfOpsBreaksTheModel(t *testing.T) {
	n := tallied{done: map[string]int{}, refused: map[string]int{}, codes: map[Code]int{}}
	// A machine that only ever is refused proves nothing. Chance may need
	// another round to do everything once.
	for round := 0; n.missing() != "" || len(n.codes) < 45; round++ {
		if round == 5 {
			t.Fatalf("never done: %s; only %d codes were met: %v", n.missing(), len(n.codes), n.codes)
		}
		rapid.Check(t, n.run)
	}
	t.Logf("done: %v; refused: %v; codes: %v", n.done, n.refused, n.codes)
}

// tallied counts what the machines met.
type tallied struct {
	done, refused map[string]int
	codes         map[Code]int
}

func (n tallied) missing() string {
	var out []string
	for _, r := range requests {
		if name := reflect.TypeOf(r).Name(); n.done[name] == 0 {
			out = append(out, name)
		}
	}
	return strings.Join(out, " ")
}

func (n tallied) run(t *rapid.T) {
	m := &machine{T: t, now: dayOne, stored: map[string][]byte{}}
	if rapid.IntRange(0, 3).Draw(t, "furnished") < 3 {
		m.furnish()
	}
	t.Repeat(map[string]func(*rapid.T){"ops": func(*rapid.T) {
		for range 3 {
			name, err := m.step()
			if err == nil {
				n.done[name]++
				continue
			}
			n.refused[name]++
			n.codes[err.Code]++
		}
		if fault := unsound(m.State); fault != "" {
			m.Fatal(fault)
		}
	}})
	if fault := staleIndex(m.State); fault != "" {
		m.Fatal(fault)
	}
	m.reload()
}

// machine is a State, what a store would hold of it, and the dice.
type machine struct {
	*rapid.T
	State
	now    time.Time
	dice   uint64
	rand   *rand.Rand
	caller Caller
	stored map[string][]byte // "kind key" → Doc
}

// furnish makes a little of everything, so that most ops have something to work on.
func (m *machine) furnish() {
	made := func(c Caller, r Request) []string {
		m.dice++
		op := Op{Caller: c, At: m.now, Request: r}
		binary.BigEndian.PutUint64(op.Seed[:], m.dice)
		if err := m.apply(op); err != nil {
			m.Fatal(err)
		}
		return m.Outcome().Created
	}
	made(home, OpenWorld{Zones: zones})
	made(stranger, OpenWorld{Zones: zones})
	var vpcs []VPCID
	for k, c := range []Caller{home, home, stranger} {
		v := VPCID(made(c, CreateVPC{CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(10 + k)}), 16), Amazon6: true})[0])
		block, block6 := m.VPC(v).Blocks[0].CIDR, m.VPC(v).Blocks6[0].CIDR
		n := SubnetID(made(c, CreateSubnet{
			VPC: v, CIDR: netip.PrefixFrom(block.Addr(), 24), CIDR6: netip.PrefixFrom(block6.Addr(), 64), Zone: zones[0], Zones: zones,
		})[0])
		made(c, CreateENI{ENISpec: ENISpec{Subnet: n}})
		spec := InterfaceSpec{New: ENISpec{Subnet: n, Extra6: 1}, DeleteOnTermination: true}
		i := made(c, RunInstances{Min: 1, Max: 1, Interfaces: []InterfaceSpec{spec}})[1]
		made(c, ReportStarted{Instance: InstanceID(i)})
		vpcs = append(vpcs, v)
	}
	made(home, CreateLaunchTemplate{Name: "furnished"})
	active := PeeringID(made(home, RequestPeering{VPC: vpcs[0], PeerVPC: vpcs[1]})[0])
	made(stranger, RequestPeering{VPC: vpcs[2], PeerVPC: vpcs[0], PeerOwner: home.Account})
	made(home, Settle{})
	made(home, AcceptPeering{active})
	made(home, Settle{})
	gateway := GatewayID(made(home, CreateGateway{})[0])
	made(home, AttachGateway{gateway, vpcs[0]})
	made(home, CreateEgressGateway{VPC: vpcs[0]})
	made(home, AllocateAddress{})
	made(home, CreateDHCPOptions{Options: []DHCPOption{{"domain-name", []string{"example.com"}}}})
	made(home, CreateRoute{m.VPC(vpcs[0]).MainTable, m.VPC(vpcs[1]).Blocks[0].CIDR, ToPeering{active}})
}

// likely are the requests, and those more often that others build on.
var likely = append(slices.Clone(requests), CreateVPC{}, CreateSubnet{}, CreateSubnet{}, CreateENI{}, CreateENI{},
	RunInstances{}, RunInstances{}, ReportStarted{}, ReportStarted{}, ReportStopped{}, RequestPeering{}, AcceptPeering{})

func (m *machine) step() (string, *Error) {
	// One draw decides a whole op: what rapid makes smaller is the number of ops.
	seed := rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(m.T, "op")
	m.rand = rand.New(rand.NewPCG(binary.BigEndian.Uint64(seed), 0))
	m.caller = pick(m, []Caller{home, home, home, home, home, home, home, stranger, stranger, elsewhere})
	m.now = m.now.Add(pick(m, []time.Duration{0, 0, time.Second, time.Second, time.Hour, 100 * time.Hour}))
	request := reflect.New(reflect.TypeOf(pick(m, likely))).Elem()
	m.fill(request, "")
	op := Op{At: m.now, Request: m.aim(request.Interface().(Request))}
	op.Caller = m.caller
	if m.oneIn(10) {
		op.Token = pick(m, []string{"t1", "t2"})
	}
	op.Seed = m.seed()
	err := m.apply(op)
	if m.oneIn(2) {
		_ = m.apply(Op{Caller: m.caller, At: m.now, Seed: m.seed(), Request: Settle{}})
	}
	return request.Type().Name(), err
}

// seed is another one each time, but for now and then.
func (m *machine) seed() (seed Seed) {
	if !m.oneIn(30) {
		m.dice++
	}
	binary.BigEndian.PutUint64(seed[:], m.dice)
	return seed
}

func (m *machine) oneIn(n int) bool { return m.rand.IntN(n) == 0 }

func pick[T any](m *machine, pool []T) T { return pool[m.rand.IntN(len(pool))] }

// apply does op, and checks what must be true of every op.
func (m *machine) apply(op Op) *Error {
	m.Logf("%T %+v", op.Request, op.Request)
	var next State
	var err error
	if m.rand != nil && m.oneIn(30) {
		next, err = m.watched(op)
	} else {
		next, err = m.Apply(op)
	}
	if err != nil {
		var refusal *Error
		if !errors.As(err, &refusal) || refusal.Code == 0 {
			m.Fatalf("%T %+v: %v is not an *Error with a Code", op.Request, op.Request, err)
		}
		return refusal
	}
	if (len(next.Changes()) > 0) != (next.Generation > m.Generation) {
		m.Fatalf("%T: generation %d to %d with %d changes", op.Request, m.Generation, next.Generation, len(next.Changes()))
	}
	for _, c := range next.Changes() {
		doc, err := c.Doc()
		if err != nil {
			m.Fatalf("%T: %v", op.Request, err)
		}
		if m.stored[c.Kind+" "+c.Key] = doc; doc == nil {
			delete(m.stored, c.Kind+" "+c.Key)
		}
	}
	m.State = next
	return nil
}

// watched does op and checks that it is a function and leaves the State alone
// that it is asked of, which it gives back when it refuses. Another future of the
// same State, with other dice, must not shine through: rows share no memory that
// is still written to.
func (m *machine) watched(op Op) (State, error) {
	before := dump(m.State)
	next, err := m.Apply(op)
	after := dump(next)
	if dump(m.State) != before {
		m.Fatalf("%T %+v changed the State that it was asked of", op.Request, op.Request)
	}
	again, errAgain := m.Apply(op)
	if dump(again) != after || fmt.Sprint(err) != fmt.Sprint(errAgain) {
		m.Fatalf("%T %+v is not a function: %v, %v", op.Request, op.Request, err, errAgain)
	}
	if err != nil && (after != before || next.Generation != m.Generation) {
		m.Fatalf("%T %+v was refused and changed the State", op.Request, op.Request)
	}
	other := op
	other.Seed[15]++
	other.At = op.At.Add(time.Second)
	_, _ = m.Apply(other)
	if dump(m.State) != before || dump(next) != after {
		m.Fatalf("%T %+v has two futures that share memory", op.Request, op.Request)
	}
	return next, err
}

// reload checks that the changes, as a store keeps them, make the same State.
func (m *machine) reload() {
	var l Loader
	for key, doc := range m.stored {
		kind, _, _ := strings.Cut(key, " ")
		if err := l.Add(kind, doc); err != nil {
			m.Fatal(err)
		}
	}
	if got, want := dump(l.State(m.Generation)), dump(m.State); got != want {
		m.Fatalf("reloaded:\n%s\nwas:\n%s", got, want)
	}
}

// dump writes all rows and all that is derived from them.
func dump(s State) string {
	var out strings.Builder
	for _, r := range allRows(s) {
		doc, _ := json.Marshal(r.row)
		fmt.Fprintf(&out, "%s %s %s\n", r.kind, r.key, doc)
	}
	return out.String() + dumpIndexes(s)
}

func dumpIndexes(s State) string {
	var out strings.Builder
	for l := range s.refs.from(link{}) {
		fmt.Fprintf(&out, "%s>%s\n", l.parent, l.child)
	}
	if s.used.m != nil {
		s.used.m.Scan(func(k string, n int) bool { fmt.Fprintf(&out, "%s %d\n", k, n); return true })
	}
	if s.timers.m != nil {
		s.timers.m.Scan(func(k string, _ timed) bool { fmt.Fprintf(&out, "%q\n", k); return true })
	}
	return out.String()
}

// fill gives every field of a request a value that could make sense.
func (m *machine) fill(f reflect.Value, name string) {
	if pool, ok := m.pool(f, name); ok {
		f.Set(reflect.ValueOf(pick(m, pool)).Convert(f.Type()))
		return
	}
	switch f.Interface().(type) {
	case PortRange:
		f.Set(reflect.ValueOf(pick(m, []PortRange{AnyPort, {80, 80}, {0, 65535}, {8, -1}, {9, 3}})))
		return
	case MetadataOptions:
		return
	}
	switch f.Type() {
	case reflect.TypeFor[Target]():
		id := pick(m, m.ids("pcx", "eni", "i", "igw", "eigw", "none"))
		f.Set(reflect.ValueOf(targetNamed(id)))
		return
	case reflect.TypeFor[Peer]():
		f.Set(reflect.ValueOf(peerNamed(pick(m, append(m.ids("sg"), "10.0.0.0/8", "::/0", "10.1.2.3/32")))))
		return
	}
	switch f.Kind() {
	case reflect.Bool:
		f.SetBool(m.oneIn(4))
	case reflect.Int, reflect.Int16:
		f.SetInt(int64(m.rand.IntN(3 + 1)))
	case reflect.Pointer:
		if m.oneIn(2) {
			f.Set(reflect.New(f.Type().Elem()))
			m.fill(f.Elem(), name)
		}
	case reflect.Map:
		f.Set(reflect.MakeMap(f.Type()))
		for range m.rand.IntN(2 + 1) {
			k, v := reflect.New(f.Type().Key()).Elem(), reflect.New(f.Type().Elem()).Elem()
			m.fill(k, name)
			m.fill(v, name)
			f.SetMapIndex(k, v)
		}
	case reflect.Slice:
		lengths := []int{0, 1, 1, 1, 2}
		if strings.HasPrefix(name, "Addrs") || name == "Tags" {
			lengths = []int{0, 0, 0, 1}
		}
		for range pick(m, lengths) {
			item := reflect.New(f.Type().Elem()).Elem()
			m.fill(item, name)
			f.Set(reflect.Append(f, item))
		}
	case reflect.Struct:
		for k := range f.NumField() {
			m.fill(f.Field(k), f.Type().Field(k).Name)
		}
	case reflect.Uint8:
		f.SetUint('x')
	case reflect.String:
		f.SetString(pick(m, []string{"", "x", "y"}))
	default:
		m.Fatalf("no way to make up a %v", f.Type())
	}
}

// pool is what a field is drawn from, if that depends on its type or name.
func (m *machine) pool(f reflect.Value, name string) ([]any, bool) {
	switch f.Interface().(type) {
	case VPCID:
		if name == "PeerVPC" && m.vpcs.len() > 0 {
			var all []any
			for v := range m.VPCs() {
				all = append(all, string(v.ID))
			}
			return all, true
		}
		return boxed(m.ids("vpc")), true
	case SubnetID:
		return m.orNone(m.ids("subnet")), true
	case ENIID:
		return m.orNone(m.ids("eni")), true
	case InstanceID:
		return boxed(m.ids("i")), true
	case RouteTableID:
		return boxed(m.ids("rtb")), true
	case PeeringID:
		return boxed(m.ids("pcx")), true
	case GroupID:
		return boxed(m.ids("sg")), true
	case ACLID:
		return boxed(m.ids("acl")), true
	case LaunchTemplateID:
		return m.orNone(m.ids("lt")), true
	case FlowLogID:
		return m.orNone(m.ids("fl")), true
	case InsightsPathID:
		return m.orNone(m.ids("nip")), true
	case InsightsAnalysisID:
		return m.orNone(m.ids("nia")), true
	case AccessScopeID:
		return m.orNone(m.ids("nis")), true
	case AccessScopeAnalysisID:
		return m.orNone(m.ids("nisa")), true
	case Document:
		return []any{Document(`[]`), Document(nil)}, true
	case GatewayID:
		return m.orNone(m.ids("igw")), true
	case EgressGatewayID:
		return m.orNone(m.ids("eigw")), true
	case AllocationID:
		return m.orNone(m.ids("eipalloc")), true
	case DHCPOptionsID:
		return append(m.orNone(m.ids("dopt")), string(NoDHCPOptions)), true
	case Traffic:
		return []any{TrafficAccept, TrafficReject, TrafficAll}, true
	case KeyPairID:
		return m.orNone(m.ids("key")), true
	case RuleID, AssociationID, AttachmentID:
		return m.orNone(m.parts(f.Type())), true
	case Account:
		return boxed([]string{"", string(home.Account), string(stranger.Account)}), true
	case Region:
		return boxed([]string{"", string(home.Region), string(elsewhere.Region)}), true
	case Protocol:
		return []any{AnyProtocol, TCP, UDP, ICMP, ICMPv6, Protocol(50)}, true
	case netip.Prefix:
		return m.prefixes(name), true
	case netip.Addr:
		return m.addrs(), true
	case Quota:
		return []any{QuotaSubnets, QuotaENIs, QuotaGroups, QuotaPeerings, Quota("none")}, true
	}
	named := map[string][]any{
		"Zones": {zones[0], zones[1]}, "Zone": {"", zones[0], zones[1]},
		"Min": {1, 1, 1, 2, 0}, "Max": {1, 1, 2, 3}, "Device": {0, 0, 0, 1, 2},
		"Extra": {0, 0, 0, 1, 3}, "Extra6": {0, 0, 0, 1}, "Count": {0, 0, 1, 2},
		"MaxInterfaces": {0, 2, 3}, "MaxAddrs": {0, 3, 4}, "Limit": {0, 3, 1000, 1000, 5000},
		"Number": {0, 100, 101, 200}, "Boot": {0, 0, 1, 2},
		"Tenancy":          {"", "", "default", "dedicated", "host"},
		"ShutdownBehavior": {"", "stop", "terminate", "nap"},
		"KeyName":          {"", "", "", "x"},
		"Interval":         {60, 600, 600, 7},
		"Key":              {"domain-name", "ntp-servers", "netbios-node-type"},
		"Values":           {"10.0.0.1", "1", "2"},
		"HostnameType":     {"ip-name", "resource-name", "x"},
	}
	if name == "Resources" && f.Kind() == reflect.String {
		return boxed(m.ids("vpc", "subnet", "eni", "pcx", "i", "rtb", "sg", "acl", "igw", "eigw", "eipalloc", "dopt")), true
	}
	if (name == "Source" || name == "Destination") && f.Kind() == reflect.String {
		return boxed(m.ids("eni", "i", "igw")), true
	}
	if pool, ok := named[name]; ok && f.Kind() != reflect.Slice && f.Kind() != reflect.Pointer {
		return pool, true
	}
	return nil, false
}

// orNone is "", or what is not there, if there is nothing else; sometimes it is "" anyway.
func (m *machine) orNone(ids []string) []any {
	if len(ids) == 0 || m.oneIn(10) {
		return []any{"", "rtbassoc-00000000000000000"}
	}
	return boxed(ids)
}

func boxed(values []string) []any {
	out := make([]any, len(values))
	for k, v := range values {
		out[k] = v
	}
	return out
}

// ids are the IDs of the caller's things of some kinds, and one that is nobody's.
// Now and then another account's are among them.
func (m *machine) ids(kinds ...string) []string {
	foreign := m.oneIn(10)
	var out []string
	for _, r := range allRows(m.State) {
		owned, ok := r.row.(interface{ In(Caller) bool })
		if ok && slices.Contains(kinds, Kind(r.key)) && (foreign || owned.In(m.caller)) {
			out = append(out, r.key)
		}
	}
	if len(out) == 0 || m.oneIn(30) {
		out = append(out, kinds[0]+"-00000000000000000")
	}
	return out
}

// parts are the IDs of the parts of the caller's things that have this type.
func (m *machine) parts(t reflect.Type) []string {
	var out []string
	for _, r := range allRows(m.State) {
		if owned, ok := r.row.(interface{ In(Caller) bool }); !ok || !owned.In(m.caller) {
			continue
		}
		for _, id := range idsIn(reflect.ValueOf(r.row).Elem()) {
			if id.Type() == t && id.String() != "" {
				out = append(out, id.String())
			}
		}
	}
	return out
}

// prefixes are CIDR blocks that exist, parts of them, and others.
func (m *machine) prefixes(name string) []any {
	var four, six []any
	for _, s := range []string{"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/29", "10.0.0.0/16", "10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/20",
		"192.168.0.0/20", "172.30.0.0/16", "100.64.0.0/16"} {
		four = append(four, cidr(s))
	}
	for v := range m.VPCsOf(m.caller) {
		for _, b := range v.Blocks {
			four = append(four, b.CIDR)
			for k := range min(3, lastPlace(b.CIDR)/256) {
				four = append(four, netip.PrefixFrom(nth(b.CIDR, k*256), 24), netip.PrefixFrom(nth(b.CIDR, k*16), 28))
			}
		}
		for _, b := range v.Blocks6 {
			six = append(six, nth64(b.CIDR, 0), nth64(b.CIDR, 1))
		}
	}
	if name == "CIDR6" {
		return append(six, cidr("::/0"), netip.Prefix{}, netip.Prefix{}, netip.Prefix{})
	}
	return append(append(four, six...), cidr("::/0"), netip.Prefix{})
}

// addrs are addresses at the beginning of the caller's subnets.
func (m *machine) addrs() []any {
	out := []any{netip.MustParseAddr("10.9.9.9")}
	for n := range m.SubnetsOf(m.caller) {
		for _, p := range []netip.Prefix{n.CIDR, n.CIDR6()} {
			for k := uint64(3); p.IsValid() && k < 10; k++ {
				out = append(out, nth(p, k))
			}
		}
	}
	return out
}
