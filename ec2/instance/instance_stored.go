package instance

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

// What clients send with an instance and a network does not need is kept in
// Instance.Stored under these keys, and returned where AWS returns it.
const (
	storedDevices     = "BlockDevices" // JSON of []device, those beyond what the image has
	storedVolumeTags  = "VolumeTags"   // JSON of network.Tags
	storedMonitoring  = "Monitoring"   // "enabled"
	storedOptimized   = "EbsOptimized"
	storedProfile     = "IamInstanceProfile"            // its ARN's end, instance-profile/…, or its whole ARN
	storedAssociation = "IamInstanceProfileAssociation" // its ID, once the profile has changed
	storedMigration   = "RebootMigration"
	storedCredits     = "CpuCredits"
	storedTenancy     = "Tenancy"
	storedToken       = "ClientToken"
	storedRecovery    = "AutoRecovery"
	storedCores       = "CoreCount"
	storedThreads     = "ThreadsPerCore"
	storedReservation = "CapacityReservationPreference"
	storedHostname    = "HostnameType" // when it is not the subnet's
	storedNameA       = "EnableResourceNameDnsARecord"
	storedNameAAAA    = "EnableResourceNameDnsAAAARecord"
)

// launchExtras gathers what is to be kept.
func launchExtras(in *wire.RunInstancesRequest, volumeTags network.Tags) map[string]string {
	out := map[string]string{}
	keep := func(key string, v *string) {
		if api.Value(v) != "" {
			out[key] = *v
		}
	}
	flag := func(key string, b *bool) {
		if b != nil {
			out[key] = api.Yes(*b)[0]
		}
	}
	count := func(key string, n *int64) {
		if n != nil {
			out[key] = api.Number(int(*n))
		}
	}
	keep(storedToken, in.ClientToken)
	if in.Monitoring != nil && api.Value(in.Monitoring.Enabled) {
		out[storedMonitoring] = "enabled"
	}
	flag(storedOptimized, in.EbsOptimized)
	if p := in.IamInstanceProfile; p != nil {
		keep(storedProfile, p.Name)
		keep(storedProfile, p.Arn)
	}
	keep(storedCredits, api.Value(in.CreditSpecification).CpuCredits)
	keep(storedTenancy, api.Value(in.Placement).Tenancy)
	keep(storedRecovery, api.Value(in.MaintenanceOptions).AutoRecovery)
	keep(storedReservation, api.Value(in.CapacityReservationSpecification).CapacityReservationPreference)
	cpu := api.Value(in.CpuOptions)
	count(storedCores, cpu.CoreCount)
	count(storedThreads, cpu.ThreadsPerCore)
	names := api.Value(in.PrivateDnsNameOptions)
	keep(storedHostname, names.HostnameType)
	flag(storedNameA, names.EnableResourceNameDnsARecord)
	flag(storedNameAAAA, names.EnableResourceNameDnsAAAARecord)
	if len(in.BlockDeviceMappings) > 0 {
		out[storedDevices] = asJSON(devicesOf(in.BlockDeviceMappings))
	}
	if len(volumeTags) > 0 {
		out[storedVolumeTags] = asJSON(volumeTags)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("unreachable: plain data: " + err.Error())
	}
	return string(b)
}

func launchMetadata(in *wire.InstanceMetadataOptionsRequest, made image) network.MetadataOptions {
	out := metadataOf(in)
	// Amazon Linux 2023 says so in the image (AWS: Configure the AMI).
	if made.imds() != nil {
		out.Tokens, out.Hops = cmp.Or(out.Tokens, "required"), cmp.Or(out.Hops, 2)
	}
	return out
}

func metadataOf(in *wire.InstanceMetadataOptionsRequest) network.MetadataOptions {
	if in == nil {
		return network.MetadataOptions{}
	}
	return network.MetadataOptions{Tokens: api.Value(in.HttpTokens), Endpoint: api.Value(in.HttpEndpoint), IPv6: api.Value(in.HttpProtocolIpv6),
		Tags: api.Value(in.InstanceMetadataTags), Hops: int(api.Value(in.HttpPutResponseHopLimit))}
}

// device is a volume of an instance: one of the image's, or one asked for at launch.
type device struct {
	Name       string
	Size       int
	Type       string
	Iops       int
	Throughput int
	Keep       bool // when the instance is terminated
	Encrypted  bool
	Absent     bool // the image's device of this name is not wanted
}

func devicesOf(list []wire.BlockDeviceMapping) []device {
	return api.All(list, func(m wire.BlockDeviceMapping) device {
		ebs := api.Value(m.Ebs)
		return device{Name: api.Value(m.DeviceName), Size: int(api.Value(ebs.VolumeSize)), Type: api.Value(ebs.VolumeType), Iops: int(api.Value(ebs.Iops)),
			Throughput: int(api.Value(ebs.Throughput)), Keep: ebs.DeleteOnTermination != nil && !*ebs.DeleteOnTermination, Encrypted: api.Value(ebs.Encrypted),
			Absent: m.NoDevice != nil || m.Ebs == nil}
	})
}

// devicesAt are an instance's volumes, the root first.
func devicesAt(c *api.Call, i *network.Instance) []device {
	made, _ := findImage(c, i.Image)
	out := []device{{Name: made.root}}
	if doc := i.Stored[storedDevices]; doc != "" {
		var asked []device
		if json.Unmarshal([]byte(doc), &asked) != nil {
			panic("unreachable: written by asJSON")
		}
		for _, d := range asked {
			switch {
			case d.Name == made.root:
				out[0] = d
				out[0].Absent = false // no instance is without a root
			case !d.Absent:
				out = append(out, d)
			}
		}
	}
	for k := range out {
		out[k] = out[k].complete()
	}
	return out
}

// complete fills in what was not asked for (AWS: Amazon EBS volume types).
func (d device) complete() device {
	d.Size, d.Type = cmp.Or(d.Size, rootSize), cmp.Or(d.Type, rootType)
	switch d.Type {
	case "gp3":
		d.Iops, d.Throughput = cmp.Or(d.Iops, 3000), cmp.Or(d.Throughput, 125)
	case "gp2":
		d.Iops = max(100, min(3*d.Size, 16000))
	}
	return d
}

// volumeID is derived: volumes are not things of their own here.
func volumeID(i *network.Instance, device string) string {
	sum := sha256.Sum256([]byte(string(i.ID) + " " + device))
	return "vol-" + hex.EncodeToString(sum[:])[:17]
}

// profile is an instance's instance profile; there is no IAM that would know more.
func profile(i *network.Instance) *wire.IamInstanceProfile {
	named := i.Stored[storedProfile]
	if named == "" {
		return nil
	}
	full := named
	if !strings.HasPrefix(full, "arn:") {
		full = "arn:aws:iam::" + string(i.Owner) + ":instance-profile/" + named
	}
	sum := sha256.Sum256([]byte(full))
	return &wire.IamInstanceProfile{Arn: api.Text(full), Id: api.Text("AIPA" + strings.ToUpper(hex.EncodeToString(sum[:]))[:17])}
}

// resourceNamed reports whether the instance's private name is made of its ID and
// not of its address (AWS: Amazon EC2 instance hostname types).
func resourceNamed(c *api.Call, i *network.Instance) bool {
	if kind := i.Stored[storedHostname]; kind != "" {
		return kind == "resource-name"
	}
	n := c.State.Subnet(i.Subnet)
	return n != nil && n.HostnameType == "resource-name"
}

// plugs are an instance's interfaces in order of device index.
func plugs(c *api.Call, i *network.Instance) []*network.ENI {
	var out []*network.ENI
	for eni := range c.State.ENIsAt(i.ID) {
		out = append(out, eni)
	}
	if len(out) > 1 {
		slices.SortFunc(out, func(a, b *network.ENI) int { return a.Attachment.Device - b.Attachment.Device })
	}
	return out
}
