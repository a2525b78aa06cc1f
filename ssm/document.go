package ssm

import (
	"cmp"
	"strconv"

	"tombolo/ssm/document"
)

const (
	noAttachments = "documents have no attachments"
	noReviews     = "documents depend on no others"
)

func documentOperations() []operation {
	return []operation{
		on("CreateDocument", (*Service).createDocument, refuses("Requires", noReviews), refuses("Attachments", noAttachments),
			stored("DisplayName TargetType", "it describes the document")),
		on("UpdateDocument", (*Service).updateDocument, refuses("Attachments", noAttachments),
			stored("DisplayName TargetType", "it describes the document")),
		on("UpdateDocumentDefaultVersion", (*Service).updateDocumentDefaultVersion),
		on("DeleteDocument", (*Service).deleteDocument, stored("Force", "of ApplicationConfigurationSchema documents, which there are none of")),
		on("GetDocument", (*Service).getDocument),
		on("DescribeDocument", (*Service).describeDocument),
		on("ListDocuments", (*Service).listDocuments),
		on("ListDocumentVersions", (*Service).listDocumentVersions),
		on("DescribeDocumentPermission", (*Service).describeDocumentPermission),
	}
}

type createDocumentRequest struct {
	Content        string              `shape:"*DocumentContent"`
	Requires       []documentRequires  `shape:"DocumentRequiresList"`
	Attachments    []attachmentsSource `shape:"AttachmentsSourceList"`
	Name           string              `shape:"*DocumentName"`
	DisplayName    string              `shape:"DocumentDisplayName"`
	VersionName    string              `shape:"DocumentVersionName"`
	DocumentType   string              `shape:"DocumentType"`
	DocumentFormat string              `shape:"DocumentFormat"`
	TargetType     string              `shape:"TargetType"`
	Tags           []tag               `shape:"TagList"`
}

type updateDocumentRequest struct {
	Content         string              `shape:"*DocumentContent"`
	Attachments     []attachmentsSource `shape:"AttachmentsSourceList"`
	Name            string              `shape:"*DocumentName"`
	DisplayName     string              `shape:"DocumentDisplayName"`
	VersionName     string              `shape:"DocumentVersionName"`
	DocumentVersion string              `shape:"DocumentVersion"`
	DocumentFormat  string              `shape:"DocumentFormat"`
	TargetType      string              `shape:"TargetType"`
}

type updateDocumentDefaultVersionRequest struct {
	Name            string `shape:"*DocumentName"`
	DocumentVersion string `shape:"*DocumentVersionNumber"`
}

type deleteDocumentRequest struct {
	Name            string `shape:"*DocumentName"`
	DocumentVersion string `shape:"DocumentVersion"`
	VersionName     string `shape:"DocumentVersionName"`
	Force           bool
}

type getDocumentRequest struct {
	Name            string `shape:"*DocumentARN"`
	VersionName     string `shape:"DocumentVersionName"`
	DocumentVersion string `shape:"DocumentVersion"`
	DocumentFormat  string `shape:"DocumentFormat"`
}

type describeDocumentRequest struct {
	Name            string `shape:"*DocumentARN"`
	DocumentVersion string `shape:"DocumentVersion"`
	VersionName     string `shape:"DocumentVersionName"`
}

type listDocumentsRequest struct {
	DocumentFilterList []documentFilter          `shape:"DocumentFilterList"`
	Filters            []documentKeyValuesFilter `shape:"DocumentKeyValuesFilterList"`
	MaxResults         int                       `shape:"MaxResults"`
	NextToken          string                    `shape:"NextToken"`
}

type listDocumentVersionsRequest struct {
	Name       string `shape:"*DocumentARN"`
	MaxResults int    `shape:"MaxResults"`
	NextToken  string `shape:"NextToken"`
}

type describeDocumentPermissionRequest struct {
	Name           string `shape:"*DocumentName"`
	PermissionType string `shape:"*DocumentPermissionType"`
	MaxResults     int    `shape:"DocumentPermissionMaxResults"`
	NextToken      string `shape:"NextToken"`
}

type documentRequires struct {
	Name        string `shape:"*DocumentARN"`
	Version     string `shape:"DocumentVersion"`
	RequireType string `shape:"RequireType"`
	VersionName string `shape:"DocumentVersionName"`
}

type attachmentsSource struct {
	Key    string   `shape:"AttachmentsSourceKey"`
	Values []string `shape:"AttachmentsSourceValues"`
	Name   string   `shape:"AttachmentIdentifier"`
}

type documentFilter struct {
	Key   string `json:"key" shape:"*DocumentFilterKey"`
	Value string `json:"value" shape:"*DocumentFilterValue"`
}

type documentKeyValuesFilter struct {
	Key    string   `shape:"DocumentKeyValuesFilterKey"`
	Values []string `shape:"DocumentKeyValuesFilterValues"`
}

func (s *Service) createDocument(c *call, q *createDocumentRequest) (any, error) {
	if document.Reserved(q.Name) {
		return nil, invalid("The document name %s is not allowed: a name can't begin with aws, amazon or amzn.", q.Name)
	}
	// AWS takes a document of no type for a Command document.
	kind := document.Type(cmp.Or(q.DocumentType, string(document.Command)))
	if kind != document.Session && kind != document.Command {
		return nil, invalid("DocumentType %s is not supported here: Session and Command are.", kind)
	}
	if q.Name == document.RunShell && kind != document.Session {
		return nil, invalid("%s holds the preferences of sessions and is of type Session.", q.Name)
	}
	tags, err := newTags(nil, q.Tags)
	if err != nil {
		return nil, err
	}
	record, err := document.NewRecord(q.Name, string(c.caller.Account), kind, document.Version{
		Name: q.VersionName, Format: document.Format(cmp.Or(q.DocumentFormat, string(document.JSON))), Content: q.Content,
		DisplayName: q.DisplayName, TargetType: q.TargetType, Created: s.stamp(),
	})
	if err != nil {
		return nil, err
	}
	if err := preferencesStay(record); err != nil {
		return nil, err
	}
	record.Tags = tags
	if err := s.library.create(c, c.caller, record); err != nil {
		return nil, err
	}
	return described{DocumentDescription: ref(describe(record, record.Latest()))}, nil
}

// preferencesStay refuses an SSM-SessionManagerRunShell that is no shell session's:
// sessions would start, but of another kind than everybody expects.
func preferencesStay(r document.Record) error {
	content, err := r.Resolve("$LATEST", "")
	if err == nil && r.Name == document.RunShell && content.SessionType() != document.StandardStream {
		return fail(string(document.InvalidDocumentContent), "sessionType of %s is %s; its only valid value is %s.", r.Name, content.SessionType(), document.StandardStream)
	}
	return err
}

func (s *Service) updateDocument(c *call, q *updateDocumentRequest) (any, error) {
	record, err := s.library.change(c, c.caller, q.Name, func(r document.Record) (document.Record, error) {
		if q.DocumentVersion != "" && q.DocumentVersion != "$LATEST" {
			// AWS: only the newest version of a document can be updated.
			v, err := r.Find(q.DocumentVersion, "")
			if err != nil {
				return r, err
			}
			if v.Number != r.Latest().Number {
				return r, fail(string(document.InvalidDocumentVersion), "The document version is not valid or does not exist: version %s is not the latest.", q.DocumentVersion)
			}
		}
		next, err := r.Update(document.Version{
			Name: q.VersionName, Format: document.Format(cmp.Or(q.DocumentFormat, string(document.JSON))), Content: q.Content,
			DisplayName: cmp.Or(q.DisplayName, r.Latest().DisplayName), TargetType: cmp.Or(q.TargetType, r.Latest().TargetType), Created: s.stamp(),
		})
		if err != nil {
			return r, err
		}
		return next, preferencesStay(next)
	})
	if err != nil {
		return nil, err
	}
	return described{DocumentDescription: ref(describe(record, record.Latest()))}, nil
}

func (s *Service) updateDocumentDefaultVersion(c *call, q *updateDocumentDefaultVersionRequest) (any, error) {
	record, err := s.library.change(c, c.caller, q.Name, func(r document.Record) (document.Record, error) {
		return r.SetDefault(q.DocumentVersion)
	})
	if err != nil {
		return nil, err
	}
	type description struct {
		Name, DefaultVersion string
		DefaultVersionName   string `json:",omitempty"`
	}
	now, err := record.Find("$DEFAULT", "")
	return struct{ Description description }{description{record.Name, strconv.Itoa(record.Default), now.Name}}, err
}

func (s *Service) deleteDocument(c *call, q *deleteDocumentRequest) (any, error) {
	if q.DocumentVersion == "" && q.VersionName == "" {
		return empty{}, s.library.remove(c, c.caller, q.Name)
	}
	_, err := s.library.change(c, c.caller, q.Name, func(r document.Record) (document.Record, error) {
		return r.Without(q.DocumentVersion, q.VersionName)
	})
	return empty{}, err
}

func (s *Service) getDocument(c *call, q *getDocumentRequest) (any, error) {
	record, err := s.library.find(c.caller, q.Name)
	if err != nil {
		return nil, err
	}
	v, err := record.Find(q.DocumentVersion, q.VersionName)
	if err != nil {
		return nil, err
	}
	// AWS: the document is returned in the format asked for, JSON by default.
	format := document.Format(cmp.Or(q.DocumentFormat, string(document.JSON)))
	if format != document.JSON && format != document.YAML {
		return nil, invalid("DocumentFormat %s is not supported for documents of type %s: JSON and YAML are.", format, record.Type)
	}
	content, err := document.Convert(v.Content, v.Format, format)
	if err != nil {
		return nil, err
	}
	d := describe(record, v)
	return struct {
		Name            string
		CreatedDate     any
		DisplayName     string `json:",omitempty"`
		VersionName     string `json:",omitempty"`
		DocumentVersion string
		Status          string
		Content         string
		DocumentType    string
		DocumentFormat  string
	}{d.Name, when(v.Created), d.DisplayName, d.VersionName, d.DocumentVersion, d.Status, content, d.DocumentType, string(format)}, nil
}

func (s *Service) describeDocument(c *call, q *describeDocumentRequest) (any, error) {
	record, err := s.library.find(c.caller, q.Name)
	if err != nil {
		return nil, err
	}
	v, err := record.Find(q.DocumentVersion, q.VersionName)
	if err != nil {
		return nil, err
	}
	return described{Document: ref(describe(record, v))}, nil
}

// describeDocumentPermission: documents are shared with nobody.
func (s *Service) describeDocumentPermission(c *call, q *describeDocumentPermissionRequest) (any, error) {
	if _, err := s.library.find(c.caller, q.Name); err != nil {
		return nil, err
	}
	if q.NextToken != "" {
		return nil, fail("InvalidNextToken", "The specified token is not valid.")
	}
	return struct {
		AccountIds             []string
		AccountSharingInfoList []string
	}{[]string{}, []string{}}, nil
}
