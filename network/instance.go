package network

import (
	"iter"
	"time"
)

// InstanceState is where an instance is in its life (AWS: Instance lifecycle).
type InstanceState uint8

// The states and AWS's number for each are in InstanceState.Code.
const (
	_ InstanceState = iota
	InstancePending
	InstanceRunning
	InstanceStopping
	InstanceStopped
	InstanceShuttingDown
	InstanceTerminated
)

var instanceStates = [...]struct {
	name string
	code int
}{{"", -1}, {"pending", 0}, {"running", 16}, {"stopping", 64}, {"stopped", 80}, {"shutting-down", 32}, {"terminated", 48}}

func (s InstanceState) String() string { return instanceStates[s].name }

// Code is AWS's number of the state, as in instanceState.code.
func (s InstanceState) Code() int { return instanceStates[s].code }

// Instance is a machine as far as the network is concerned: it owns interfaces
// and has a state. What runs in it is package guest's.
type Instance struct {
	ID InstanceID
	Home
	Reservation        ReservationID
	LaunchIndex        int
	State              InstanceState
	Reason             string // why it left running, in AWS's words; "" at first
	VPC                VPCID
	Subnet             SubnetID
	Zone               string
	Host               string // which machine carries it; "" is this one
	Image              ImageID
	Type               InstanceTypeKey
	MaxInterfaces      int // of the type; 0 is no limit
	MaxAddrs           int // of each family per interface of the type; 0 is no limit
	KeyName            string
	UserData           []byte
	Boots              int    // how often it was started; user data runs at the first boot
	Reboots            int    // how often a reboot was asked for
	ShutdownBehavior   string // "stop" or "terminate"
	DisableTermination bool
	DisableStop        bool
	Metadata           MetadataOptions   // stored, returned
	Stored             map[string]string // what clients send and a network does not need
	Launched           time.Time         // of the latest start
	Changed            time.Time         // of the latest state change
	Created            time.Time
}

// MetadataOptions are the instance metadata settings.
type MetadataOptions struct {
	Tokens   string // optional or required
	Endpoint string // enabled or disabled
	IPv6     string // enabled or disabled
	Tags     string // enabled or disabled
	Hops     int
}

func (i *Instance) key() string { return string(i.ID) }

func (i *Instance) links() []string {
	out := []string{i.World(), string(i.Reservation)}
	if i.State != InstanceTerminated {
		out = append(out, string(i.VPC), string(i.Subnet))
	}
	return out
}

// Runs reports whether the instance's interfaces carry packets.
func (i *Instance) Runs() bool { return i.State == InstancePending || i.State == InstanceRunning }

// Instance finds one by ID; nil when there is none.
func (s State) Instance(id InstanceID) *Instance { return lookup(s.instances, id) }

// Instances are all instances of all accounts, in order of ID.
func (s State) Instances() iter.Seq[*Instance] { return s.instances.all() }

// InstancesOf are the instances of the caller's account and Region.
func (s State) InstancesOf(c Caller) iter.Seq[*Instance] {
	return those(s, s.instances, Home{c.Account, c.Region}.World(), "i-")
}

// InstancesIn are the instances of a reservation.
func (s State) InstancesIn(id ReservationID) iter.Seq[*Instance] {
	return those(s, s.instances, string(id), "i-")
}

// RunInstances starts Min to Max instances in one subnet.
// Created: the reservation, then the instances.
type RunInstances struct {
	Min, Max           int
	Image              ImageID
	Type               InstanceTypeKey
	MaxInterfaces      int // of the type; 0 is no limit
	MaxAddrs           int // of each family per interface of the type; 0 is no limit
	KeyName            string
	UserData           []byte
	Interfaces         []InterfaceSpec // empty: one, in the default subnet
	Zone               string          // where no interface names a subnet: the default subnet of this zone
	ShutdownBehavior   string
	DisableTermination bool
	DisableStop        bool
	Metadata           MetadataOptions
	Stored             map[string]string
	Tags               Tags // of the instances
	Marks              Tags // of the instances too, AWS's own
	InterfaceTags      Tags // of the interfaces made
}

// InterfaceSpec is an interface of a new instance: an existing ENI, or a new one.
type InterfaceSpec struct {
	Device              int
	Existing            ENIID
	New                 ENISpec
	DeleteOnTermination bool
}

// SetMetadataDefaults says what instances launched from now on have that ask for
// nothing; an empty field is AWS's default (AWS: ModifyInstanceMetadataDefaults).
type SetMetadataDefaults struct{ Defaults MetadataOptions }

// StartInstances starts stopped instances.
type StartInstances struct{ Instances []InstanceID }

// StopInstances stops running instances; their interfaces keep their addresses.
type StopInstances struct {
	Instances []InstanceID
	Force     bool
}

// RebootInstances reboots running instances.
type RebootInstances struct{ Instances []InstanceID }

// TerminateInstances ends instances for good and frees their addresses.
type TerminateInstances struct{ Instances []InstanceID }

// SetInstanceAttribute changes those attributes that are not nil.
type SetInstanceAttribute struct {
	Instance           InstanceID
	Type               *InstanceTypeKey
	MaxInterfaces      int // of the new type
	MaxAddrs           int // of the new type
	UserData           *[]byte
	ShutdownBehavior   *string
	DisableTermination *bool
	DisableStop        *bool
	SourceDestCheck    *bool     // of the only interface
	Groups             []GroupID // of the only interface
	Metadata           *MetadataOptions
	Stored             map[string]string // merged
}

// The reports come from package guest. One that is no longer true when it
// arrives changes nothing: Boot is the Instance.Boots that it speaks of, 0 the
// latest.

// ReportStarted says that a pending instance runs.
type ReportStarted struct {
	Instance InstanceID
	Boot     int
}

// ReportStopped says that a stopping instance has stopped, or that a running
// one went down by itself.
type ReportStopped struct {
	Instance InstanceID
	Boot     int
	Reason   string
}

// ReportEnded says that a shutting-down instance is gone: its interfaces are
// deleted or freed.
type ReportEnded struct{ Instance InstanceID }
