package instance

import (
	"iter"
	"slices"
	"strings"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func instanceTypeOperations() []api.Operation {
	return []api.Operation{
		api.Op("DescribeInstanceTypes", describeInstanceTypes, api.Params{
			Enforced: "InstanceType Filter MaxResults NextToken",
			Stored:   "IncludeUnsupportedInRegion", // every Region has all of the catalogue
			Filters:  types.FilterNames(),
		}),
		api.Op("DescribeInstanceTypeOfferings", describeInstanceTypeOfferings, api.Params{
			Enforced: "LocationType Filter MaxResults NextToken",
			Filters:  offerings.FilterNames(),
		}),
	}
}

var types = api.Listing[instanceType]{
	Key: func(t instanceType) string { return t.name },
	All: func(*api.Call) iter.Seq[instanceType] { return slices.Values(instanceTypes()) },
	Filters: []api.Filter[instanceType]{
		api.By("auto-recovery-supported", func(*api.Call, instanceType) []string { return api.Yes(true) }),
		api.By("bare-metal", func(*api.Call, instanceType) []string { return api.Yes(false) }),
		api.By("burstable-performance-supported", func(_ *api.Call, t instanceType) []string { return api.Yes(t.family.burst) }),
		api.By("current-generation", func(_ *api.Call, t instanceType) []string { return api.Yes(t.family.current) }),
		api.By("free-tier-eligible", func(_ *api.Call, t instanceType) []string { return api.Yes(t.free()) }),
		api.By("hypervisor", func(_ *api.Call, t instanceType) []string { return api.One(t.hypervisor()) }),
		api.By("instance-storage-supported", func(*api.Call, instanceType) []string { return api.Yes(false) }),
		api.By("instance-type", func(_ *api.Call, t instanceType) []string { return api.One(t.name) }),
		api.By("memory-info.size-in-mib", func(_ *api.Call, t instanceType) []string { return api.One(api.Number(t.memory)) }),
		api.By("network-info.ipv4-addresses-per-interface", func(_ *api.Call, t instanceType) []string { return api.One(api.Number(t.addrs)) }),
		api.By("network-info.ipv6-addresses-per-interface", func(_ *api.Call, t instanceType) []string { return api.One(api.Number(t.addrs)) }),
		api.By("network-info.ipv6-supported", func(*api.Call, instanceType) []string { return api.Yes(true) }),
		api.By("network-info.maximum-network-interfaces", func(_ *api.Call, t instanceType) []string { return api.One(api.Number(t.interfaces)) }),
		api.By("processor-info.supported-architecture", func(_ *api.Call, t instanceType) []string { return api.One(t.family.arch) }),
		api.By("supported-root-device-type", func(*api.Call, instanceType) []string { return api.One("ebs") }),
		api.By("supported-usage-class", func(*api.Call, instanceType) []string { return api.One("on-demand") }),
		api.By("supported-virtualization-type", func(*api.Call, instanceType) []string { return api.One("hvm") }),
		api.By("vcpu-info.default-vcpus", func(_ *api.Call, t instanceType) []string { return api.One(api.Number(t.vcpus)) }),
	},
	Pages: api.TypePages(),
}

func (t instanceType) free() bool { return t.name == "t2.micro" || t.name == "t3.micro" }

func (t instanceType) hypervisor() string {
	if t.family.nitro {
		return "nitro"
	}
	return "xen"
}

func describeInstanceTypes(c *api.Call, in *wire.DescribeInstanceTypesRequest) (*wire.DescribeInstanceTypesResult, error) {
	var unknown []string
	for _, name := range in.InstanceTypes {
		if _, listed := lookupType(name); !listed {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return nil, &api.Error{Code: "InvalidInstanceType", Message: "The following supplied instance types do not exist: [" + strings.Join(unknown, ", ") + "]"}
	}
	if len(in.InstanceTypes) > 0 && in.MaxResults != nil {
		return nil, api.Combination("The parameter instanceTypes cannot be used with the parameter maxResults")
	}
	l := types
	l.All = func(*api.Call) iter.Seq[instanceType] {
		return func(yield func(instanceType) bool) {
			for _, t := range instanceTypes() {
				if (len(in.InstanceTypes) == 0 || slices.Contains(in.InstanceTypes, t.name)) && !yield(t) {
					return
				}
			}
		}
	}
	rows, next, err := l.Rows(c, api.Query{Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeInstanceTypesResult{InstanceTypes: api.All(rows, typeView), NextToken: next}, nil
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
		InstanceType: api.Text(t.name), CurrentGeneration: new(t.family.current), FreeTierEligible: new(t.free()), BareMetal: new(false),
		Hypervisor: api.Text(t.hypervisor()), SupportedUsageClasses: []string{"on-demand"}, SupportedRootDeviceTypes: []string{"ebs"},
		SupportedVirtualizationTypes: []string{"hvm"}, SupportedBootModes: []string{"legacy-bios", "uefi"},
		ProcessorInfo: &wire.ProcessorInfo{SupportedArchitectures: []string{t.family.arch}, Manufacturer: api.Text(t.family.maker)},
		VCpuInfo:      &wire.VCpuInfo{DefaultVCpus: api.Long(t.vcpus), DefaultCores: api.Long(t.vcpus / threads), DefaultThreadsPerCore: api.Long(threads)},
		MemoryInfo:    &wire.MemoryInfo{SizeInMiB: api.Long(t.memory)},
		NetworkInfo: &wire.NetworkInfo{NetworkPerformance: api.Text(performance), MaximumNetworkInterfaces: api.Long(t.interfaces), MaximumNetworkCards: api.Long(1),
			DefaultNetworkCardIndex: api.Long(0), Ipv4AddressesPerInterface: api.Long(t.addrs), Ipv6AddressesPerInterface: api.Long(t.addrs), Ipv6Supported: new(true),
			EnaSupport: api.Text(ena), EfaSupported: new(false), EncryptionInTransitSupported: new(false), EnaSrdSupported: new(false),
			NetworkCards: []wire.NetworkCardInfo{{NetworkCardIndex: api.Long(0), NetworkPerformance: api.Text(performance), MaximumNetworkInterfaces: api.Long(t.interfaces)}}},
		EbsInfo:                  &wire.EbsInfo{EbsOptimizedSupport: new("default"), EncryptionSupport: new("supported"), NvmeSupport: api.Text(ena)},
		PlacementGroupInfo:       &wire.PlacementGroupInfo{SupportedStrategies: []string{"partition", "spread"}},
		InstanceStorageSupported: new(false), HibernationSupported: new(false), BurstablePerformanceSupported: new(t.family.burst),
		DedicatedHostsSupported: new(false), AutoRecoverySupported: new(true), NitroEnclavesSupport: new("unsupported"), NitroTpmSupport: new("unsupported"),
	}
}

// offering says that a type can be had at a place.
type offering struct{ kind, location, name string }

var offerings = api.Listing[offering]{
	Key: func(o offering) string { return o.location + " " + o.name },
	Filters: []api.Filter[offering]{
		api.By("instance-type", func(_ *api.Call, o offering) []string { return api.One(o.name) }),
		api.By("location", func(_ *api.Call, o offering) []string { return api.One(o.location) }),
	},
	Pages: api.PlainPages(5, 1000, ""),
}

// describeInstanceTypeOfferings: every type is to be had everywhere.
func describeInstanceTypeOfferings(c *api.Call, in *wire.DescribeInstanceTypeOfferingsRequest) (*wire.DescribeInstanceTypeOfferingsResult, error) {
	kind, locations := api.Value(in.LocationType), []string{string(c.Caller.Region)}
	switch kind {
	case "", "region":
		kind = "region"
	case "availability-zone":
		locations = api.ZonesOf(c.Caller.Region)
	case "availability-zone-id":
		locations = api.All(api.ZonesOf(c.Caller.Region), func(z string) string { return api.ZoneID(z) })
	default:
		return nil, &api.Error{Code: "UnsupportedOperation", Message: "There are no places of the kind " + kind + "."}
	}
	l := offerings
	l.All = func(c *api.Call) iter.Seq[offering] {
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
	rows, next, err := l.Rows(c, api.Query{Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	show := func(o offering) wire.InstanceTypeOffering {
		return wire.InstanceTypeOffering{InstanceType: api.Text(o.name), LocationType: api.Text(o.kind), Location: api.Text(o.location)}
	}
	return &wire.DescribeInstanceTypeOfferingsResult{InstanceTypeOfferings: api.All(rows, show), NextToken: next}, nil
}

// typeOf is the type of an instance.
func typeOf(i *network.Instance) instanceType {
	t, _ := lookupType(string(i.Type))
	return t
}
