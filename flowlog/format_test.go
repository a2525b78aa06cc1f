package flowlog

import (
	"strings"
	"testing"
	"time"

	"tombolo/network"
)

// eni is the interface of AWS's examples.
var eni = &network.ENI{ID: "eni-1235b8ca123456789", Home: network.Home{Owner: "123456789010", Region: "us-east-1"}, VPC: "vpc-abcdefab012345678", Subnet: "subnet-aaaaaaaa012345678"}

// AWS: Flow log record examples: accepted traffic; no data and skipped records.
func TestLinesAreAsInAWSsExamples(t *testing.T) {
	ssh := Record{Interface: eni, Status: OK, Direction: Ingress, Action: Accept, Source: addr("172.31.16.139"), Dest: addr("172.31.16.21"),
		SourcePort: 20641, DestPort: 22, Protocol: 6, Packets: 20, Bytes: 4249, Start: time.Unix(1418530010, 0), End: time.Unix(1418530070, 0)}
	rdp := ssh
	rdp.Action, rdp.Source, rdp.Dest, rdp.SourcePort, rdp.DestPort = Reject, addr("172.31.9.69"), addr("172.31.9.12"), 49761, 3389
	nothing := Record{Interface: eni, Status: NoData, Start: time.Unix(1431280876, 0), End: time.Unix(1431280934, 0)}
	skipped := Record{Interface: eni, Status: SkipData, Start: time.Unix(1431280876, 0), End: time.Unix(1431280934, 0)}
	f, err := ParseFormat("")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		r    Record
		want string
	}{
		{ssh, "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK"},
		{rdp, "2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1418530010 1418530070 REJECT OK"},
		{nothing, "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"},
		{skipped, "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - SKIPDATA"},
	} {
		if got := f.Line(c.r); got != c.want {
			t.Errorf("%s, want\n%s", got, c.want)
		}
	}
	if want := "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"; f.Header() != want {
		t.Errorf("header %s", f.Header())
	}
	if f.String() != DefaultFormat {
		t.Errorf("format %s", f)
	}
}

// AWS: Flow log records: the version is the highest among the fields; what does not
// apply is a hyphen.
func TestCustomFormats(t *testing.T) {
	e := *eni
	e.Attachment = &network.Attachment{Instance: "i-0123456789abcdef0"}
	r := Record{Interface: &e, ZoneID: "use1-az1", Status: OK, Direction: Egress, Action: Accept, Source: addr("2001:db8::1"), Dest: addr("2001:db8::2"),
		Protocol: 6, Flags: 19, Path: SameRegion, Packets: 1, Bytes: 2, Start: time.Unix(1, 0), End: time.Unix(2, 0)}
	missing := Record{Interface: eni, Status: NoData, Start: time.Unix(1, 0), End: time.Unix(2, 0)}
	for _, c := range []struct {
		format, want, without string
	}{
		{"${version} ${start}", "2 1", "2 1"},
		{"${version} ${vpc-id} ${subnet-id} ${instance-id}", "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0123456789abcdef0", "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 -"},
		{"${tcp-flags} ${type} ${pkt-srcaddr} ${pkt-dstaddr} ${version}", "19 IPv6 2001:db8::1 2001:db8::2 3", "- - - - 3"},
		{"${region} ${az-id} ${sublocation-type} ${sublocation-id} ${version}", "us-east-1 use1-az1 - - 4", "us-east-1 - - - 4"},
		{"${version} ${pkt-src-aws-service} ${pkt-dst-aws-service} ${flow-direction} ${traffic-path}", "5 - - egress 4", "5 - - - -"},
		{"${ecs-task-id} ${version}", "- 7", "- 7"},
		{"${reject-reason} ${version}", "- 8", "- 8"},
	} {
		f, err := ParseFormat(c.format)
		if err != nil {
			t.Errorf("%s: %v", c.format, err)
			continue
		}
		if got := f.Line(r); got != c.want {
			t.Errorf("%s: %s, want %s", c.format, got, c.want)
		}
		if got := f.Line(missing); got != c.without {
			t.Errorf("%s without data: %s, want %s", c.format, got, c.without)
		}
	}
	r.Direction, r.Path = Ingress, 0
	f, _ := ParseFormat("${flow-direction} ${traffic-path}")
	if got := f.Line(r); got != "ingress -" {
		t.Errorf("%s", got)
	}
}

func TestEveryFieldHasATextOfOneWord(t *testing.T) {
	for _, x := range fields {
		f, err := ParseFormat("${" + x.name + "}")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []Status{OK, NoData, SkipData} {
			r := Record{Interface: eni, Status: s, Direction: Ingress, Action: Accept, Source: addr("10.0.0.1"), Dest: addr("10.0.0.2")}
			if got := f.Line(r); got == "" || strings.ContainsAny(got, " \t\n") {
				t.Errorf("%s of a record that is %v: %q", x.name, s, got)
			}
		}
	}
}

func TestWhatIsNoFormat(t *testing.T) {
	for _, text := range []string{"version", "${version", "${colour}", "${version} ${version}", "   ", "${version},${start}", "${tgw-id}"} {
		if f, err := ParseFormat(text); err == nil {
			t.Errorf("%q is %v", text, f)
		}
	}
}
