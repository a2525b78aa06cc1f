package main

import (
	"bufio"
	"compress/gzip"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestFlowLogFilesHoldWhatPassed: known packets between two instances, and the files
// that a flow log leaves in AWS's layout below the state directory.
func TestFlowLogFilesHoldWhatPassed(t *testing.T) {
	for _, u := range everyone() {
		t.Run(u.name, func(t *testing.T) {
			i := install(t, u)
			to := i.pair()
			doors(i)
			web := i.call("DescribeInstances", "Filter.1.Name", "tag:Name", "Filter.1.Value.1", "web").Items("reservationSet")[0].Items("instancesSet")[0]
			group := web.Text("groupSet.item.groupId")
			i.call("AuthorizeSecurityGroupIngress", "GroupId", group, "IpPermissions.1.IpProtocol", "tcp", "IpPermissions.1.FromPort", "81", "IpPermissions.1.ToPort", "81",
				"IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/16")
			outside(i)
			made := i.call("CreateFlowLogs", "ResourceType", "NetworkInterface", "ResourceId.1", web.Text("networkInterfaceSet.item.networkInterfaceId"), "TrafficType", "ALL",
				"LogDestinationType", "s3", "LogDestination", "arn:aws:s3:::flows/net", "MaxAggregationInterval", "60",
				"LogFormat", "${protocol} ${dstport} ${action} ${flow-direction} ${packets} ${bytes} ${log-status}")
			id := made.Text("flowLogIdSet.item")
			const refused = 10 // by its TCP: the packet arrived
			for range 3 {
				if out, code := i.tombolo("exec", "user", "--", "tombolo", "probe", "tcp", to+":81"); code != refused {
					t.Fatalf("port 81: exit %d\n%s", code, out)
				}
			}
			// Its status is 1: nothing answers.
			_, _ = i.tombolo("exec", "user", "--", "ping", "-c", "4", "-i", "0.2", "-W", "1", "-s", "100", to)
			i.call("DeleteFlowLogs", "FlowLogId.1", id)
			var got map[string][2]int
			// A SYN of Linux has 40 bytes of TCP header, a RST 20; an echo request 28 bytes before its data.
			want := map[string][2]int{"6 81 ACCEPT ingress": {3, 3 * 60}, "6 ACCEPT egress": {3, 3 * 40}, "1 0 REJECT ingress": {4, 4 * 128}}
			defer func() {
				if t.Failed() {
					t.Logf("the files hold %v, want %v", got, want)
				}
			}()
			i.eventually("the files hold exactly that", 10*time.Second, func() bool {
				got = records(i, id)
				return maps.Equal(got, want)
			})
		})
	}
}

// outside asks for places that are none of this directory's.
func outside(i *installation) {
	i.t.Helper()
	api, err := i.site.api(i.t.Context())
	if err != nil {
		i.t.Fatal(err)
	}
	eni := i.call("DescribeNetworkInterfaces").Items("networkInterfaceSet")[0].Text("networkInterfaceId")
	for _, place := range []string{"arn:aws:s3:::../escaped", "arn:aws:s3:::..", "arn:aws:s3:::flows/../../escaped", "arn:aws:s3:::Flows/x", "/tmp/escaped"} {
		answer, err := api.Call(i.t.Context(), "CreateFlowLogs", "ResourceType", "NetworkInterface", "ResourceId.1", eni, "TrafficType", "ALL",
			"LogDestinationType", "s3", "LogDestination", place)
		if err == nil && len(answer.Items("unsuccessful")) == 0 {
			i.t.Errorf("flow logs to %s: accepted", place)
		}
	}
	if logs := i.call("DescribeFlowLogs").Items("flowLogSet"); len(logs) > 0 {
		i.t.Errorf("%d flow logs were made of refused requests", len(logs))
	}
}

// records adds up what the files of a flow log hold, and looks at their names.
func records(i *installation, id string) map[string][2]int {
	i.t.Helper()
	root := filepath.Join(i.site.dir, "buckets", "flows")
	name := regexp.MustCompile(`^net/AWSLogs/123456789012/vpcflowlogs/us-east-1/\d{4}/\d\d/\d\d/123456789012_vpcflowlogs_us-east-1_` + id + `_\d{8}T\d{4}Z_[0-9a-f]+\.log\.gz$`)
	sum := map[string][2]int{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		if !name.MatchString(rel) {
			i.t.Errorf("%s is not where AWS would put it", rel)
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(z)
		for n := 0; lines.Scan(); n++ {
			if n == 0 {
				if lines.Text() != "protocol dstport action flow-direction packets bytes log-status" {
					i.t.Errorf("%s begins with %s", rel, lines.Text())
				}
				continue
			}
			w := strings.Fields(lines.Text())
			if w[6] == "NODATA" {
				continue
			}
			key := strings.Join(w[:4], " ")
			if w[3] == "egress" { // to whatever port the client had
				key = w[0] + " " + w[2] + " " + w[3]
			}
			packets, _ := strconv.Atoi(w[4])
			bytes, _ := strconv.Atoi(w[5])
			sum[key] = [2]int{sum[key][0] + packets, sum[key][1] + bytes}
		}
		return lines.Err()
	})
	if err != nil && !os.IsNotExist(err) {
		i.t.Error(err)
	}
	return sum
}
