package instance

import (
	"cmp"
	"encoding/json"
	"iter"
	"slices"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func volumeOperations() []api.Operation {
	return []api.Operation{
		api.Op("DescribeVolumes", describeVolumes, api.Params{
			Enforced: "VolumeId Filter MaxResults NextToken",
			Stored:   "IncludeManagedResources",
			Filters:  volumes.FilterNames(),
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

func volumesOf(c *api.Call, i *network.Instance) []volume {
	if i.State == network.InstanceTerminated {
		return nil
	}
	return api.All(devicesAt(c, i), func(d device) volume { return volume{volumeID(i, d.Name), i, d} })
}

var volumes = api.Listing[volume]{
	Kind: "vol",
	Key:  func(v volume) string { return v.id },
	All: func(c *api.Call) iter.Seq[volume] {
		var rows []volume
		for i := range c.State.InstancesOf(c.Caller) {
			rows = append(rows, volumesOf(c, i)...)
		}
		slices.SortFunc(rows, func(a, b volume) int { return cmp.Compare(a.id, b.id) })
		return slices.Values(rows)
	},
	Get: func(c *api.Call, id string) (volume, bool) {
		for i := range c.State.InstancesOf(c.Caller) {
			for _, v := range volumesOf(c, i) {
				if v.id == id {
					return v, true
				}
			}
		}
		return volume{}, false
	},
	Tags: func(_ *api.Call, v volume) network.Tags { return v.tags() },
	Filters: append([]api.Filter[volume]{
		api.By("attachment.attach-time", func(_ *api.Call, v volume) []string {
			return api.One(v.instance.Created.UTC().Format("2006-01-02T15:04:05.000Z"))
		}),
		api.By("attachment.delete-on-termination", func(_ *api.Call, v volume) []string { return api.Yes(!v.device.Keep) }),
		api.By("attachment.device", func(_ *api.Call, v volume) []string { return api.One(v.device.Name) }),
		api.By("attachment.instance-id", func(_ *api.Call, v volume) []string { return api.One(v.instance.ID) }),
		api.By("attachment.status", func(*api.Call, volume) []string { return api.One("attached") }),
		api.By("availability-zone", func(_ *api.Call, v volume) []string { return api.One(v.instance.Zone) }),
		api.By("availability-zone-id", func(_ *api.Call, v volume) []string { return api.One(api.ZoneID(v.instance.Zone)) }),
		api.By("create-time", func(_ *api.Call, v volume) []string {
			return api.One(v.instance.Created.UTC().Format("2006-01-02T15:04:05.000Z"))
		}),
		api.By("encrypted", func(_ *api.Call, v volume) []string { return api.Yes(v.device.Encrypted) }),
		api.By("fast-restored", func(*api.Call, volume) []string { return api.Yes(false) }),
		api.By("multi-attach-enabled", func(*api.Call, volume) []string { return api.Yes(false) }),
		api.By("operator.managed", func(*api.Call, volume) []string { return api.Yes(false) }),
		api.By("size", func(_ *api.Call, v volume) []string { return api.One(api.Number(v.device.Size)) }),
		api.By("status", func(*api.Call, volume) []string { return api.One("in-use") }),
		api.By("volume-id", func(_ *api.Call, v volume) []string { return api.One(v.id) }),
		api.By("volume-type", func(_ *api.Call, v volume) []string { return api.One(v.device.Type) }),
	}, api.Absent[volume]("operator.principal snapshot-id source-volume-id")...),
	Pages: api.PlainPages(5, 1000, "volumeIds"),
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

func describeVolumes(c *api.Call, in *wire.DescribeVolumesRequest) (*wire.DescribeVolumesResult, error) {
	rows, next, err := volumes.Rows(c, api.Query{IDs: in.VolumeIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeVolumesResult{Volumes: api.All(rows, volumeView), NextToken: next}, nil
}

func volumeView(v volume) wire.Volume {
	i := v.instance
	out := wire.Volume{VolumeId: api.Text(v.id), Size: api.Long(v.device.Size), VolumeType: api.Text(v.device.Type), SnapshotId: new(""), State: new("in-use"),
		AvailabilityZone: api.Text(i.Zone), AvailabilityZoneId: api.Text(api.ZoneID(i.Zone)), CreateTime: new(i.Created), Encrypted: new(v.device.Encrypted),
		MultiAttachEnabled: new(false), Operator: &wire.OperatorResponse{Managed: new(false)},
		Attachments: []wire.VolumeAttachment{{VolumeId: api.Text(v.id), InstanceId: api.Text(i.ID), Device: api.Text(v.device.Name), State: new("attached"),
			AttachTime: new(i.Created), DeleteOnTermination: new(!v.device.Keep)}},
		Tags: []wire.Tag{}}
	if v.device.Iops > 0 {
		out.Iops = api.Long(v.device.Iops)
	}
	if v.device.Throughput > 0 {
		out.Throughput = api.Long(v.device.Throughput)
	}
	tags := v.tags()
	for _, key := range tags.Keys() {
		out.Tags = append(out.Tags, wire.Tag{Key: new(key), Value: new(tags[key])})
	}
	return out
}
