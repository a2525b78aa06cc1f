package network

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

// inState makes an instance with one interface and brings it into a state. It
// has run before, so that it may be stopped while it is pending.
func (w *site) inState(n SubnetID, state InstanceState) InstanceID {
	w.Helper()
	id := w.newInstance(home, n)
	w.do(StopInstances{Instances: []InstanceID{id}})
	w.do(ReportStopped{Instance: id})
	w.do(StartInstances{[]InstanceID{id}})
	path := map[InstanceState][]Request{
		InstanceRunning:      {ReportStarted{Instance: id}},
		InstanceStopping:     {ReportStarted{Instance: id}, StopInstances{Instances: []InstanceID{id}}},
		InstanceStopped:      {ReportStopped{Instance: id}},
		InstanceShuttingDown: {TerminateInstances{[]InstanceID{id}}},
		InstanceTerminated:   {TerminateInstances{[]InstanceID{id}}, ReportEnded{id}},
	}
	for _, r := range path[state] {
		w.do(r)
	}
	if got := w.Instance(id).State; got != state {
		w.Fatalf("%s is %v, want %v", id, got, state)
	}
	return id
}

const (
	pending  = InstancePending
	running  = InstanceRunning
	stopping = InstanceStopping
	stopped  = InstanceStopped
	ending   = InstanceShuttingDown
	ended    = InstanceTerminated
	wrong    = InstanceState(0)
)

// AWS: Instance lifecycle; StartInstances, StopInstances, RebootInstances,
// TerminateInstances. Every op in every state.
func TestEveryOpInEveryStateOfAnInstance(t *testing.T) {
	for _, tt := range []struct {
		name string
		op   func(InstanceID) Request
		to   [6]InstanceState // from pending, running, stopping, stopped, shutting-down, terminated
		verb string
	}{
		{"start", func(i InstanceID) Request { return StartInstances{[]InstanceID{i}} },
			[6]InstanceState{pending, running, wrong, pending, wrong, wrong}, "start"},
		{"stop", func(i InstanceID) Request { return StopInstances{Instances: []InstanceID{i}} },
			[6]InstanceState{stopping, stopping, stopping, stopped, wrong, wrong}, "stop"},
		{"reboot", func(i InstanceID) Request { return RebootInstances{[]InstanceID{i}} },
			[6]InstanceState{wrong, running, wrong, wrong, wrong, wrong}, "reboot"},
		{"terminate", func(i InstanceID) Request { return TerminateInstances{[]InstanceID{i}} },
			[6]InstanceState{ending, ending, ending, ending, ending, ended}, ""},
		{"modify", func(i InstanceID) Request { return SetInstanceAttribute{Instance: i, DisableStop: ptr(true)} },
			[6]InstanceState{pending, running, stopping, stopped, wrong, wrong}, "modify"},
		{"change type", func(i InstanceID) Request {
			return SetInstanceAttribute{Instance: i, Type: ptr(InstanceTypeKey("m5.large"))}
		},
			[6]InstanceState{wrong, wrong, wrong, stopped, wrong, wrong}, "modify"},
		{"it started", func(i InstanceID) Request { return ReportStarted{Instance: i} },
			[6]InstanceState{running, running, stopping, stopped, ending, ended}, ""},
		{"it stopped", func(i InstanceID) Request { return ReportStopped{Instance: i} },
			[6]InstanceState{stopped, stopped, stopped, stopped, ending, ended}, ""},
		{"it ended", func(i InstanceID) Request { return ReportEnded{i} },
			[6]InstanceState{pending, running, stopping, stopped, ended, ended}, ""},
		{"an old boot started", func(i InstanceID) Request { return ReportStarted{Instance: i, Boot: 1} },
			[6]InstanceState{pending, running, stopping, stopped, ending, ended}, ""},
		{"an old boot stopped", func(i InstanceID) Request { return ReportStopped{Instance: i, Boot: 1} },
			[6]InstanceState{pending, running, stopping, stopped, ending, ended}, ""},
	} {
		for k, from := range []InstanceState{pending, running, stopping, stopped, ending, ended} {
			w := newSite(t)
			id := w.inState(w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.1.0/24").ID, from)
			if tt.to[k] == wrong {
				w.refuses(tt.op(id), WrongState, string(id), from.String()+" "+tt.verb)
				continue
			}
			before := w.Generation
			w.do(tt.op(id))
			if got := w.Instance(id).State; got != tt.to[k] {
				t.Errorf("%s: from %v to %v, want %v", tt.name, from, got, tt.to[k])
			}
			if idle := tt.verb == "" && from == tt.to[k]; idle && w.Generation != before {
				t.Errorf("%s changed something of an instance that is %v", tt.name, from)
			}
		}
	}
}

// What is reported of an instance that nobody knows is as out of date as can be.
func TestReportsOfUnknownInstancesChangeNothing(t *testing.T) {
	w := newSite(t)
	nobody := InstanceID("i-00000000000000000")
	for _, r := range []Request{ReportStarted{Instance: nobody}, ReportStopped{Instance: nobody}, ReportEnded{nobody}} {
		w.do(r)
	}
	if w.Generation != 0 {
		t.Errorf("generation %d", w.Generation)
	}
}

// AWS: Instance lifecycle: the interface, its addresses and its groups stay with
// a stopped instance.
func TestAStoppedInstanceKeepsItsInterface(t *testing.T) {
	w := newSite(t)
	n := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.1.0/24")
	i := w.newInstance(home, n.ID)
	before := slices.Collect(w.ENIsAt(i))
	w.do(StopInstances{Instances: []InstanceID{i}})
	w.do(ReportStopped{Instance: i})
	if got := slices.Collect(w.ENIsAt(i)); !slices.Equal(got, before) {
		t.Errorf("interfaces changed from %v to %v", before, got)
	}
	if w.Instance(i).Runs() {
		t.Error("a stopped instance's interfaces carry packets")
	}
	w.do(StartInstances{[]InstanceID{i}})
	if got := slices.Collect(w.ENIsAt(i)); !slices.Equal(got, before) || !w.Instance(i).Runs() {
		t.Errorf("interfaces changed from %v to %v", before, got)
	}
}

// AWS: Terminate Amazon EC2 instances. Nothing holds the subnet and the VPC then.
func TestATerminatedInstanceHoldsNothing(t *testing.T) {
	w := newSite(t)
	n := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.1.0/24")
	i := w.inState(n.ID, InstanceTerminated)
	w.do(DeleteSubnet{n.ID})
	w.do(DeleteVPC{n.VPC})
	if w.Instance(i) == nil {
		t.Error("AWS shows it for an hour")
	}
	w.pass(time.Hour)
	if w.Instance(i) != nil {
		t.Error("AWS shows it for an hour only")
	}
}

// An address is not given away while what had it may still answer.
func TestAnAddressIsFreeWhenTheInstanceHasEnded(t *testing.T) {
	w := newSite(t)
	n := w.newSubnet(home, w.newVPC(home, "172.31.0.0/16").ID, "172.31.1.0/24")
	server := netip.MustParseAddr("172.31.1.199")
	run := RunInstances{Min: 1, Max: 1, Interfaces: []InterfaceSpec{
		{New: ENISpec{Subnet: n.ID, Addrs: []netip.Addr{server}}, DeleteOnTermination: true},
	}}
	i := InstanceID(w.as(home, run).Created[1])
	w.do(TerminateInstances{[]InstanceID{i}})
	w.refuses(run, AddressInUse, server.String(), string(n.ID))
	w.do(ReportEnded{i})
	w.do(run)
}

func TestRunInstancesNumbersAndTagsWhatItMakes(t *testing.T) {
	w := newSite(t)
	n := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.1.0/24")
	out := w.as(home, RunInstances{
		Min: 3, Max: 3, Interfaces: []InterfaceSpec{{New: ENISpec{Subnet: n.ID}}},
		Tags: Tags{"role": "web"}, InterfaceTags: Tags{"role": "port"}, Stored: map[string]string{"monitoring": "on"},
	})
	reservation := ReservationID(out.Created[0])
	if got := len(slices.Collect(w.InstancesIn(reservation))); got != 3 {
		t.Errorf("the reservation has %d instances", got)
	}
	for k, id := range out.Created[1:] {
		i := w.Instance(InstanceID(id))
		if i.LaunchIndex != k || i.State != InstancePending || i.Boots != 1 || i.Stored["monitoring"] != "on" {
			t.Errorf("instance %d is %+v", k, i)
		}
		if w.Tags(home, id)["role"] != "web" {
			t.Errorf("%s has tags %v", id, w.Tags(home, id))
		}
		for eni := range w.ENIsAt(i.ID) {
			if w.Tags(home, string(eni.ID))["role"] != "port" || eni.Attachment.DeleteOnTermination {
				t.Errorf("%s is %+v with tags %v", eni.ID, eni, w.Tags(home, string(eni.ID)))
			}
		}
	}
}

// What didn't find room leaves no trace: no interface, no tag, no ID.
func TestInstancesThatFindNoRoomLeaveNoTrace(t *testing.T) {
	w := newSite(t)
	n := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.1.0/28")
	// Eleven addresses, two for each instance: the sixth gets its first and no second.
	spec := ENISpec{Subnet: n.ID}
	out := w.as(home, RunInstances{Min: 1, Max: 9, Tags: Tags{"a": "b"}, InterfaceTags: Tags{"c": "d"},
		Interfaces: []InterfaceSpec{{New: spec}, {Device: 1, New: spec}}})
	if len(out.Created) != 1+5 {
		t.Fatalf("made %v", out.Created)
	}
	if w.FreeAddrs(n) != 1 {
		t.Errorf("%d addresses are free, want the odd one", w.FreeAddrs(n))
	}
	if got := len(slices.Collect(w.TagSetsOf(home))); got != 5+10 {
		t.Errorf("%d things have tags", got)
	}
	if fault := unsound(w.State) + staleIndex(w.State); fault != "" {
		t.Error(fault)
	}
}

// AWS: RunInstances, "UserData"; Ensuring idempotency in Amazon EC2 API requests.
func TestRunInstancesTwiceWithOneTokenRunsOnce(t *testing.T) {
	w := newSite(t)
	n := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.1.0/24")
	run := RunInstances{Min: 1, Max: 1, UserData: []byte("#!/bin/sh\n"), Interfaces: []InterfaceSpec{{New: ENISpec{Subnet: n.ID}}}}
	play := func(c Caller, r Request) (Outcome, error) {
		op := w.op(c, r)
		op.Token = "f3c1"
		next, err := w.Apply(op)
		w.State = next
		return next.Outcome(), err
	}
	first, err := play(home, run)
	if err != nil || first.Replay {
		t.Fatal(first, err)
	}
	again, err := play(home, run)
	if err != nil || !again.Replay || !slices.Equal(again.Created, first.Created) || len(w.Changes()) != 0 {
		t.Errorf("the second call gave %+v, %v", again, err)
	}
	other := run
	other.Max = 2
	if _, err := play(home, other); err == nil || err.(*Error).Code != Mismatch {
		t.Errorf("with other parameters: %v", err)
	}
	// The scope of a token is the account and the Region.
	if _, err := play(elsewhere, run); err == nil || err.(*Error).Code != NotFound {
		t.Errorf("in another Region: %v", err)
	}
	w.pass(24 * time.Hour)
	late, err := play(home, run)
	if err != nil || late.Replay || slices.Equal(late.Created, first.Created) {
		t.Errorf("after a day: %+v, %v", late, err)
	}
}

// A call that was refused has not used its token.
func TestARefusedCallLeavesItsTokenUnused(t *testing.T) {
	w := newSite(t)
	n := w.newSubnet(home, w.newVPC(home, "10.0.0.0/16").ID, "10.0.1.0/24")
	addr := netip.MustParseAddr("10.0.1.9")
	eni := ENIID(w.do(CreateENI{ENISpec: ENISpec{Subnet: n.ID, Addrs: []netip.Addr{addr}}}))
	op := w.op(home, CreateENI{ENISpec: ENISpec{Subnet: n.ID, Addrs: []netip.Addr{addr}}})
	op.Token = "t"
	if _, err := w.Apply(op); err == nil {
		t.Fatal("two interfaces with one address")
	}
	w.do(DeleteENI{eni})
	if _, err := w.Apply(op); err != nil {
		t.Errorf("the same call again, now that the address is free: %v", err)
	}
}

// AWS: RunInstances: the limit of user data is before base64.
func TestUserDataIsAtMost16KB(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	w.do(RunInstances{Min: 1, Max: 1, UserData: make([]byte, 16384)})
	w.refuses(RunInstances{Min: 1, Max: 1, UserData: make([]byte, 16385)}, TooLong, "userData", "16384")
	i := w.inState(w.defaultSubnetOf(zones[0]), InstanceStopped)
	w.do(SetInstanceAttribute{Instance: i, UserData: ptr(make([]byte, 16384))})
	w.refuses(SetInstanceAttribute{Instance: i, UserData: ptr(make([]byte, 16385))}, TooLong, "userData", "16384")
}

// AWS: RunInstances, KeyName.
func TestRunInstancesWithAKeyPair(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	w.doAs(stranger, ImportKeyPair{Name: "ops"})
	w.refuses(RunInstances{Min: 1, Max: 1, KeyName: "ops"}, NotFound, "ops", "key")
	w.do(ImportKeyPair{Name: "ops"})
	i := InstanceID(w.as(home, RunInstances{Min: 1, Max: 1, KeyName: "ops"}).Created[1])
	if got := w.Instance(i).KeyName; got != "ops" {
		t.Errorf("key name %q", got)
	}
}

// AWS: ModifyInstanceMetadataOptions.
func TestMetadataOptionsHaveDefaultsAndLimits(t *testing.T) {
	w := newSite(t)
	w.do(OpenWorld{Zones: zones})
	i := InstanceID(w.as(home, RunInstances{Min: 1, Max: 1, Metadata: MetadataOptions{Tokens: "required", Hops: 2}}).Created[1])
	want := MetadataOptions{Tokens: "required", Endpoint: "enabled", IPv6: "disabled", Tags: "disabled", Hops: 2}
	if got := w.Instance(i).Metadata; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, tt := range []struct {
		options      MetadataOptions
		value, field string
	}{
		{MetadataOptions{Tokens: "x"}, "x", "httpTokens"},
		{MetadataOptions{Endpoint: "x"}, "x", "httpEndpoint"},
		{MetadataOptions{IPv6: "x"}, "x", "httpProtocolIpv6"},
		{MetadataOptions{Tags: "x"}, "x", "instanceMetadataTags"},
		{MetadataOptions{Hops: 65}, "65", "httpPutResponseHopLimit"},
		{MetadataOptions{Hops: -1}, "-1", "httpPutResponseHopLimit"},
	} {
		w.refuses(SetInstanceAttribute{Instance: i, Metadata: &tt.options}, InvalidValue, tt.value, tt.field)
		w.refuses(RunInstances{Min: 1, Max: 1, Metadata: tt.options}, InvalidValue, tt.value, tt.field)
	}
}

// AWS: InstanceState, code.
func TestInstanceStatesHaveAWSsNumbers(t *testing.T) {
	for state, want := range map[InstanceState]int{pending: 0, running: 16, ending: 32, ended: 48, stopping: 64, stopped: 80} {
		if got := state.Code(); got != want {
			t.Errorf("%v is %d, want %d", state, got, want)
		}
	}
}
