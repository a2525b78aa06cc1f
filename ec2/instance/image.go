package instance

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"slices"
	"sync"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func imageOperations() []api.Operation {
	return []api.Operation{
		api.Op("DescribeImages", describeImages, api.Params{
			Enforced: "ImageId Owner Filter MaxResults NextToken ExecutableBy",
			Stored:   "IncludeDeprecated IncludeDisabled", // none is either
			Filters:  images.FilterNames(),
		}),
		api.Op("DescribeImageAttribute", describeImageAttribute, api.Params{Enforced: "ImageId Attribute"}),
	}
}

// describeImageAttribute answers the image's owner alone, as on AWS.
func describeImageAttribute(c *api.Call, in *wire.DescribeImageAttributeRequest) (*wire.ImageAttribute, error) {
	if !network.WellFormed(*in.ImageId, "ami") {
		return nil, api.InvalidID(*in.ImageId, "ami")
	}
	i, ok := findImage(c, network.ImageID(*in.ImageId))
	switch {
	case !ok || !i.made:
		return nil, &network.Error{Code: network.NotFound, Subject: *in.ImageId}
	case i.owner != c.Caller.Account:
		return nil, &api.Error{Code: "AuthFailure", Message: "Not authorized for image:" + *in.ImageId}
	}
	shown, out := showImage(c, i), &wire.ImageAttribute{ImageId: in.ImageId}
	switch *in.Attribute {
	case "description":
		out.Description = api.WrapText(i.about)
	case "kernel":
		out.KernelId = &wire.AttributeValue{}
	case "ramdisk":
		out.RamdiskId = &wire.AttributeValue{}
	case "launchPermission":
		out.LaunchPermissions = []wire.LaunchPermission{{Group: new("all")}}
	case "productCodes":
		out.ProductCodes = []wire.ProductCode{}
	case "blockDeviceMapping":
		out.BlockDeviceMappings = shown.BlockDeviceMappings
	case "sriovNetSupport":
		out.SriovNetSupport = &wire.AttributeValue{Value: shown.SriovNetSupport}
	case "bootMode":
		out.BootMode = &wire.AttributeValue{Value: shown.BootMode}
	case "tpmSupport":
		out.TpmSupport = &wire.AttributeValue{}
	case "uefiData":
		out.UefiData = &wire.AttributeValue{}
	case "lastLaunchedTime":
		out.LastLaunchedTime = &wire.AttributeValue{}
	case "imdsSupport":
		out.ImdsSupport = &wire.AttributeValue{Value: shown.ImdsSupport}
	case "deregistrationProtection":
		out.DeregistrationProtection = &wire.AttributeValue{Value: new("disabled")}
	}
	return out, nil
}

// image is an image as common look-ups find it: by name, owner and architecture.
// Every one runs the same root filesystem.
type image struct {
	id      network.ImageID
	name    string
	owner   network.Account
	alias   string // of the owner
	arch    string
	created string
	about   string
	root    string // the root device
	made    bool   // in the catalogue, and not made up for an ID that somebody has from AWS
}

// The owners of the catalogue's images, as on AWS.
const (
	amazon    = network.Account("137112412989")
	canonical = network.Account("099720109477")
	debian    = network.Account("136693071363")
)

// catalogue is what every Region has. The names have the form that AWS's have, so
// that the usual wildcards find them.
var catalogue = []image{
	amazonImage("al2023-ami-2023.9.20251027.0-kernel-6.1-x86_64", "x86_64", "Amazon Linux 2023 AMI 2023.9.20251027.0 x86_64 HVM kernel-6.1"),
	amazonImage("al2023-ami-2023.9.20251027.0-kernel-6.1-arm64", "arm64", "Amazon Linux 2023 AMI 2023.9.20251027.0 arm64 HVM kernel-6.1"),
	amazonImage("al2023-ami-2023.9.20251027.0-kernel-6.12-x86_64", "x86_64", "Amazon Linux 2023 AMI 2023.9.20251027.0 x86_64 HVM kernel-6.12"),
	amazonImage("al2023-ami-2023.9.20251027.0-kernel-6.12-arm64", "arm64", "Amazon Linux 2023 AMI 2023.9.20251027.0 arm64 HVM kernel-6.12"),
	amazonImage("al2023-ami-minimal-2023.9.20251027.0-kernel-6.1-x86_64", "x86_64", "Amazon Linux 2023 AMI 2023.9.20251027.0 x86_64 Minimal HVM kernel-6.1"),
	amazonImage("al2023-ami-minimal-2023.9.20251027.0-kernel-6.1-arm64", "arm64", "Amazon Linux 2023 AMI 2023.9.20251027.0 arm64 Minimal HVM kernel-6.1"),
	amazonImage("amzn2-ami-hvm-2.0.20251027.1-x86_64-gp2", "x86_64", "Amazon Linux 2 AMI 2.0.20251027.1 x86_64 HVM gp2"),
	amazonImage("amzn2-ami-hvm-2.0.20251027.1-arm64-gp2", "arm64", "Amazon Linux 2 LTS Arm64 AMI 2.0.20251027.1 arm64 HVM gp2"),
	amazonImage("amzn2-ami-kernel-5.10-hvm-2.0.20251027.1-x86_64-gp2", "x86_64", "Amazon Linux 2 Kernel 5.10 AMI 2.0.20251027.1 x86_64 HVM gp2"),
	amazonImage("amzn2-ami-kernel-5.10-hvm-2.0.20251027.1-arm64-gp2", "arm64", "Amazon Linux 2 LTS Arm64 Kernel 5.10 AMI 2.0.20251027.1 arm64 HVM gp2"),
	ubuntuImage("ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-20250603", "x86_64", "Canonical, Ubuntu, 20.04, amd64 focal image"),
	ubuntuImage("ubuntu/images/hvm-ssd/ubuntu-focal-20.04-arm64-server-20250603", "arm64", "Canonical, Ubuntu, 20.04, arm64 focal image"),
	ubuntuImage("ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-20251015", "x86_64", "Canonical, Ubuntu, 22.04, amd64 jammy image"),
	ubuntuImage("ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-arm64-server-20251015", "arm64", "Canonical, Ubuntu, 22.04, arm64 jammy image"),
	ubuntuImage("ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-20251022", "x86_64", "Canonical, Ubuntu, 24.04, amd64 noble image"),
	ubuntuImage("ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-20251022", "arm64", "Canonical, Ubuntu, 24.04, arm64 noble image"),
	debianImage("debian-12-amd64-20251006-2257", "x86_64", "Debian 12 (20251006-2257)"),
	debianImage("debian-12-arm64-20251006-2257", "arm64", "Debian 12 (20251006-2257)"),
	debianImage("debian-13-amd64-20251006-2257", "x86_64", "Debian 13 (20251006-2257)"),
	debianImage("debian-13-arm64-20251006-2257", "arm64", "Debian 13 (20251006-2257)"),
}

func amazonImage(name, arch, about string) image {
	return image{name: name, owner: amazon, alias: "amazon", arch: arch, created: "2025-10-28T01:17:42.000Z", about: about, root: "/dev/xvda", made: true}
}

func ubuntuImage(name, arch, about string) image {
	return image{name: name, owner: canonical, alias: "amazon", arch: arch, created: "2025-10-23T07:31:05.000Z", about: about, root: "/dev/sda1", made: true}
}

func debianImage(name, arch, about string) image {
	return image{name: name, owner: debian, arch: arch, created: "2025-10-06T23:05:11.000Z", about: about, root: "/dev/xvda", made: true}
}

// in is the image as a Region has it: on AWS too each Region has an ID of its own.
func (i image) in(r network.Region) image {
	sum := sha256.Sum256([]byte(string(r) + " " + i.name))
	i.id = network.ImageID("ami-" + hex.EncodeToString(sum[:])[:17])
	return i
}

// imagesIn is a Region's catalogue in order of ID.
func imagesIn(r network.Region) []image { return catalogues()[r] }

// Images are the IDs of a Region's catalogue by the images' names. The public
// parameters of Systems Manager name some of them.
func Images(r network.Region) map[string]network.ImageID {
	out := map[string]network.ImageID{}
	for _, i := range imagesIn(r) {
		out[i.name] = i.id
	}
	return out
}

// catalogues is every Region's, made once.
var catalogues = sync.OnceValue(func() map[network.Region][]image {
	out := map[network.Region][]image{}
	for _, r := range api.Regions() {
		list := make([]image, len(catalogue))
		for k, i := range catalogue {
			list[k] = i.in(r.Name)
		}
		slices.SortFunc(list, func(a, b image) int { return cmp.Compare(a.id, b.id) })
		out[r.Name] = list
	}
	return out
})

// findImage finds one by ID. An ID that is not in the catalogue is somebody's from
// AWS: their configuration shall run, so there is an image of that ID too, unless
// the server was told to be strict.
func findImage(c *api.Call, id network.ImageID) (image, bool) {
	list := imagesIn(c.Caller.Region)
	if k, ok := slices.BinarySearchFunc(list, id, func(i image, id network.ImageID) int { return cmp.Compare(i.id, id) }); ok {
		return list[k], true
	}
	made := debianImage("image-"+string(id), "x86_64", "The default image under an ID from elsewhere")
	made.id, made.made = id, false
	return made, !c.StrictImages
}

var images = api.Listing[image]{
	Kind: "ami",
	Key:  func(i image) string { return string(i.id) },
	All:  func(c *api.Call) iter.Seq[image] { return slices.Values(imagesIn(c.Caller.Region)) },
	Get:  func(c *api.Call, id string) (image, bool) { return findImage(c, network.ImageID(id)) },
	Tags: func(*api.Call, image) network.Tags { return nil },
	Filters: []api.Filter[image]{
		api.By("architecture", func(_ *api.Call, i image) []string { return api.One(i.arch) }),
		api.By("block-device-mapping.delete-on-termination", func(*api.Call, image) []string { return api.Yes(true) }),
		api.By("block-device-mapping.device-name", func(_ *api.Call, i image) []string { return api.One(i.root) }),
		api.By("block-device-mapping.encrypted", func(*api.Call, image) []string { return api.Yes(false) }),
		api.By("block-device-mapping.snapshot-id", func(_ *api.Call, i image) []string { return api.One(i.snapshot()) }),
		api.By("block-device-mapping.volume-size", func(*api.Call, image) []string { return api.One(api.Number(rootSize)) }),
		api.By("block-device-mapping.volume-type", func(*api.Call, image) []string { return api.One(rootType) }),
		api.By("creation-date", func(_ *api.Call, i image) []string { return api.One(i.created) }),
		api.By("description", func(_ *api.Call, i image) []string { return api.One(i.about) }),
		api.By("ena-support", func(*api.Call, image) []string { return api.Yes(true) }),
		api.By("hypervisor", func(*api.Call, image) []string { return api.One("xen") }),
		api.By("image-allowed", func(*api.Call, image) []string { return api.Yes(true) }),
		api.By("image-id", func(_ *api.Call, i image) []string { return api.One(i.id) }),
		api.By("image-type", func(*api.Call, image) []string { return api.One("machine") }),
		api.By("is-public", func(*api.Call, image) []string { return api.Yes(true) }),
		api.By("kernel-id", func(*api.Call, image) []string { return nil }),
		api.By("manifest-location", func(_ *api.Call, i image) []string { return api.One(i.location()) }),
		api.By("name", func(_ *api.Call, i image) []string { return api.One(i.name) }),
		api.By("owner-alias", func(_ *api.Call, i image) []string { return api.One(i.alias) }),
		api.By("owner-id", func(_ *api.Call, i image) []string { return api.One(i.owner) }),
		api.By("platform", func(*api.Call, image) []string { return nil }),
		api.By("platform-details", func(*api.Call, image) []string { return api.One("Linux/UNIX") }),
		api.By("product-code", func(*api.Call, image) []string { return nil }),
		api.By("product-code.type", func(*api.Call, image) []string { return nil }),
		api.By("ramdisk-id", func(*api.Call, image) []string { return nil }),
		api.By("root-device-name", func(_ *api.Call, i image) []string { return api.One(i.root) }),
		api.By("root-device-type", func(*api.Call, image) []string { return api.One("ebs") }),
		api.By("source-image-id", func(*api.Call, image) []string { return nil }),
		api.By("source-instance-id", func(*api.Call, image) []string { return nil }),
		api.By("sriov-net-support", func(*api.Call, image) []string { return api.One("simple") }),
		api.By("state", func(*api.Call, image) []string { return api.One("available") }),
		api.By("state-reason-code", func(*api.Call, image) []string { return nil }),
		api.By("state-reason-message", func(*api.Call, image) []string { return nil }),
		api.By("usage-operation", func(*api.Call, image) []string { return api.One("RunInstances") }),
		api.By("virtualization-type", func(*api.Call, image) []string { return api.One("hvm") }),
	},
	Pages: api.PlainPages(1, 1000, ""),
}

func describeImages(c *api.Call, in *wire.DescribeImagesRequest) (*wire.DescribeImagesResult, error) {
	l := images
	l.All = func(c *api.Call) iter.Seq[image] {
		return func(yield func(image) bool) {
			for _, i := range imagesIn(c.Caller.Region) {
				if i.ownedBy(in.Owners) && i.executableBy(in.ExecutableUsers) && !yield(i) {
					return
				}
			}
		}
	}
	rows, next, err := l.Rows(c, api.Query{IDs: in.ImageIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeImagesResult{Images: api.Each(c, rows, showImage), NextToken: next}, nil
}

// ownedBy reads owners as AWS does: account numbers, or self, amazon, …. Nobody
// here has images of their own.
func (i image) ownedBy(owners []string) bool {
	return len(owners) == 0 || slices.Contains(owners, string(i.owner)) || i.alias != "" && slices.Contains(owners, i.alias)
}

// executableBy: every image is public, and none is shared with an account.
func (i image) executableBy(users []string) bool {
	return len(users) == 0 || slices.Contains(users, "all")
}

func (i image) location() string {
	owner := i.alias
	if owner == "" {
		owner = string(i.owner)
	}
	return owner + "/" + i.name
}

func (i image) snapshot() string { return "snap-" + string(i.id[len("ami-"):]) }

// The root volume of every image and instance.
const (
	rootSize = 8 // GiB
	rootType = "gp3"
)

// showImage is an image as Describe shows it.
func showImage(c *api.Call, i image) wire.Image {
	return wire.Image{
		ImageId: api.Text(i.id), Name: api.Text(i.name), Description: api.Text(i.about), OwnerId: api.Text(i.owner), ImageOwnerAlias: api.Text(i.alias),
		ImageLocation: api.Text(i.location()), Architecture: api.Text(i.arch), CreationDate: api.Text(i.created),
		State: new("available"), Public: new(true), ImageType: new("machine"), Hypervisor: new("xen"), VirtualizationType: new("hvm"),
		RootDeviceName: api.Text(i.root), RootDeviceType: new("ebs"), EnaSupport: new(true), SriovNetSupport: new("simple"),
		PlatformDetails: new("Linux/UNIX"), UsageOperation: new("RunInstances"), BootMode: new("uefi-preferred"), ImdsSupport: i.imds(),
		BlockDeviceMappings: []wire.BlockDeviceMapping{{DeviceName: api.Text(i.root), Ebs: &wire.EbsBlockDevice{
			SnapshotId: api.Text(i.snapshot()), VolumeSize: api.Long(rootSize), VolumeType: new(rootType), Iops: api.Long(3000), Throughput: api.Long(125),
			DeleteOnTermination: new(true), Encrypted: new(false)}}},
		Tags: []wire.Tag{},
	}
}

// imds is set on images whose instances require session tokens of the metadata
// service unless told otherwise.
func (i image) imds() *string {
	if i.owner == amazon && i.name[:6] == "al2023" {
		return new("v2.0")
	}
	return nil
}
