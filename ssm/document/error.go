package document

import "fmt"

// Code is the name of one of AWS's exceptions.
type Code string

// The exceptions that documents lead to.
const (
	InvalidDocument              Code = "InvalidDocument"              // no such document, or of the wrong type
	InvalidDocumentContent       Code = "InvalidDocumentContent"       // the content is not a document
	InvalidDocumentSchemaVersion Code = "InvalidDocumentSchemaVersion" // a schema that is not served
	InvalidDocumentVersion       Code = "InvalidDocumentVersion"       // no such version
	InvalidDocumentOperation     Code = "InvalidDocumentOperation"     // the default version, for one, can't be deleted
	InvalidParameters            Code = "InvalidParameters"            // the parameters of a call don't fit
	MaxDocumentSizeExceeded      Code = "MaxDocumentSizeExceeded"      // over 64 KB
	DuplicateDocumentContent     Code = "DuplicateDocumentContent"     // an update that changes nothing
	DuplicateDocumentVersionName Code = "DuplicateDocumentVersionName" // the name of another version
	DocumentVersionLimitExceeded Code = "DocumentVersionLimitExceeded" // 1000 versions
	UnsupportedPlatformType      Code = "UnsupportedPlatformType"      // not for Linux
)

// Error is why a document can't be, or can't be used as asked.
type Error struct {
	Code    Code
	Message string // a sentence or more, for the person who called
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

func errorf(code Code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
