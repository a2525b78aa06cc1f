package flowlog

import (
	"testing"
	"time"

	"tombolo/network"
)

// AWS: Publish flow logs to Amazon S3, Flow log files.
func TestWhereRecordsAreWritten(t *testing.T) {
	end := time.Date(2026, 8, 20, 23, 5, 0, 0, time.FixedZone("CEST", 2*3600))
	const name = "/123456789010_vpcflowlogs_us-east-1_fl-1234abcd_20260820T2105Z_0badcafe.log.gz"
	for _, tc := range []struct {
		spec network.FlowLogSpec
		want string
	}{
		{network.FlowLogSpec{}, "AWSLogs/123456789010/vpcflowlogs/us-east-1/2026/08/20" + name},
		{network.FlowLogSpec{Prefix: "net"}, "net/AWSLogs/123456789010/vpcflowlogs/us-east-1/2026/08/20" + name},
		{network.FlowLogSpec{Prefix: "a/b/", Hourly: true}, "a/b/AWSLogs/123456789010/vpcflowlogs/us-east-1/2026/08/20/21" + name},
		{network.FlowLogSpec{Hive: true}, "AWSLogs/aws-account-id=123456789010/aws-service=vpcflowlogs/aws-region=us-east-1/year=2026/month=08/day=20" + name},
		{network.FlowLogSpec{Hive: true, Hourly: true}, "AWSLogs/aws-account-id=123456789010/aws-service=vpcflowlogs/aws-region=us-east-1/year=2026/month=08/day=20/hour=21" + name},
	} {
		f := &network.FlowLog{ID: "fl-1234abcd", Home: network.Home{Owner: "123456789010", Region: "us-east-1"}, FlowLogSpec: tc.spec}
		if got := ObjectKey(f, end, 0x0badcafe); got != tc.want {
			t.Errorf("%s, want\n%s", got, tc.want)
		}
	}
}

func TestSkippedPacketsAddUp(t *testing.T) {
	var r Reading
	r.Skip("eni-1", 2)
	r.Skip("eni-1", 3)
	if r.Skipped["eni-1"] != 5 {
		t.Errorf("%v", r.Skipped)
	}
}
