package instance

import (
	"cmp"
	"encoding/json"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func launchTemplateOperations() []api.Operation {
	const one = "LaunchTemplateId LaunchTemplateName "
	return []api.Operation{
		api.Op("CreateLaunchTemplate", createLaunchTemplate, api.Params{
			Enforced: "LaunchTemplateName LaunchTemplateData ClientToken VersionDescription TagSpecification",
			Refused:  []api.Refuse{{Paths: "Operator", Why: "there are no service providers"}},
		}),
		api.Op("CreateLaunchTemplateVersion", createLaunchTemplateVersion, api.Params{
			Enforced: one + "LaunchTemplateData ClientToken SourceVersion VersionDescription",
			Refused:  []api.Refuse{{Paths: "ResolveAlias", Unless: "false", Why: "aliases of images are not resolved here"}},
		}),
		api.Op("ModifyLaunchTemplate", modifyLaunchTemplate, api.Params{Enforced: one + "SetDefaultVersion ClientToken"}),
		api.Op("DeleteLaunchTemplate", deleteLaunchTemplate, api.Params{Enforced: one}),
		api.Op("DeleteLaunchTemplateVersions", deleteLaunchTemplateVersions, api.Params{Enforced: one + "LaunchTemplateVersion"}),
		api.Op("DescribeLaunchTemplates", describeLaunchTemplates, api.Params{
			Enforced: "LaunchTemplateId LaunchTemplateName Filter MaxResults NextToken",
			Stored:   "IncludeManagedResources", // there are none
			Filters:  launchTemplates.FilterNames(),
		}),
		api.Op("DescribeLaunchTemplateVersions", describeLaunchTemplateVersions, api.Params{
			Enforced: one + "LaunchTemplateVersion MinVersion MaxVersion Filter MaxResults NextToken",
			Stored:   "IncludeManagedResources",
			Refused:  []api.Refuse{{Paths: "ResolveAlias", Unless: "false", Why: "aliases of images are not resolved here"}},
			Filters:  templateVersions.FilterNames(),
		}),
		api.Op("GetLaunchTemplateData", getLaunchTemplateData, api.Params{Enforced: "InstanceId"}),
	}
}

// templateData is what a version says, in the form in which it is kept: the JSON of
// the request's structure. The structures of a request, of a result and of
// RunInstances have the same names for the same things.
func templateData(in *wire.RequestLaunchTemplateData) (string, error) {
	if in == nil || reflect.ValueOf(*in).IsZero() {
		return "", &api.Error{Code: "InvalidRequest", Message: "The request must contain the parameter LaunchTemplateData, with at least one parameter in it."}
	}
	return asJSON(in), nil
}

// said reads what a version says as another structure.
func said[T any](data string) *T {
	var out T
	if err := json.Unmarshal([]byte(data), &out); err != nil {
		panic("unreachable: written by templateData: " + err.Error())
	}
	return &out
}

// root is who calls, as an ARN; nothing here knows more of a session.
func root(c *api.Call) string { return "arn:aws:iam::" + string(c.Caller.Account) + ":root" }

func createLaunchTemplate(c *api.Call, in *wire.CreateLaunchTemplateRequest) (*wire.CreateLaunchTemplateResult, error) {
	data, err := templateData(in.LaunchTemplateData)
	if err != nil {
		return nil, err
	}
	out, err := c.DoOnce(in.ClientToken, network.CreateLaunchTemplate{Name: *in.LaunchTemplateName, Description: api.Value(in.VersionDescription), By: root(c),
		Data: data, Tags: c.Tags(in.TagSpecifications, "launch-template")})
	if err != nil {
		return nil, err
	}
	l := c.State.LaunchTemplate(network.LaunchTemplateID(out.Created[0]))
	if l == nil {
		return nil, api.Gone(out.Created[0])
	}
	return &wire.CreateLaunchTemplateResult{LaunchTemplate: new(showTemplate(c, l))}, nil
}

// findTemplate finds the one that is named by ID or by name, but not by both.
func findTemplate(c *api.Call, id, name *string) (*network.LaunchTemplate, error) {
	switch {
	case id == nil && name == nil:
		return nil, &api.Error{Code: "MissingParameter", Message: "Either launch template id or launch template name must be specified in the request"}
	case id != nil && name != nil:
		return nil, api.Combination("You cannot specify both LaunchTemplateId and LaunchTemplateName in the same request")
	case name != nil:
		if l := c.State.LaunchTemplateNamed(c.Caller, *name); l != nil {
			return l, nil
		}
		return nil, &api.Error{Code: "InvalidLaunchTemplateName.NotFoundException", Message: "At least one of the launch templates specified in the request does not exist."}
	case !network.WellFormed(*id, "lt"):
		return nil, api.InvalidID(*id, "lt")
	}
	if l := c.State.LaunchTemplate(network.LaunchTemplateID(*id)); l != nil && l.In(c.Caller) {
		return l, nil
	}
	return nil, &network.Error{Code: network.NotFound, Subject: *id}
}

// versionNumber reads a version as callers write it: a number, $Default or $Latest.
func versionNumber(l *network.LaunchTemplate, text string) (int, error) {
	switch text {
	case "$Default":
		return l.Default, nil
	case "$Latest":
		return l.Latest, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, &api.Error{Code: "InvalidLaunchTemplateVersion.Malformed", Message: "The launch template version '" + text + "' is malformed. Specify a version number, $Latest or $Default."}
	}
	return n, nil
}

func findVersion(l *network.LaunchTemplate, text string) (network.TemplateVersion, error) {
	n, err := versionNumber(l, text)
	if err != nil {
		return network.TemplateVersion{}, err
	}
	v, ok := l.Version(n)
	if !ok {
		return v, &network.Error{Code: network.VersionNotFound, Subject: string(l.ID), Detail: strconv.Itoa(n)}
	}
	return v, nil
}

// createLaunchTemplateVersion lays what is asked for over the source version, if one
// is named.
func createLaunchTemplateVersion(c *api.Call, in *wire.CreateLaunchTemplateVersionRequest) (*wire.CreateLaunchTemplateVersionResult, error) {
	l, err := findTemplate(c, in.LaunchTemplateId, in.LaunchTemplateName)
	if err != nil {
		return nil, err
	}
	asked := in.LaunchTemplateData
	if in.SourceVersion != nil {
		source, err := findVersion(l, *in.SourceVersion)
		if err != nil {
			return nil, err
		}
		base := said[wire.RequestLaunchTemplateData](source.Data)
		if asked != nil {
			overlay(base, asked)
		}
		asked = base
	}
	data, err := templateData(asked)
	if err != nil {
		return nil, err
	}
	out, err := c.DoOnce(in.ClientToken, network.CreateTemplateVersion{Template: l.ID, Description: api.Value(in.VersionDescription), By: root(c), Data: data})
	if err != nil {
		return nil, err
	}
	number, _ := strconv.Atoi(out.Created[0]) // a number: it was made of one
	l = c.State.LaunchTemplate(l.ID)
	if l == nil {
		return nil, api.Gone(*in.LaunchTemplateId)
	}
	v, ok := l.Version(number)
	if !ok {
		return nil, &network.Error{Code: network.VersionNotFound, Subject: string(l.ID), Detail: out.Created[0]}
	}
	return &wire.CreateLaunchTemplateVersionResult{LaunchTemplateVersion: new(showVersion(templateVersion{l, v}))}, nil
}

// overlay replaces the fields of base that over has.
func overlay[T any](base, over *T) {
	to, from := reflect.ValueOf(base).Elem(), reflect.ValueOf(over).Elem()
	for k := range to.NumField() {
		if !from.Field(k).IsZero() {
			to.Field(k).Set(from.Field(k))
		}
	}
}

func modifyLaunchTemplate(c *api.Call, in *wire.ModifyLaunchTemplateRequest) (*wire.ModifyLaunchTemplateResult, error) {
	l, err := findTemplate(c, in.LaunchTemplateId, in.LaunchTemplateName)
	if err != nil {
		return nil, err
	}
	if in.DefaultVersion != nil {
		n, err := versionNumber(l, *in.DefaultVersion)
		if err != nil {
			return nil, err
		}
		if _, err := c.DoOnce(in.ClientToken, network.SetDefaultVersion{Template: l.ID, Version: n}); err != nil {
			return nil, err
		}
		if l = c.State.LaunchTemplate(l.ID); l == nil {
			return nil, api.Gone(api.Value(in.LaunchTemplateId))
		}
	}
	return &wire.ModifyLaunchTemplateResult{LaunchTemplate: new(showTemplate(c, l))}, nil
}

func deleteLaunchTemplate(c *api.Call, in *wire.DeleteLaunchTemplateRequest) (*wire.DeleteLaunchTemplateResult, error) {
	l, err := findTemplate(c, in.LaunchTemplateId, in.LaunchTemplateName)
	if err != nil {
		return nil, err
	}
	shown := showTemplate(c, l)
	_, err = c.Do(network.DeleteLaunchTemplate{Template: l.ID})
	return &wire.DeleteLaunchTemplateResult{LaunchTemplate: &shown}, err
}

// deleteLaunchTemplateVersions says of each version what became of it.
func deleteLaunchTemplateVersions(c *api.Call, in *wire.DeleteLaunchTemplateVersionsRequest) (*wire.DeleteLaunchTemplateVersionsResult, error) {
	l, err := findTemplate(c, in.LaunchTemplateId, in.LaunchTemplateName)
	if err != nil {
		return nil, err
	}
	out := &wire.DeleteLaunchTemplateVersionsResult{SuccessfullyDeletedLaunchTemplateVersions: []wire.DeleteLaunchTemplateVersionsResponseSuccessItem{},
		UnsuccessfullyDeletedLaunchTemplateVersions: []wire.DeleteLaunchTemplateVersionsResponseErrorItem{}}
	fail := func(number int, code, message string) {
		out.UnsuccessfullyDeletedLaunchTemplateVersions = append(out.UnsuccessfullyDeletedLaunchTemplateVersions, wire.DeleteLaunchTemplateVersionsResponseErrorItem{
			LaunchTemplateId: api.Text(l.ID), LaunchTemplateName: api.Text(l.Name), VersionNumber: api.Long(number), ResponseError: &wire.ResponseError{Code: &code, Message: &message}})
	}
	r := network.DeleteTemplateVersions{Template: l.ID}
	for _, text := range in.Versions {
		n, err := versionNumber(l, text)
		if err != nil {
			return nil, err
		}
		_, there := l.Version(n)
		switch {
		case !there:
			fail(n, "launchTemplateVersionDoesNotExist", "Could not find launch template version")
		case n == l.Default:
			fail(n, "unexpectedError", "You cannot delete the default version of a launch template. Assign a different version as the default first.")
		default:
			r.Versions = append(r.Versions, n)
		}
	}
	done, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	for _, text := range done.Created {
		n, _ := strconv.Atoi(text) // a number: it was made of one
		out.SuccessfullyDeletedLaunchTemplateVersions = append(out.SuccessfullyDeletedLaunchTemplateVersions, wire.DeleteLaunchTemplateVersionsResponseSuccessItem{
			LaunchTemplateId: api.Text(l.ID), LaunchTemplateName: api.Text(l.Name), VersionNumber: api.Long(n)})
	}
	return out, nil
}

func showTemplate(c *api.Call, l *network.LaunchTemplate) wire.LaunchTemplate {
	return wire.LaunchTemplate{LaunchTemplateId: api.Text(l.ID), LaunchTemplateName: api.Text(l.Name), CreateTime: new(l.Created), CreatedBy: api.Text(l.By),
		DefaultVersionNumber: api.Long(l.Default), LatestVersionNumber: api.Long(l.Latest), Operator: unmanaged, Tags: c.TagSet(string(l.ID))}
}

// launchTemplates lists templates in the order in which they were made.
var launchTemplates = api.Listing[*network.LaunchTemplate]{
	Kind: "lt",
	Key:  templateKey,
	All: func(c *api.Call) iter.Seq[*network.LaunchTemplate] {
		return slices.Values(slices.SortedFunc(c.State.LaunchTemplatesOf(c.Caller), func(a, b *network.LaunchTemplate) int { return cmp.Compare(templateKey(a), templateKey(b)) }))
	},
	Get: func(c *api.Call, id string) (*network.LaunchTemplate, bool) {
		l := c.State.LaunchTemplate(network.LaunchTemplateID(id))
		return l, l != nil && l.In(c.Caller)
	},
	Tags: func(c *api.Call, l *network.LaunchTemplate) network.Tags { return c.State.Tags(c.Caller, string(l.ID)) },
	Filters: []api.Filter[*network.LaunchTemplate]{
		api.By("create-time", func(_ *api.Call, l *network.LaunchTemplate) []string {
			return api.One(l.Created.UTC().Format("2006-01-02T15:04:05.000Z"))
		}),
		api.By("launch-template-name", func(_ *api.Call, l *network.LaunchTemplate) []string { return api.One(l.Name) }),
	},
	Pages: api.ValidatedPages(1, 200),
}

func templateKey(l *network.LaunchTemplate) string {
	return l.Created.UTC().Format("20060102150405.000") + string(l.ID)
}

func describeLaunchTemplates(c *api.Call, in *wire.DescribeLaunchTemplatesRequest) (*wire.DescribeLaunchTemplatesResult, error) {
	l := launchTemplates
	if len(in.LaunchTemplateNames) > 0 {
		if len(in.LaunchTemplateIds) > 0 {
			return nil, api.Combination("You cannot specify both LaunchTemplateIds and LaunchTemplateNames in the same request")
		}
		var named []*network.LaunchTemplate
		for _, name := range in.LaunchTemplateNames {
			found, err := findTemplate(c, nil, &name)
			if err != nil {
				return nil, err
			}
			named = append(named, found)
		}
		l.All = func(*api.Call) iter.Seq[*network.LaunchTemplate] { return slices.Values(named) }
	}
	rows, next, err := l.Rows(c, api.Query{IDs: in.LaunchTemplateIds, Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeLaunchTemplatesResult{LaunchTemplates: api.Each(c, rows, showTemplate), NextToken: next}, nil
}

// templateVersion is a version and what it is a version of.
type templateVersion struct {
	*network.LaunchTemplate
	v network.TemplateVersion
}

func showVersion(t templateVersion) wire.LaunchTemplateVersion {
	return wire.LaunchTemplateVersion{LaunchTemplateId: api.Text(t.ID), LaunchTemplateName: api.Text(t.Name), VersionNumber: api.Long(t.v.Number), VersionDescription: api.Text(t.v.Description),
		CreateTime: new(t.v.Created), CreatedBy: api.Text(t.v.By), DefaultVersion: api.Bool(t.v.Number == t.Default), Operator: unmanaged,
		LaunchTemplateData: said[wire.ResponseLaunchTemplateData](t.v.Data)}
}

// says makes a filter of one thing that a version can say.
func says(name string, of func(*wire.ResponseLaunchTemplateData) *string) api.Filter[templateVersion] {
	return api.By(name, func(_ *api.Call, t templateVersion) []string {
		return api.One(api.Value(of(said[wire.ResponseLaunchTemplateData](t.v.Data))))
	})
}

func yesOrNo(b *bool) *string {
	if b == nil {
		return nil
	}
	return &api.Yes(*b)[0]
}

var templateVersions = api.Listing[templateVersion]{
	Key: func(t templateVersion) string {
		return templateKey(t.LaunchTemplate) + strconv.Itoa(maxNumber+t.v.Number)
	},
	Filters: []api.Filter[templateVersion]{
		api.By("create-time", func(_ *api.Call, t templateVersion) []string {
			return api.One(t.v.Created.UTC().Format("2006-01-02T15:04:05.000Z"))
		}),
		says("ebs-optimized", func(d *wire.ResponseLaunchTemplateData) *string { return yesOrNo(d.EbsOptimized) }),
		says("http-endpoint", func(d *wire.ResponseLaunchTemplateData) *string { return api.Value(d.MetadataOptions).HttpEndpoint }),
		says("http-protocol-ipv4", func(*wire.ResponseLaunchTemplateData) *string { return nil }),
		says("host-resource-group-arn", func(d *wire.ResponseLaunchTemplateData) *string { return api.Value(d.Placement).HostResourceGroupArn }),
		says("http-tokens", func(d *wire.ResponseLaunchTemplateData) *string { return api.Value(d.MetadataOptions).HttpTokens }),
		says("iam-instance-profile", func(d *wire.ResponseLaunchTemplateData) *string { return api.Value(d.IamInstanceProfile).Arn }),
		says("image-id", func(d *wire.ResponseLaunchTemplateData) *string { return d.ImageId }),
		says("instance-type", func(d *wire.ResponseLaunchTemplateData) *string { return d.InstanceType }),
		api.By("is-default-version", func(_ *api.Call, t templateVersion) []string { return api.Yes(t.v.Number == t.Default) }),
		says("kernel-id", func(d *wire.ResponseLaunchTemplateData) *string { return d.KernelId }),
		says("license-configuration-arn", func(*wire.ResponseLaunchTemplateData) *string { return nil }),
		says("network-card-index", func(*wire.ResponseLaunchTemplateData) *string { return nil }),
		says("ram-disk-id", func(d *wire.ResponseLaunchTemplateData) *string { return d.RamDiskId }),
	},
	Pages: api.ValidatedPages(1, 200),
}

// maxNumber makes numbers of versions equally long, for an order of strings.
const maxNumber = 1_000_000

// describeLaunchTemplateVersions shows the versions of one template, or, asked for
// $Latest and $Default without one, of all.
func describeLaunchTemplateVersions(c *api.Call, in *wire.DescribeLaunchTemplateVersionsRequest) (*wire.DescribeLaunchTemplateVersionsResult, error) {
	var rows []templateVersion
	if in.LaunchTemplateId == nil && in.LaunchTemplateName == nil {
		for _, text := range in.Versions {
			if text != "$Latest" && text != "$Default" {
				return nil, &api.Error{Code: "MissingParameter", Message: "Either launch template id or launch template name must be specified in the request"}
			}
		}
		if len(in.Versions) == 0 {
			return nil, &api.Error{Code: "MissingParameter", Message: "Either launch template id or launch template name must be specified in the request"}
		}
		for l := range launchTemplates.All(c) {
			for _, v := range l.Versions {
				if v.Number == l.Latest && slices.Contains(in.Versions, "$Latest") || v.Number == l.Default && slices.Contains(in.Versions, "$Default") {
					rows = append(rows, templateVersion{l, v})
				}
			}
		}
	} else {
		l, err := findTemplate(c, in.LaunchTemplateId, in.LaunchTemplateName)
		if err != nil {
			return nil, err
		}
		if rows, err = versionsOf(l, in); err != nil {
			return nil, err
		}
	}
	list := templateVersions
	list.All = func(*api.Call) iter.Seq[templateVersion] { return slices.Values(rows) }
	rows, next, err := list.Rows(c, api.Query{Filters: in.Filters, MaxResults: in.MaxResults, NextToken: in.NextToken})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeLaunchTemplateVersionsResult{LaunchTemplateVersions: api.All(rows, showVersion), NextToken: next}, nil
}

// versionsOf are the versions of a template that are asked for, in order.
func versionsOf(l *network.LaunchTemplate, in *wire.DescribeLaunchTemplateVersionsRequest) ([]templateVersion, error) {
	low, high := 1, maxNumber
	for _, bound := range []struct {
		text *string
		to   *int
	}{{in.MinVersion, &low}, {in.MaxVersion, &high}} {
		if bound.text == nil {
			continue
		}
		if len(in.Versions) > 0 {
			return nil, api.Combination("You cannot specify both a list of versions and a range of versions in the same request")
		}
		n, err := versionNumber(l, *bound.text)
		if err != nil {
			return nil, err
		}
		*bound.to = n
	}
	var named []int
	for _, text := range in.Versions {
		v, err := findVersion(l, text)
		if err != nil {
			return nil, err
		}
		named = append(named, v.Number)
	}
	var rows []templateVersion
	for _, v := range l.Versions {
		if v.Number >= low && v.Number <= high && (len(named) == 0 || slices.Contains(named, v.Number)) {
			rows = append(rows, templateVersion{l, v})
		}
	}
	return rows, nil
}

// fromTemplate completes a launch with what its template says: parameters of the
// request override those of the template (AWS: RunInstances, LaunchTemplate). The
// marks are AWS's tags on the instances.
func fromTemplate(c *api.Call, in *wire.RunInstancesRequest) (full *wire.RunInstancesRequest, marks network.Tags, err error) {
	if in.LaunchTemplate == nil {
		return in, nil, nil
	}
	l, err := findTemplate(c, in.LaunchTemplate.LaunchTemplateId, in.LaunchTemplate.LaunchTemplateName)
	if err != nil {
		return nil, nil, err
	}
	v, err := findVersion(l, cmp.Or(api.Value(in.LaunchTemplate.Version), "$Default"))
	if err != nil {
		return nil, nil, err
	}
	full = said[wire.RunInstancesRequest](v.Data)
	data := said[wire.RequestLaunchTemplateData](v.Data)
	full.RamdiskId, full.ElasticGpuSpecification = data.RamDiskId, data.ElasticGpuSpecifications
	if data.InstanceRequirements != nil {
		return nil, nil, &api.Error{Code: "UnsupportedOperation", Message: "The launch template's InstanceRequirements are not supported: name an instance type."}
	}
	if err := runInstancesParams.CheckValue(full); err != nil {
		return nil, nil, err
	}
	overlay(full, in)
	return full, network.Tags{"aws:ec2launchtemplate:id": string(l.ID), "aws:ec2launchtemplate:version": strconv.Itoa(v.Number)}, nil
}

// getLaunchTemplateData is what an instance would have been launched with.
func getLaunchTemplateData(c *api.Call, in *wire.GetLaunchTemplateDataRequest) (*wire.GetLaunchTemplateDataResult, error) {
	rows, _, err := instances.Rows(c, api.Query{IDs: []string{*in.InstanceId}})
	if err != nil {
		return nil, err
	}
	i := rows[0]
	view := showInstance(c, i)
	out := &wire.ResponseLaunchTemplateData{ImageId: view.ImageId, InstanceType: view.InstanceType, KeyName: view.KeyName, EbsOptimized: view.EbsOptimized,
		DisableApiTermination: api.Bool(i.DisableTermination), DisableApiStop: api.Bool(i.DisableStop), InstanceInitiatedShutdownBehavior: api.Text(i.ShutdownBehavior),
		Monitoring: &wire.LaunchTemplatesMonitoring{Enabled: api.Bool(i.Stored[storedMonitoring] == "enabled")},
		Placement:  &wire.LaunchTemplatePlacement{AvailabilityZone: view.Placement.AvailabilityZone, GroupName: view.Placement.GroupName, Tenancy: view.Placement.Tenancy},
		MetadataOptions: &wire.LaunchTemplateInstanceMetadataOptions{HttpTokens: view.MetadataOptions.HttpTokens, HttpEndpoint: view.MetadataOptions.HttpEndpoint,
			HttpPutResponseHopLimit: view.MetadataOptions.HttpPutResponseHopLimit, HttpProtocolIpv6: view.MetadataOptions.HttpProtocolIpv6, InstanceMetadataTags: view.MetadataOptions.InstanceMetadataTags},
		HibernationOptions: &wire.LaunchTemplateHibernationOptions{Configured: api.Bool(false)}, EnclaveOptions: &wire.LaunchTemplateEnclaveOptions{Enabled: api.Bool(false)},
		MaintenanceOptions: &wire.LaunchTemplateInstanceMaintenanceOptions{AutoRecovery: view.MaintenanceOptions.AutoRecovery},
	}
	if len(i.UserData) > 0 {
		out.UserData = new(encodeUserData(i))
	}
	for _, d := range devicesAt(c, i) {
		out.BlockDeviceMappings = append(out.BlockDeviceMappings, wire.LaunchTemplateBlockDeviceMapping{DeviceName: api.Text(d.Name),
			Ebs: &wire.LaunchTemplateEbsBlockDevice{VolumeSize: api.Long(d.Size), VolumeType: api.Text(d.Type), DeleteOnTermination: api.Bool(!d.Keep), Encrypted: api.Bool(d.Encrypted)}})
	}
	for _, e := range view.NetworkInterfaces {
		shown := wire.LaunchTemplateInstanceNetworkInterfaceSpecification{DeviceIndex: e.Attachment.DeviceIndex, NetworkCardIndex: api.Long(0), SubnetId: e.SubnetId,
			Description: e.Description, DeleteOnTermination: e.Attachment.DeleteOnTermination, InterfaceType: plain, Groups: []string{}}
		for _, g := range e.Groups {
			shown.Groups = append(shown.Groups, *g.GroupId)
		}
		for _, a := range e.PrivateIpAddresses {
			shown.PrivateIpAddresses = append(shown.PrivateIpAddresses, wire.PrivateIpAddressSpecification{Primary: a.Primary, PrivateIpAddress: a.PrivateIpAddress})
		}
		for _, a := range e.Ipv6Addresses {
			shown.Ipv6Addresses = append(shown.Ipv6Addresses, wire.InstanceIpv6Address{Ipv6Address: a.Ipv6Address})
		}
		out.NetworkInterfaces = append(out.NetworkInterfaces, shown)
	}
	if own := slices.DeleteFunc(view.Tags, func(t wire.Tag) bool { return strings.HasPrefix(*t.Key, "aws:") }); len(own) > 0 {
		out.TagSpecifications = []wire.LaunchTemplateTagSpecification{{ResourceType: new("instance"), Tags: own}}
	}
	return &wire.GetLaunchTemplateDataResult{LaunchTemplateData: out}, nil
}
