package ssm

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"tombolo/ssm/document"
)

// described is the answer of those operations that describe one document; each
// calls it by one of two names.
type described struct {
	DocumentDescription *documentView `json:",omitempty"`
	Document            *documentView `json:",omitempty"`
}

func ref[T any](v T) *T { return &v }

// documentView is a version of a document as it is described.
type documentView struct {
	Hash, HashType  string
	Name            string
	DisplayName     string `json:",omitempty"`
	VersionName     string `json:",omitempty"`
	Owner           string
	CreatedDate     json.Number
	Status          string
	DocumentVersion string
	Description     string          `json:",omitempty"`
	Parameters      []parameterView `json:",omitempty"`
	PlatformTypes   []string
	DocumentType    string
	SchemaVersion   string
	LatestVersion   string
	DefaultVersion  string
	DocumentFormat  string
	TargetType      string `json:",omitempty"`
	Tags            []tag
}

type parameterView struct {
	Name, Type   string
	Description  string  `json:",omitempty"`
	DefaultValue *string `json:",omitempty"`
}

func describe(r document.Record, v document.Version) documentView {
	out := documentView{
		Hash: v.Hash(), HashType: "Sha256", Name: r.Name, DisplayName: v.DisplayName, VersionName: v.Name, Owner: r.Owner,
		CreatedDate: when(v.Created), Status: "Active", DocumentVersion: strconv.Itoa(v.Number), DocumentType: string(r.Type),
		LatestVersion: strconv.Itoa(r.Latest().Number), DefaultVersion: strconv.Itoa(r.Default), DocumentFormat: string(v.Format),
		TargetType: v.TargetType, Tags: tagList(r.Tags),
	}
	content, err := document.Parse(r.Type, v.Format, v.Content)
	if err != nil { // it was parsed before it was stored
		out.Status = "Failed"
		return out
	}
	out.Description, out.SchemaVersion, out.PlatformTypes = content.Description, content.SchemaVersion, content.Platforms()
	for _, p := range content.Parameters {
		view := parameterView{Name: p.Name, Type: string(p.Type), Description: p.Description}
		if p.Optional {
			view.DefaultValue = ref(p.DefaultText())
		}
		out.Parameters = append(out.Parameters, view)
	}
	return out
}

// identifier is a document in a listing.
type identifier struct {
	Name            string
	CreatedDate     json.Number
	DisplayName     string `json:",omitempty"`
	Owner           string
	VersionName     string `json:",omitempty"`
	PlatformTypes   []string
	DocumentVersion string
	DocumentType    string
	SchemaVersion   string
	DocumentFormat  string
	TargetType      string `json:",omitempty"`
	Tags            []tag
}

func (s *Service) listDocuments(c *call, q *listDocumentsRequest) (any, error) {
	if len(q.DocumentFilterList) > 0 && len(q.Filters) > 0 {
		return nil, invalid("DocumentFilterList and Filters can't be used in one request.")
	}
	var passes []func(documentView) bool
	for _, f := range q.DocumentFilterList {
		pass, err := documentPass(f.Key, []string{f.Value}, c)
		if err != nil {
			return nil, err
		}
		passes = append(passes, pass)
	}
	for _, f := range q.Filters {
		pass, err := documentPass(f.Key, f.Values, c)
		if err != nil {
			return nil, err
		}
		passes = append(passes, pass)
	}
	list := []identifier{}
	for _, r := range s.library.all(c.caller) {
		v, err := r.Find("$DEFAULT", "")
		if err != nil {
			return nil, err
		}
		d := describe(r, v)
		if slices.ContainsFunc(passes, func(pass func(documentView) bool) bool { return !pass(d) }) {
			continue
		}
		list = append(list, identifier{d.Name, d.CreatedDate, d.DisplayName, d.Owner, d.VersionName, d.PlatformTypes,
			d.DocumentVersion, d.DocumentType, d.SchemaVersion, d.DocumentFormat, d.TargetType, d.Tags})
	}
	list, next, err := page(list, func(i identifier) string { return i.Name }, q.NextToken, cmp.Or(q.MaxResults, 50))
	if err != nil {
		return nil, err
	}
	return struct {
		DocumentIdentifiers []identifier
		NextToken           string `json:",omitempty"`
	}{list, next}, nil
}

// documentPass is one filter. AWS: DocumentKeyValuesFilter; names are begun by
// the value, all else is equal to it.
func documentPass(key string, values []string, c *call) (func(documentView) bool, error) {
	some := func(have ...string) bool {
		return slices.ContainsFunc(have, func(v string) bool { return slices.Contains(values, v) })
	}
	if name, ok := strings.CutPrefix(key, "tag:"); ok {
		return func(d documentView) bool {
			return slices.ContainsFunc(d.Tags, func(t tag) bool { return t.Key == name && (len(values) == 0 || some(t.Value)) })
		}, nil
	}
	switch key {
	case "Name":
		return func(d documentView) bool {
			return slices.ContainsFunc(values, func(v string) bool { return strings.HasPrefix(d.Name, v) })
		}, nil
	case "Owner":
		return ownerPass(values, c)
	case "PlatformTypes":
		return func(d documentView) bool { return some(d.PlatformTypes...) }, nil
	case "DocumentType":
		return func(d documentView) bool { return some(d.DocumentType) }, nil
	case "TargetType":
		return func(d documentView) bool { return some(d.TargetType) }, nil
	case "SearchKeyword":
		return func(d documentView) bool {
			text := strings.ToLower(d.Name + " " + d.Description)
			return slices.ContainsFunc(values, func(v string) bool { return strings.Contains(text, strings.ToLower(v)) })
		}, nil
	}
	return nil, fail("InvalidFilterKey", "The specified key is not valid: %s", key)
}

func ownerPass(values []string, c *call) (func(documentView) bool, error) {
	known := []string{"Amazon", "Private", "Public", "Self", "ThirdParty", "All"}
	for _, v := range values {
		if !slices.Contains(known, v) && v != string(c.caller.Account) {
			return nil, invalid("The value %s of filter Owner is none of %s.", v, strings.Join(known, ", "))
		}
	}
	return func(d documentView) bool {
		return slices.ContainsFunc(values, func(v string) bool {
			mine := d.Owner == string(c.caller.Account)
			return v == "All" || v == d.Owner || mine && v == "Self" || !mine && v == "Public"
		})
	}, nil
}

// versionView is a version in the listing of versions.
type versionView struct {
	Name             string
	DisplayName      string `json:",omitempty"`
	DocumentVersion  string
	VersionName      string `json:",omitempty"`
	CreatedDate      json.Number
	IsDefaultVersion bool
	DocumentFormat   string
	Status           string
}

func (s *Service) listDocumentVersions(c *call, q *listDocumentVersionsRequest) (any, error) {
	r, err := s.library.find(c.caller, q.Name)
	if err != nil {
		return nil, err
	}
	versions := slices.Clone(r.Versions)
	slices.Reverse(versions) // AWS lists the newest first
	const most = 1_000_000
	key := func(v document.Version) string { return strconv.Itoa(most - v.Number) }
	versions, next, err := page(versions, key, q.NextToken, cmp.Or(q.MaxResults, 50))
	if err != nil {
		return nil, err
	}
	list := []versionView{}
	for _, v := range versions {
		list = append(list, versionView{r.Name, v.DisplayName, strconv.Itoa(v.Number), v.Name, when(v.Created), v.Number == r.Default, string(v.Format), "Active"})
	}
	return struct {
		DocumentVersions []versionView
		NextToken        string `json:",omitempty"`
	}{list, next}, nil
}
