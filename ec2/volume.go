package ec2

import (
	"cmp"
	"encoding/json"
	"iter"
	"slices"

	"tombolo/ec2/wire"
	"tombolo/network"
)

func volumeOperations() []operation {
	return []operation{
		op("DescribeVolumes", describeVolumes, params{
			enforced: "VolumeId Filter MaxResults NextToken",
			stored:   "IncludeManagedResources",
			filters:  volumes.filterNames(),
		}),
	}
}

// volume is a volume of an instance. Clients look at the root volume of every
// instance that they made; there are no others, and none outlives its instance.
type volume struct {
	id       string
	instance *network.Instance
	device   device
}

func (c *call) volumesOf(i *network.Instance) []volume {
	if i.State == network.InstanceTerminated {
		return nil
	}
	return all(c.devices(i), func(d device) volume { return volume{volumeID(i, d.Name), i, d} })
}

var volumes = listing[volume]{
	kind: "vol",
	key:  func(v volume) string { return v.id },
	all: func(c *call) iter.Seq[volume] {
		var rows []volume
		for i := range c.state.InstancesOf(c.caller) {
			rows = append(rows, c.volumesOf(i)...)
		}
		slices.SortFunc(rows, func(a, b volume) int { return cmp.Compare(a.id, b.id) })
		return slices.Values(rows)
	},
	get: func(c *call, id string) (volume, bool) {
		for i := range c.state.InstancesOf(c.caller) {
			for _, v := range c.volumesOf(i) {
				if v.id == id {
					return v, true
				}
			}
		}
		return volume{}, false
	},
	tags: func(_ *call, v volume) network.Tags { return v.tags() },
	filters: append([]filter[volume]{
		{"attachment.attach-time", func(_ *call, v volume) []string {
			return one(v.instance.Created.UTC().Format("2006-01-02T15:04:05.000Z"))
		}},
		{"attachment.delete-on-termination", func(_ *call, v volume) []string { return yes(!v.device.Keep) }},
		{"attachment.device", func(_ *call, v volume) []string { return one(v.device.Name) }},
		{"attachment.instance-id", func(_ *call, v volume) []string { return one(v.instance.ID) }},
		{"attachment.status", func(*call, volume) []string { return one("attached") }},
		{"availability-zone", func(_ *call, v volume) []string { return one(v.instance.Zone) }},
		{"availability-zone-id", func(_ *call, v volume) []string { return one(zoneID(v.instance.Region, v.instance.Zone)) }},
		{"create-time", func(_ *call, v volume) []string {
			return one(v.instance.Created.UTC().Format("2006-01-02T15:04:05.000Z"))
		}},
		{"encrypted", func(_ *call, v volume) []string { return yes(v.device.Encrypted) }},
		{"fast-restored", func(*call, volume) []string { return yes(false) }},
		{"multi-attach-enabled", func(*call, volume) []string { return yes(false) }},
		{"operator.managed", func(*call, volume) []string { return yes(false) }},
		{"size", func(_ *call, v volume) []string { return one(number(v.device.Size)) }},
		{"status", func(*call, volume) []string { return one("in-use") }},
		{"volume-id", func(_ *call, v volume) []string { return one(v.id) }},
		{"volume-type", func(_ *call, v volume) []string { return one(v.device.Type) }},
	}, absent[volume]("operator.principal snapshot-id source-volume-id")...),
	pages: plainPages(5, 1000, "volumeIds"),
}

func (v volume) tags() network.Tags {
	doc := v.instance.Stored[storedVolumeTags]
	if doc == "" {
		return nil
	}
	var tags network.Tags
	if json.Unmarshal([]byte(doc), &tags) != nil {
		panic("unreachable: written by asJSON")
	}
	return tags
}

func describeVolumes(c *call, in *wire.DescribeVolumesRequest) (*wire.DescribeVolumesResult, error) {
	rows, next, err := volumes.rows(c, query{in.VolumeIds, in.Filters, in.MaxResults, in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeVolumesResult{Volumes: all(rows, volumeView), NextToken: next}, nil
}

func volumeView(v volume) wire.Volume {
	i := v.instance
	out := wire.Volume{VolumeId: text(v.id), Size: long(v.device.Size), VolumeType: text(v.device.Type), SnapshotId: new(""), State: new("in-use"),
		AvailabilityZone: text(i.Zone), AvailabilityZoneId: text(zoneID(i.Region, i.Zone)), CreateTime: new(i.Created), Encrypted: new(v.device.Encrypted),
		MultiAttachEnabled: new(false), Operator: &wire.OperatorResponse{Managed: new(false)},
		Attachments: []wire.VolumeAttachment{{VolumeId: text(v.id), InstanceId: text(i.ID), Device: text(v.device.Name), State: new("attached"),
			AttachTime: new(i.Created), DeleteOnTermination: new(!v.device.Keep)}},
		Tags: []wire.Tag{}}
	if v.device.Iops > 0 {
		out.Iops = long(v.device.Iops)
	}
	if v.device.Throughput > 0 {
		out.Throughput = long(v.device.Throughput)
	}
	tags := v.tags()
	for _, key := range tags.Keys() {
		out.Tags = append(out.Tags, wire.Tag{Key: new(key), Value: new(tags[key])})
	}
	return out
}
