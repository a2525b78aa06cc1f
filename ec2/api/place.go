package api

import (
	"strings"

	"tombolo/bucket"
)

// Place is where in S3 something is to be written.
type Place struct{ Bucket, Prefix string }

const bucketARN = "arn:aws:s3:::"

// ReadPlace reads the ARN of a bucket, which may have a prefix of keys behind it.
func ReadPlace(arn string) (Place, bool) {
	name, ok := strings.CutPrefix(arn, bucketARN)
	var p Place
	p.Bucket, p.Prefix, _ = strings.Cut(name, "/")
	return p, ok
}

// String is the place without what all ARNs of buckets begin with.
func (p Place) String() string {
	if p.Prefix == "" {
		return p.Bucket
	}
	return p.Bucket + "/" + p.Prefix
}

// ARN is the place's.
func (p Place) ARN() string { return bucketARN + p.String() }

// IsBucket reports whether S3 could have a bucket of the place's name.
func (p Place) IsBucket() bool { return bucket.CheckName(p.Bucket) == nil }

// Takes reports whether objects can be put there, if it is a bucket.
func (p Place) Takes() bool { return bucket.CheckPrefix(p.Prefix) == nil }
