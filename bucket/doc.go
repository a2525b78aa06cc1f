// Package bucket stands for S3 on this machine: a directory of buckets, in each
// of them an object is a file whose path is its key. Session logs and flow logs
// are written there, in the layout that AWS uses, so that what reads them from a
// real bucket reads them here. It is no S3 API, and a bucket is made by the first
// object in it. Every access goes through os.Root: no name, and no symbolic link
// that somebody put there, leads outside.
package bucket

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"unicode/utf8"
)

// The errors of this package say which name is at fault.
var (
	// ErrBucketName means that S3 would not make a bucket of that name.
	ErrBucketName = errors.New("not a bucket name")
	// ErrKey means that S3 would not take the key, or that no file can stand for it.
	ErrKey = errors.New("not an object key")
)

// AWS: Bucket naming rules: prefixes and suffixes kept for AWS's own buckets.
var (
	keptPrefixes = []string{"xn--", "sthree-", "amzn-s3-demo-"}
	keptSuffixes = []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}
)

// CheckName says whether name may be a bucket's (AWS: Bucket naming rules).
func CheckName(name string) error {
	refuse := func(why string) error { return fmt.Errorf("%w: %q %s", ErrBucketName, name, why) }
	if len(name) < 3 || len(name) > 63 {
		return refuse("has not 3 to 63 characters")
	}
	for i := range len(name) {
		if c := name[i]; !alphanumeric(c) && c != '.' && c != '-' {
			return refuse("has other characters than a-z, 0-9, dots and hyphens")
		}
	}
	if !alphanumeric(name[0]) || !alphanumeric(name[len(name)-1]) {
		return refuse("does not begin and end with a letter or number")
	}
	if strings.Contains(name, "..") {
		return refuse("has two adjacent dots")
	}
	if a, err := netip.ParseAddr(name); err == nil && a.Is4() {
		return refuse("is formatted as an IP address")
	}
	for _, p := range keptPrefixes {
		if strings.HasPrefix(name, p) {
			return refuse("begins with " + p)
		}
	}
	for _, s := range keptSuffixes {
		if strings.HasSuffix(name, s) {
			return refuse("ends with " + s)
		}
	}
	return nil
}

func alphanumeric(c byte) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }

// The longest key is S3's (AWS: Creating object key names); the longest part
// between two slashes is what a Linux file system takes.
const (
	longestKey  = 1024
	longestPart = 255
)

// CheckKey says whether key may be an object's. S3 takes more than that: a key
// with empty, "." or ".." parts is an object there, but no file can stand for it
// (and AWS advises against them), and no client of ours needs control characters.
func CheckKey(key string) error {
	refuse := func(why string) error { return fmt.Errorf("%w: %q %s", ErrKey, key, why) }
	if key == "" || len(key) > longestKey {
		return refuse("has not 1 to 1024 bytes")
	}
	if !utf8.ValidString(key) {
		return refuse("is not UTF-8")
	}
	for _, r := range key {
		if r < ' ' || r == 0x7f {
			return refuse("has a control character")
		}
	}
	for part := range strings.SplitSeq(key, "/") {
		switch {
		case part == "":
			return refuse("begins or ends with a slash, or has two in a row")
		case part == "." || part == "..":
			return refuse("has a part of dots alone")
		case len(part) > longestPart:
			return refuse("has a part of more than 255 bytes")
		}
	}
	return nil
}

// CheckPrefix says whether objects may be put under prefix: a key, to which a
// slash may be added; "" is the bucket itself.
func CheckPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	return CheckKey(strings.TrimSuffix(prefix, "/"))
}
