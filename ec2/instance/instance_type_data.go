package instance

import (
	"slices"
	"strings"
)

// instanceType is what the network and common look-ups need to know of a type.
type instanceType struct {
	name       string
	vcpus      int
	memory     int // MiB
	interfaces int
	addrs      int // of each family, per interface
	family     family
}

// family is what types of one family share.
type family struct {
	name    string
	arch    string
	maker   string // of the processor
	ratio   int    // MiB of memory per vCPU; 0 when the sizes say it
	sizes   string
	current bool
	nitro   bool
	burst   bool
}

// families are the common ones (AWS: Instance types).
var families = []family{
	{name: "m5", arch: "x86_64", maker: "Intel", ratio: 4096, sizes: "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge", current: true, nitro: true},
	{name: "m5a", arch: "x86_64", maker: "AMD", ratio: 4096, sizes: "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge", current: true, nitro: true},
	{name: "m6a", arch: "x86_64", maker: "AMD", ratio: 4096, sizes: "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge", current: true, nitro: true},
	{name: "m6g", arch: "arm64", maker: "AWS", ratio: 4096, sizes: "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge", current: true, nitro: true},
	{name: "m6i", arch: "x86_64", maker: "Intel", ratio: 4096, sizes: "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge", current: true, nitro: true},
	{name: "m7g", arch: "arm64", maker: "AWS", ratio: 4096, sizes: "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge", current: true, nitro: true},
	{name: "m7i", arch: "x86_64", maker: "Intel", ratio: 4096, sizes: "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge", current: true, nitro: true},
	{name: "c5", arch: "x86_64", maker: "Intel", ratio: 2048, sizes: "large xlarge 2xlarge 4xlarge 9xlarge 12xlarge 18xlarge 24xlarge", current: true, nitro: true},
	{name: "c6a", arch: "x86_64", maker: "AMD", ratio: 2048, sizes: "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge 48xlarge", current: true, nitro: true},
	{name: "c6g", arch: "arm64", maker: "AWS", ratio: 2048, sizes: "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge", current: true, nitro: true},
	{name: "c6i", arch: "x86_64", maker: "Intel", ratio: 2048, sizes: "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge", current: true, nitro: true},
	{name: "c7g", arch: "arm64", maker: "AWS", ratio: 2048, sizes: "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge", current: true, nitro: true},
	{name: "c7i", arch: "x86_64", maker: "Intel", ratio: 2048, sizes: "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge", current: true, nitro: true},
	{name: "r5", arch: "x86_64", maker: "Intel", ratio: 8192, sizes: "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge", current: true, nitro: true},
	{name: "r6g", arch: "arm64", maker: "AWS", ratio: 8192, sizes: "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge", current: true, nitro: true},
	{name: "r6i", arch: "x86_64", maker: "Intel", ratio: 8192, sizes: "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 32xlarge", current: true, nitro: true},
	{name: "r7g", arch: "arm64", maker: "AWS", ratio: 8192, sizes: "medium large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge", current: true, nitro: true},
	{name: "r7i", arch: "x86_64", maker: "Intel", ratio: 8192, sizes: "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge 24xlarge 48xlarge", current: true, nitro: true},
}

var (
	m1  = family{name: "m1", arch: "x86_64", maker: "Intel"}
	t2  = family{name: "t2", arch: "x86_64", maker: "Intel", current: true, burst: true}
	t3  = family{name: "t3", arch: "x86_64", maker: "Intel", current: true, nitro: true, burst: true}
	t3a = family{name: "t3a", arch: "x86_64", maker: "AMD", current: true, nitro: true, burst: true}
	t4g = family{name: "t4g", arch: "arm64", maker: "AWS", current: true, nitro: true, burst: true}
)

// smallTypes are those that follow no rule.
var smallTypes = []instanceType{
	{"m1.small", 1, 1740, 2, 4, m1}, // AWS: what RunInstances takes when no type is named
	{"t2.nano", 1, 512, 2, 2, t2}, {"t2.micro", 1, 1024, 2, 2, t2}, {"t2.small", 1, 2048, 3, 4, t2}, {"t2.medium", 2, 4096, 3, 6, t2},
	{"t2.large", 2, 8192, 3, 12, t2}, {"t2.xlarge", 4, 16384, 3, 15, t2}, {"t2.2xlarge", 8, 32768, 3, 15, t2},
	{"t3.nano", 2, 512, 2, 2, t3}, {"t3.micro", 2, 1024, 2, 2, t3}, {"t3.small", 2, 2048, 3, 4, t3}, {"t3.medium", 2, 4096, 3, 6, t3},
	{"t3.large", 2, 8192, 3, 12, t3}, {"t3.xlarge", 4, 16384, 4, 15, t3}, {"t3.2xlarge", 8, 32768, 4, 15, t3},
	{"t3a.nano", 2, 512, 2, 2, t3a}, {"t3a.micro", 2, 1024, 2, 2, t3a}, {"t3a.small", 2, 2048, 2, 4, t3a}, {"t3a.medium", 2, 4096, 3, 6, t3a},
	{"t3a.large", 2, 8192, 3, 12, t3a}, {"t3a.xlarge", 4, 16384, 4, 15, t3a}, {"t3a.2xlarge", 8, 32768, 4, 15, t3a},
	{"t4g.nano", 2, 512, 2, 2, t4g}, {"t4g.micro", 2, 1024, 2, 2, t4g}, {"t4g.small", 2, 2048, 3, 4, t4g}, {"t4g.medium", 2, 4096, 3, 6, t4g},
	{"t4g.large", 2, 8192, 3, 12, t4g}, {"t4g.xlarge", 4, 16384, 4, 15, t4g}, {"t4g.2xlarge", 8, 32768, 4, 15, t4g},
}

// size is what the second half of a type's name means in nearly every family
// (AWS: IP addresses per network interface per instance type).
type size struct {
	name                     string
	vcpus, interfaces, addrs int
}

var sizes = []size{
	{"nano", 2, 2, 2}, {"micro", 2, 2, 2}, {"small", 1, 2, 4}, {"medium", 1, 2, 4}, {"large", 2, 3, 10},
	{"xlarge", 4, 4, 15}, {"2xlarge", 8, 4, 15}, {"3xlarge", 12, 8, 30}, {"4xlarge", 16, 8, 30}, {"6xlarge", 24, 8, 30},
	{"8xlarge", 32, 8, 30}, {"9xlarge", 36, 8, 30}, {"10xlarge", 40, 8, 30}, {"12xlarge", 48, 8, 30},
	{"16xlarge", 64, 15, 50}, {"18xlarge", 72, 15, 50}, {"24xlarge", 96, 15, 50}, {"32xlarge", 128, 15, 50}, {"48xlarge", 192, 15, 50},
}

// instanceTypes is the catalogue in order of name.
func instanceTypes() []instanceType {
	out := slices.Clone(smallTypes)
	for _, f := range families {
		for name := range strings.FieldsSeq(f.sizes) {
			out = append(out, f.sized(name))
		}
	}
	slices.SortFunc(out, func(a, b instanceType) int { return strings.Compare(a.name, b.name) })
	return out
}

func (f family) sized(name string) instanceType {
	i := slices.IndexFunc(sizes, func(s size) bool { return s.name == name })
	if i < 0 {
		i = len(sizes) - 1 // metal is the largest there is
	}
	s := sizes[i]
	return instanceType{f.name + "." + name, s.vcpus, s.vcpus * f.ratio, s.interfaces, s.addrs, f}
}

// lookupType finds a type. One that AWS has and the catalogue has not gets the
// limits of its size.
func lookupType(name string) (t instanceType, listed bool) {
	if i := slices.IndexFunc(smallTypes, func(t instanceType) bool { return t.name == name }); i >= 0 {
		return smallTypes[i], true
	}
	kind, sized, _ := strings.Cut(name, ".")
	for _, f := range families {
		if f.name == kind && slices.Contains(strings.Fields(f.sizes), sized) {
			return f.sized(sized), true
		}
	}
	arch := "x86_64"
	if g := strings.TrimLeft(kind, "abcdefghijklmnopqrstuvwxyz"); strings.Contains(g, "g") { // Graviton: m8gd, c7gn
		arch = "arm64"
	}
	return family{name: kind, arch: arch, ratio: 4096, nitro: true, current: true}.sized(sized), false
}
