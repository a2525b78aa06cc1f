package document

import (
	"net/netip"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// What kmsKeyId and the rest would need.
const (
	noKMS        = "there is no AWS KMS in this account. Leave it empty."
	noCloudWatch = "there is no CloudWatch Logs in this account; session logs go to s3BucketName. Leave it empty."
)

var userPattern = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_.-]{0,31}$`)

// preferences reads the inputs. AWS: "Session document schema", inputs.
func (c *checker) preferences(in *part) Preferences {
	p := Preferences{Idle: defaultIdle}
	p.Bucket, p.KeyPrefix = c.text(in, "s3BucketName"), c.text(in, "s3KeyPrefix")
	if c.err == nil && p.Bucket != "" && !BucketName(p.Bucket) {
		c.fail("s3BucketName in inputs is %q, which is no bucket's name by the rules of Amazon S3.", p.Bucket)
	}
	if c.err == nil && !keyPrefix(p.KeyPrefix) {
		c.fail("s3KeyPrefix in inputs is %q; a prefix has up to 500 characters, none of them a control character, and no part that is '.' or '..'.", p.KeyPrefix)
	}
	// It asks that the bucket be encrypted, which every bucket has been since 2023.
	c.flag(in, "s3EncryptionEnabled")
	c.refuse(in, "kmsKeyId", noKMS)
	c.refuse(in, "cloudWatchLogGroupName", noCloudWatch)
	// Without a log group these two say nothing, and everybody's document has them.
	c.flag(in, "cloudWatchEncryptionEnabled")
	c.flag(in, "cloudWatchStreamingEnabled")

	p.RunAs, p.RunAsUser = c.flag(in, "runAsEnabled"), c.text(in, "runAsDefaultUser")
	if c.err == nil && p.RunAsUser != "" && !userPattern.MatchString(p.RunAsUser) {
		c.fail("runAsDefaultUser in inputs is %q, which is no user's name.", p.RunAsUser)
	}
	if n := c.number(in, "idleSessionTimeout", 1, 60); n > 0 {
		p.Idle = time.Duration(n) * time.Minute
	}
	p.Longest = time.Duration(c.number(in, "maxSessionDuration", 1, 1440)) * time.Minute
	if profile := c.child(in, "shellProfile"); profile != nil {
		p.ShellProfile = c.profile(profile, "linux")
		c.profile(profile, "windows")
		c.closed(profile)
	}
	c.closed(in)
	return p
}

// profile is a shell profile: up to 512 characters. AWS: "Allow configurable shell profiles".
func (c *checker) profile(p *part, key string) string {
	text := c.text(p, key)
	if c.err == nil && utf8.RuneCountInString(text) > 512 {
		c.fail("%s in shellProfile has more than 512 characters.", key)
	}
	return text
}

var (
	bucketPattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	bucketPrefixes = []string{"xn--", "sthree-", "amzn-s3-demo-"}
	bucketSuffixes = []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}
	controlPattern = regexp.MustCompile(`[\x00-\x1f\x7f]`)
)

// BucketName says whether a bucket can have that name. AWS: "General purpose
// bucket naming rules". The beginning amzn-s3-demo- is reserved for AWS's pages.
func BucketName(name string) bool {
	if !bucketPattern.MatchString(name) || strings.Contains(name, "..") {
		return false
	}
	for _, prefix := range bucketPrefixes {
		if strings.HasPrefix(name, prefix) {
			return false
		}
	}
	for _, suffix := range bucketSuffixes {
		if strings.HasSuffix(name, suffix) {
			return false
		}
	}
	_, err := netip.ParseAddr(name)
	return err != nil // a name that looks like an address is none
}

// maxPrefixLength is AWS's for a key prefix of session logs.
const maxPrefixLength = 500

func keyPrefix(prefix string) bool {
	if utf8.RuneCountInString(prefix) > maxPrefixLength || !utf8.ValidString(prefix) || controlPattern.MatchString(prefix) {
		return false
	}
	for piece := range strings.SplitSeq(prefix, "/") {
		if piece == "." || piece == ".." {
			return false // S3's clients resolve such keys, and a file system would
		}
	}
	return true
}
