package ec2

import (
	"iter"
	"slices"
	"strings"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func instanceTypeOperations() []operation {
	return []operation{
		op("DescribeInstanceTypes", describeInstanceTypes, params{
			enforced: "InstanceType Filter MaxResults NextToken",
			stored:   "IncludeUnsupportedInRegion", // every Region has all of the catalogue
			filters:  types.filterNames(),
		}),
		op("DescribeInstanceTypeOfferings", describeInstanceTypeOfferings, params{
			enforced: "LocationType Filter MaxResults NextToken",
			filters:  offerings.filterNames(),
		}),
	}
}

var types = listing[instanceType]{
	key: func(t instanceType) string { return t.name },
	all: func(*call) iter.Seq[instanceType] { return slices.Values(instanceTypes()) },
	filters: []filter[instanceType]{
		{"auto-recovery-supported", func(*call, instanceType) []string { return yes(true) }},
		{"bare-metal", func(*call, instanceType) []string { return yes(false) }},
		{"burstable-performance-supported", func(_ *call, t instanceType) []string { return yes(t.family.burst) }},
		{"current-generation", func(_ *call, t instanceType) []string { return yes(t.family.current) }},
		{"free-tier-eligible", func(_ *call, t instanceType) []string { return yes(t.free()) }},
		{"hypervisor", func(_ *call, t instanceType) []string { return one(t.hypervisor()) }},
		{"instance-storage-supported", func(*call, instanceType) []string { return yes(false) }},
		{"instance-type", func(_ *call, t instanceType) []string { return one(t.name) }},
		{"memory-info.size-in-mib", func(_ *call, t instanceType) []string { return one(number(t.memory)) }},
		{"network-info.ipv4-addresses-per-interface", func(_ *call, t instanceType) []string { return one(number(t.addrs)) }},
		{"network-info.ipv6-addresses-per-interface", func(_ *call, t instanceType) []string { return one(number(t.addrs)) }},
		{"network-info.ipv6-supported", func(*call, instanceType) []string { return yes(true) }},
		{"network-info.maximum-network-interfaces", func(_ *call, t instanceType) []string { return one(number(t.interfaces)) }},
		{"processor-info.supported-architecture", func(_ *call, t instanceType) []string { return one(t.family.arch) }},
		{"supported-root-device-type", func(*call, instanceType) []string { return one("ebs") }},
		{"supported-usage-class", func(*call, instanceType) []string { return one("on-demand") }},
		{"supported-virtualization-type", func(*call, instanceType) []string { return one("hvm") }},
		{"vcpu-info.default-vcpus", func(_ *call, t instanceType) []string { return one(number(t.vcpus)) }},
	},
	pages: typePages(),
}

func (t instanceType) free() bool { return t.name == "t2.micro" || t.name == "t3.micro" }

func (t instanceType) hypervisor() string {
	if t.family.nitro {
		return "nitro"
	}
	return "xen"
}

func describeInstanceTypes(c *call, in *wire.DescribeInstanceTypesRequest) (*wire.DescribeInstanceTypesResult, error) {
	var unknown []string
	for _, name := range in.InstanceTypes {
		if _, listed := lookupType(name); !listed {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return nil, &Error{Code: "InvalidInstanceType", Message: "The following supplied instance types do not exist: [" + strings.Join(unknown, ", ") + "]"}
	}
	if len(in.InstanceTypes) > 0 && in.MaxResults != nil {
		return nil, combination("The parameter instanceTypes cannot be used with the parameter maxResults")
	}
	l := types
	l.all = func(*call) iter.Seq[instanceType] {
		return func(yield func(instanceType) bool) {
			for _, t := range instanceTypes() {
				if (len(in.InstanceTypes) == 0 || slices.Contains(in.InstanceTypes, t.name)) && !yield(t) {
					return
				}
			}
		}
	}
	rows, next, err := l.rows(c, query{nil, in.Filters, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeInstanceTypesResult{InstanceTypes: all(rows, typeView), NextToken: next}, nil
}

func typeView(t instanceType) wire.InstanceTypeInfo {
	performance := "Up to 10 Gigabit"
	threads := 2
	if t.family.burst {
		performance = "Up to 5 Gigabit"
	}
	if t.family.arch == "arm64" || t.vcpus == 1 {
		threads = 1
	}
	ena := "unsupported"
	if t.family.nitro {
		ena = "required"
	}
	return wire.InstanceTypeInfo{
		InstanceType: text(t.name), CurrentGeneration: new(t.family.current), FreeTierEligible: new(t.free()), BareMetal: new(false),
		Hypervisor: text(t.hypervisor()), SupportedUsageClasses: []string{"on-demand"}, SupportedRootDeviceTypes: []string{"ebs"},
		SupportedVirtualizationTypes: []string{"hvm"}, SupportedBootModes: []string{"legacy-bios", "uefi"},
		ProcessorInfo: &wire.ProcessorInfo{SupportedArchitectures: []string{t.family.arch}, Manufacturer: text(t.family.maker)},
		VCpuInfo:      &wire.VCpuInfo{DefaultVCpus: long(t.vcpus), DefaultCores: long(t.vcpus / threads), DefaultThreadsPerCore: long(threads)},
		MemoryInfo:    &wire.MemoryInfo{SizeInMiB: long(t.memory)},
		NetworkInfo: &wire.NetworkInfo{NetworkPerformance: text(performance), MaximumNetworkInterfaces: long(t.interfaces), MaximumNetworkCards: long(1),
			DefaultNetworkCardIndex: long(0), Ipv4AddressesPerInterface: long(t.addrs), Ipv6AddressesPerInterface: long(t.addrs), Ipv6Supported: new(true),
			EnaSupport: text(ena), EfaSupported: new(false), EncryptionInTransitSupported: new(false), EnaSrdSupported: new(false),
			NetworkCards: []wire.NetworkCardInfo{{NetworkCardIndex: long(0), NetworkPerformance: text(performance), MaximumNetworkInterfaces: long(t.interfaces)}}},
		EbsInfo:                  &wire.EbsInfo{EbsOptimizedSupport: new("default"), EncryptionSupport: new("supported"), NvmeSupport: text(ena)},
		PlacementGroupInfo:       &wire.PlacementGroupInfo{SupportedStrategies: []string{"partition", "spread"}},
		InstanceStorageSupported: new(false), HibernationSupported: new(false), BurstablePerformanceSupported: new(t.family.burst),
		DedicatedHostsSupported: new(false), AutoRecoverySupported: new(true), NitroEnclavesSupport: new("unsupported"), NitroTpmSupport: new("unsupported"),
	}
}

// offering says that a type can be had at a place.
type offering struct{ kind, location, name string }

var offerings = listing[offering]{
	key: func(o offering) string { return o.location + " " + o.name },
	filters: []filter[offering]{
		{"instance-type", func(_ *call, o offering) []string { return one(o.name) }},
		{"location", func(_ *call, o offering) []string { return one(o.location) }},
	},
	pages: plainPages(5, 1000, ""),
}

// describeInstanceTypeOfferings: every type is to be had everywhere.
func describeInstanceTypeOfferings(c *call, in *wire.DescribeInstanceTypeOfferingsRequest) (*wire.DescribeInstanceTypeOfferingsResult, error) {
	kind, locations := value(in.LocationType), []string{string(c.caller.Region)}
	switch kind {
	case "", "region":
		kind = "region"
	case "availability-zone":
		locations = zonesOf(c.caller.Region)
	case "availability-zone-id":
		locations = all(zonesOf(c.caller.Region), func(z string) string { return zoneID(c.caller.Region, z) })
	default:
		return nil, &Error{Code: "UnsupportedOperation", Message: "There are no places of the kind " + kind + "."}
	}
	l := offerings
	l.all = func(c *call) iter.Seq[offering] {
		return func(yield func(offering) bool) {
			for _, place := range locations {
				for _, t := range instanceTypes() {
					if !yield(offering{kind, place, t.name}) {
						return
					}
				}
			}
		}
	}
	rows, next, err := l.rows(c, query{nil, in.Filters, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	show := func(o offering) wire.InstanceTypeOffering {
		return wire.InstanceTypeOffering{InstanceType: text(o.name), LocationType: text(o.kind), Location: text(o.location)}
	}
	return &wire.DescribeInstanceTypeOfferingsResult{InstanceTypeOfferings: all(rows, show), NextToken: next}, nil
}

// typeOf is the type of an instance.
func typeOf(i *network.Instance) instanceType {
	t, _ := lookupType(string(i.Type))
	return t
}
