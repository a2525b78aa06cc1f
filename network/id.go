package network

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// IDs are types so that the compiler refuses a subnet where a VPC belongs.
// Each looks like AWS's: a prefix and 17 hexadecimal digits.
type (
	VPCID           string // vpc-…
	SubnetID        string // subnet-…
	ENIID           string // eni-…
	AttachmentID    string // eni-attach-…
	InstanceID      string // i-…
	ReservationID   string // r-…
	RouteTableID    string // rtb-…
	AssociationID   string // rtbassoc-…, aclassoc-…, eipassoc-…, vpc-cidr-assoc-… or subnet-cidr-assoc-…
	PeeringID       string // pcx-…
	GroupID         string // sg-…
	RuleID          string // sgr-…
	ACLID           string // acl-…
	GatewayID       string // igw-…
	EgressGatewayID string // eigw-…
	AllocationID    string // eipalloc-…
	DHCPOptionsID   string // dopt-…
	KeyPairID       string // key-…
	PrefixListID    string // pl-…
	FlowLogID       string // fl-…
	ImageID         string // ami-…
	InstanceTypeKey string // t3.micro

	InsightsPathID        string // nip-…
	InsightsAnalysisID    string // nia-…
	AccessScopeID         string // nis-…
	AccessScopeAnalysisID string // nisa-…
)

// Account is an AWS account number of twelve digits.
type Account string

// Region is an AWS Region code, for example us-east-1.
type Region string

// Caller says on whose behalf and where an Op is done: the account comes from
// the access key, the Region from the signature's scope.
type Caller struct {
	Account Account
	Region  Region
}

// Seed is the randomness of one Op. Every ID that the Op mints is derived from
// it, which keeps Apply a function and IDs unique.
type Seed [16]byte

// mint makes the n-th ID of an Op.
type mint struct {
	seed Seed
	n    uint64
}

// hex17 is the length of the digits of every ID.
const hex17 = 17

func (m *mint) next(prefix string) string {
	sum := m.throw()
	return prefix + "-" + hex.EncodeToString(sum[:9])[:hex17]
}

// mac makes a locally administered unicast address; AWS's begin with 0x02 or 0x0a too.
func (m *mint) mac() MAC {
	sum := m.throw()
	var mac MAC
	copy(mac[:], sum[:6])
	mac[0] = 0x0a
	return mac
}

// dice gives 64 random bits.
func (m *mint) dice() uint64 {
	sum := m.throw()
	return binary.BigEndian.Uint64(sum[:])
}

func (m *mint) throw() [sha256.Size]byte {
	var in [24]byte
	copy(in[:], m.seed[:])
	binary.BigEndian.PutUint64(in[16:], m.n)
	m.n++
	return sha256.Sum256(in[:])
}

// Kind is the prefix of an ID, which names what it identifies: "vpc" for
// vpc-0123, "eni-attach" for eni-attach-0123. It is "" for a string without one.
func Kind(id string) string {
	i := strings.LastIndexByte(id, '-')
	if i < 0 {
		return ""
	}
	return id[:i]
}

// WellFormed reports whether id is prefix, a hyphen and 8 or 17 lower-case
// hexadecimal digits: both lengths are in use on AWS.
func WellFormed(id, prefix string) bool {
	digits, ok := strings.CutPrefix(id, prefix+"-")
	if !ok || len(digits) != hex17 && len(digits) != 8 {
		return false
	}
	for _, c := range digits {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
