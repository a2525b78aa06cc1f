package api

import "testing"

func TestPlacesAreReadFromARNs(t *testing.T) {
	for _, c := range []struct {
		arn           string
		want          Place
		bucket, takes bool
	}{
		{"arn:aws:s3:::records", Place{"records", ""}, true, true},
		{"arn:aws:s3:::records/a/b/", Place{"records", "a/b/"}, true, true},
		{"arn:aws:s3:::Records/a", Place{"Records", "a"}, false, true},
		{"arn:aws:s3:::..", Place{"..", ""}, false, true},
		{"arn:aws:s3:::records/../x", Place{"records", "../x"}, true, false},
		{"arn:aws:s3:::records//x", Place{"records", "/x"}, true, false},
	} {
		got, ok := ReadPlace(c.arn)
		if !ok || got != c.want || got.ARN() != c.arn || got.IsBucket() != c.bucket || got.Takes() != c.takes {
			t.Errorf("%s is %+v, %v, a bucket %v, takes %v", c.arn, got, ok, got.IsBucket(), got.Takes())
		}
	}
	for _, arn := range []string{"", "records", "/etc", "arn:aws:sqs:::records"} {
		if p, ok := ReadPlace(arn); ok {
			t.Errorf("%s is %+v", arn, p)
		}
	}
}
