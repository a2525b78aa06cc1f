package network

import (
	"iter"
	"net/netip"
	"time"
)

// World is one account in one Region that has been opened: it has had its
// default VPC made and its availability zones chosen.
type World struct {
	Home
	Opened      time.Time
	DHCPOptions DHCPOptionsID // the Region's default set; "" when it was deleted
	Zones       []string
	Quotas      map[Quota]int   // those that differ from AWS's defaults: SetQuota
	Metadata    MetadataOptions `json:",omitzero"` // of instances that ask for none: SetMetadataDefaults
}

func (w *World) key() string     { return string(w.Owner) + "/" + string(w.Region) }
func (w *World) links() []string { return nil }

// World is the key of the world that a thing is in.
func (h Home) World() string { return string(h.Owner) + "/" + string(h.Region) }

// Worlds are those of all accounts and Regions that have been opened.
func (s State) Worlds() iter.Seq[*World] { return s.worlds.all() }

// World finds the caller's; nil before its OpenWorld.
func (s State) World(c Caller) *World {
	w, _ := s.worlds.get(Home{c.Account, c.Region}.World())
	return w
}

// OpenWorld makes what every account has in every Region from the first day:
// the default VPC 172.31.0.0/16 with a default subnet in each zone, an internet
// gateway and a route to it. A repetition changes nothing.
// Created: the VPC.
type OpenWorld struct {
	Zones  []string      // the Region's availability zones, for example us-east-1a
	Quotas map[Quota]int // those that shall differ from AWS's defaults
}

// CreateDefaultVPC makes the Region's default VPC again. Created: the VPC.
type CreateDefaultVPC struct{ Zones []string }

// The default VPC's range, and how long the prefix of a default subnet is
// (AWS: Default VPCs, Default VPC components).
var defaultRange = netip.MustParsePrefix("172.31.0.0/16")

const defaultSubnetBits = 20

// DefaultVPC finds the caller's; nil when it was deleted or never made.
func (s State) DefaultVPC(c Caller) *VPC {
	return lookup(s.vpcs, s.refs.first(defaultKey(Home{c.Account, c.Region}.World()), "vpc-"))
}

func defaultKey(world string) string { return world + "/default" }

func (r OpenWorld) apply(e *edit) error {
	if e.World(e.op.Caller) != nil {
		if v := e.DefaultVPC(e.op.Caller); v != nil {
			e.created(v.key())
		}
		return nil
	}
	for q, n := range r.Quotas {
		if err := checkQuota(q, n); err != nil {
			return err
		}
	}
	put(e, &e.worlds, kindWorld, &World{
		Home: e.home(), Opened: e.op.At, Zones: r.Zones,
		DHCPOptions: DHCPOptionsID(e.newID("dopt")), Quotas: r.Quotas,
	})
	if e.DefaultVPC(e.op.Caller) != nil {
		return nil
	}
	return e.makeDefaultVPC(r.Zones)
}

// apply allows one default VPC per Region; a new one has new IDs (AWS: Create a
// default VPC).
func (r CreateDefaultVPC) apply(e *edit) error {
	if v := e.DefaultVPC(e.op.Caller); v != nil {
		return fail(AlreadyExists, v.ID)
	}
	if err := e.room(e.home().World(), QuotaVPCs); err != nil {
		return err
	}
	return e.makeDefaultVPC(r.Zones)
}

// makeDefaultVPC makes what AWS lists (AWS: Default VPC components): the VPC, a
// /20 subnet in each zone whose instances get public addresses, an internet
// gateway, and a route to it in the main table.
func (e *edit) makeDefaultVPC(zones []string) error {
	v := e.makeVPC(&VPC{Blocks: e.blocks("vpc-cidr-assoc", defaultRange), Default: true, DNSHostnames: true})
	g := &InternetGateway{ID: GatewayID(e.newID("igw")), Home: v.Home, VPC: v.ID, Created: e.op.At}
	put(e, &e.gateways, kindGateway, g)
	main := *e.RouteTable(v.MainTable)
	main.Routes = append(main.Routes[:len(main.Routes):len(main.Routes)],
		Route{Dst: anywhere, To: ToGateway{g.ID}, Origin: OriginCreate})
	e.putTable(&main)
	for _, zone := range zones {
		if err := e.makeDefaultSubnet(v, zone); err != nil {
			return err
		}
	}
	e.outcome.Created = []string{v.key()}
	return nil
}
