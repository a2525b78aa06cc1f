package linux

// Family is an address family, and the nftables table that goes with it.
type Family uint8

// The families.
const (
	V4 Family = iota
	V6
	ARP
)

func (f Family) String() string { return [...]string{"ip", "ip6", "arp"}[f] }

// Bytes is the length of an address.
func (f Family) Bytes() int { return [...]int{4, 16, 4}[f] }

// Field is a part of a packet, or what the kernel knows about it, that a rule
// looks at.
type Field uint8

// The fields.
const (
	InPort      Field = iota // the link it came in by
	OutPort                  // the link it will leave by
	EtherSource              // the source MAC address
	Source                   // the source address
	Destination              // the destination address
	Protocol                 // the protocol above IP
	First                    // the first 16 bits above IP: source port, or ICMP type and code
	Second                   // the second 16 bits above IP: destination port
	Mark                     // the packet's mark
	Hops                     // TTL or hop limit
	ARPTarget                // the address asked for
)

// fieldText is how nft writes a field, per family.
func (x Field) text(f Family) string {
	switch x {
	case Source, Destination, Hops:
		return f.String() + " " + map[Field]string{Source: "saddr", Destination: "daddr", Hops: [...]string{"ttl", "hoplimit", ""}[f]}[x]
	}
	return [...]string{InPort: "iif", OutPort: "oif", EtherSource: "ether saddr", Protocol: "meta l4proto",
		First: "th sport", Second: "th dport", Mark: "meta mark", ARPTarget: "arp daddr ip"}[x]
}

// Type is the type of values of a field in a set.
type Type uint8

// The types. Their names are nft's.
const (
	PortType    Type = iota // a link's index
	MACType                 // an Ethernet address
	Addr4Type               // an IPv4 address
	Addr6Type               // an IPv6 address
	ProtoType               // a protocol number
	ServiceType             // 16 bits
	MarkType                // 32 bits
	HopsType                // 8 bits
)

func (t Type) String() string {
	return [...]string{"iface_index", "ether_addr", "ipv4_addr", "ipv6_addr", "inet_proto", "inet_service", "mark", "integer"}[t]
}

// Bytes is the length of a value; in a key each value is padded to four bytes.
func (t Type) Bytes() int { return [...]int{4, 6, 4, 16, 1, 2, 4, 1}[t] }

// addrType is the type of the family's addresses.
func (f Family) addrType() Type { return [...]Type{Addr4Type, Addr6Type, Addr4Type}[f] }
