package ec2

import (
	"encoding/xml"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tombolo/network"
)

// empty is a server on a world without its default VPC, so that lists hold only
// what a test made, with a high quota.
func empty(t testing.TB) (*port, *world) {
	t.Helper()
	w := &world{}
	who := network.Caller{Account: "123456789012", Region: "us-east-1"}
	for _, r := range []network.Request{network.OpenWorld{Zones: []string{"us-east-1a"}}, network.SetQuota{Quota: network.QuotaVPCs, Limit: 10_000}} {
		if _, err := w.Do(t.Context(), who, "", r); err != nil {
			t.Fatal(err)
		}
	}
	return openServer(w), w
}

// vpcList reads a DescribeVpcs answer.
type vpcList struct {
	VPCs []struct {
		ID    string `xml:"vpcId"`
		CIDR  string `xml:"cidrBlock"`
		State string `xml:"state"`
		Tags  []struct {
			Key   string `xml:"key"`
			Value string `xml:"value"`
		} `xml:"tagSet>item"`
	} `xml:"vpcSet>item"`
	Next string `xml:"nextToken"`
}

func describe(t testing.TB, s *port, form string) vpcList {
	t.Helper()
	status, body := ask(s, "Action=DescribeVpcs&Version=2016-11-15&"+form)
	var out vpcList
	if err := xml.Unmarshal([]byte(body), &out); status != 200 || err != nil {
		t.Fatalf("%s: %d, %v: %s", form, status, err, body)
	}
	return out
}

func createTestVPC(t testing.TB, s *port, form string) string {
	t.Helper()
	status, body := ask(s, "Action=CreateVpc&Version=2016-11-15&"+form)
	_, rest, _ := strings.Cut(body, "<vpcId>")
	id, _, _ := strings.Cut(rest, "</vpcId>")
	if status != 200 || id == "" {
		t.Fatalf("%s: %d %s", form, status, body)
	}
	return id
}

func TestAVPCIsCreatedShownAndDeleted(t *testing.T) {
	s, _ := empty(t)
	status, body := ask(s, "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.1.7.0%2F16&TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=a%3Cb%26c")
	if status != 200 {
		t.Fatal(body)
	}
	_, rest, _ := strings.Cut(body, "<vpc>")
	shown, _, _ := strings.Cut(rest, "</vpc>")
	id := between(shown, "<vpcId>", "</vpcId>")
	want := "<ownerId>123456789012</ownerId><instanceTenancy>default</instanceTenancy><ipv6CidrBlockAssociationSet></ipv6CidrBlockAssociationSet>" +
		"<cidrBlockAssociationSet><item><associationId>" + between(shown, "<associationId>", "</associationId>") + "</associationId><cidrBlock>10.1.0.0/16</cidrBlock>" +
		"<cidrBlockState><state>associated</state></cidrBlockState></item></cidrBlockAssociationSet><isDefault>false</isDefault>" +
		"<tagSet><item><key>Name</key><value>a&lt;b&amp;c</value></item></tagSet><vpcId>" + id + "</vpcId><state>pending</state>" +
		"<cidrBlock>10.1.0.0/16</cidrBlock><dhcpOptionsId>" + between(shown, "<dhcpOptionsId>", "</dhcpOptionsId>") + "</dhcpOptionsId>"
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Error(diff)
	}
	if !network.WellFormed(id, "vpc") {
		t.Errorf("id %q", id)
	}

	got := describe(t, s, "VpcId.1="+id).VPCs
	if len(got) != 1 || got[0].CIDR != "10.1.0.0/16" || got[0].State != "available" || len(got[0].Tags) != 1 || got[0].Tags[0].Value != "a<b&c" {
		t.Errorf("%+v", got)
	}

	status, body = ask(s, "Action=DeleteVpc&Version=2016-11-15&VpcId="+id)
	if status != 200 || !strings.HasSuffix(body, "</requestId><return>true</return></DeleteVpcResponse>") {
		t.Errorf("%d %s", status, body)
	}
	if _, body = ask(s, "Action=DescribeVpcs&VpcId.1="+id); code(body) != "InvalidVpcID.NotFound" || message(body) != "The vpc ID '"+id+"' does not exist" {
		t.Error(body)
	}
}

func between(s, before, after string) string {
	_, rest, _ := strings.Cut(s, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}

func TestBadInputGetsAWSsErrorAndChangesNothing(t *testing.T) {
	s, w := empty(t)
	id := createTestVPC(t, s, "CidrBlock=10.0.0.0/16")
	before := w.State().Generation
	for _, c := range []struct{ form, code, message string }{
		{"Action=CreateVpc", "MissingParameter", "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided."},
		{"Action=CreateVpc&CidrBlock=10.0.0.0", "InvalidParameterValue", "Value (10.0.0.0) for parameter cidrBlock is invalid. This is not a valid CIDR block."},
		{"Action=CreateVpc&CidrBlock=", "InvalidParameterValue", "Value () for parameter cidrBlock is invalid. This is not a valid CIDR block."},
		{"Action=CreateVpc&CidrBlock=fd00::/56", "InvalidParameterValue", "Value (fd00::/56) for parameter cidrBlock is invalid. This is not a valid CIDR block."},
		{"Action=CreateVpc&CidrBlock=10.0.0.0/8", "InvalidVpc.Range", "The CIDR '10.0.0.0/8' is invalid."},
		{"Action=CreateVpc&CidrBlock=10.0.0.0/16&InstanceTenancy=mine", "InvalidParameterValue", "Value (mine) for parameter InstanceTenancy is invalid. Valid values are: dedicated, default, host."},
		{"Action=CreateVpc&CidrBlock=10.0.0.0/16&Ipv4IpamPoolId=ipam-1", "UnsupportedOperation", "The parameter Ipv4IpamPoolId is not supported: there is no IPAM; name the block in CidrBlock."},
		{"Action=CreateVpc&CidrBlock=10.0.0.0/16&VpcEncryptionControl.Mode=monitor", "UnsupportedOperation", "The parameter VpcEncryptionControl.Mode is not supported: traffic is not encrypted between instances."},
		{"Action=CreateVpc&CidrBlock=10.0.0.0/16&Colour=red", "UnknownParameter", "The parameter Colour is not recognized"},
		{"Action=CreateVpc&CidrBlock=10.0.0.0/16&AmazonProvidedIpv6CidrBlock=yes", "InvalidParameterValue", "Value (yes) for parameter AmazonProvidedIpv6CidrBlock is invalid. It must be of type boolean."},
		{"Action=CreateVpc&CidrBlock=10.0.0.0/16&TagSpecification.1.ResourceType=subnet&TagSpecification.1.Tag.1.Key=a", "InvalidParameter", "'subnet' is not a valid taggable resource type for this operation."},
		{"Action=CreateVpc&DryRun=true&CidrBlock=10.0.0.0/16&TagSpecification.1.ResourceType=x&TagSpecification.1.Tag.1.Key=a", "InvalidParameter", "'x' is not a valid taggable resource type for this operation."},
		{"Action=CreateVpc&CidrBlock=10.0.0.0/16&TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=aws:a", "InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use"},
		{"Action=CreateVpc&CidrBlock=10.0.0.0/16&TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.2.Key=a", "InvalidParameterValue", "Duplicate tag key 'a' specified."},
		{"Action=CreateVpc&CidrBlock=10.0.0.0/16&TagSpecification.1.Tag.1.Key=a", "InvalidParameterValue", "Tag specification resource type must have a value"},
		{"Action=CreateVpc&CidrBlock=10.0.0.0/16&CidrBlock=10.0.0.0/16", "MalformedQueryString", "The query string contains a syntax error. CidrBlock"},
		{"Action=CreateVpc&CidrBlock=10.0.0.0/16%00", "InvalidCharacter", "The parameter CidrBlock contains an invalid character"},
		{"Action=DeleteVpc", "MissingParameter", "The request must contain the parameter VpcId"},
		{"Action=DeleteVpc&VpcId=vpc", "InvalidVpcId.Malformed", `Invalid id: "vpc" (expecting "vpc-...")`},
		{"Action=DeleteVpc&VpcId=vpc-0000000000000000f", "InvalidVpcID.NotFound", "The vpc ID 'vpc-0000000000000000f' does not exist"},
		{"Action=DeleteVpc&DryRun=true&VpcId=vpc-0000000000000000f", "InvalidVpcID.NotFound", "The vpc ID 'vpc-0000000000000000f' does not exist"},
		{"Action=DescribeVpcs&VpcId.1=nonsense", "InvalidVpcId.Malformed", `Invalid id: "nonsense" (expecting "vpc-...")`},
		{"Action=DescribeVpcs&VpcId.1=vpc-00000001&VpcId.2=vpc-00000002&VpcId.3=" + id, "InvalidVpcID.NotFound", "The vpc IDs 'vpc-00000001, vpc-00000002' do not exist"},
		{"Action=DescribeVpcs&Filter.1.Name=foo&Filter.1.Value.1=x", "InvalidParameterValue", "The filter 'foo' is invalid"},
		{"Action=DescribeVpcs&MaxResults=4", "InvalidParameterValue", "Value ( 4 ) for parameter MaxResults is invalid. Expecting a value greater than or equal to 5."},
		{"Action=DescribeVpcs&MaxResults=2000", "InvalidParameterValue", "Value ( 2000 ) for parameter MaxResults is invalid. Expecting a value smaller than or equal to 1000."},
		{"Action=DescribeVpcs&MaxResults=5&VpcId.1=" + id, "InvalidParameterCombination", "The parameter VpcIds cannot be used with the parameter MaxResults"},
		{"Action=DescribeVpcs&MaxResults=2000&VpcId.1=" + id, "InvalidParameterCombination", "The parameter VpcIds cannot be used with the parameter MaxResults"},
		{"Action=DescribeVpcs&NextToken=garbage", "InvalidParameterValue", "Value ( garbage ) for parameter NextToken is invalid. The token is invalid."},
		{"Action=DescribeVpcs&MaxResults=x", "InvalidParameterValue", "Value (x) for parameter MaxResults is invalid. It must be of type integer."},
		{"Action=DescribeVpcs&MaxResults=4&DryRun=true", "DryRunOperation", "Request would have succeeded, but DryRun flag is set."},
		{"Action=CreateVpc&DryRun=true&CidrBlock=10.0.0.0/16", "DryRunOperation", "Request would have succeeded, but DryRun flag is set."},
		{"Action=DeleteVpc&DryRun=TRUE&VpcId=" + id, "DryRunOperation", "Request would have succeeded, but DryRun flag is set."},
	} {
		status, body := ask(s, c.form)
		if code(body) != c.code || message(body) != c.message {
			t.Errorf("%s:\n got %s: %s\nwant %s: %s", c.form, code(body), message(body), c.code, c.message)
		}
		wantStatus := 400
		if c.code == "DryRunOperation" {
			wantStatus = 412
		}
		if status != wantStatus {
			t.Errorf("%s: status %d", c.form, status)
		}
	}
	if after := w.State().Generation; after != before {
		t.Errorf("generation %d became %d", before, after)
	}
}

func TestVPCsAreFiltered(t *testing.T) {
	s, _ := empty(t)
	a := createTestVPC(t, s, "CidrBlock=10.1.0.0/16&AmazonProvidedIpv6CidrBlock=true&TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=marketing")
	b := createTestVPC(t, s, "CidrBlock=10.2.0.0/16&TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=finance")
	for form, want := range map[string]string{
		"Filter.1.Name=cidr&Filter.1.Value.1=10.1.0.0/16":                                                                            a,
		"Filter.1.Name=tag:Name&Filter.1.Value.1=fin*":                                                                               b,
		"Filter.1.Name=tag-key&Filter.1.Value.1=Name&Filter.2.Name=cidr-block&Filter.2.Value.1=10.2.*":                               b,
		"Filter.1.Name=ipv6-cidr-block-association.state&Filter.1.Value.1=associated&Filter.2.Name=isDefault&Filter.2.Value.1=false": a,
		"Filter.1.Name=vpc-id&Filter.1.Value.1=" + b + "&Filter.2.Name=owner-id&Filter.2.Value.1=123456789012":                       b,
		"VpcId.1=" + a + "&VpcId.2=" + b + "&VpcId.3=" + a + "&Filter.1.Name=tag:Name&Filter.1.Value.1=marketing":                    a,
	} {
		got := describe(t, s, form).VPCs
		if len(got) != 1 || got[0].ID != want {
			t.Errorf("%s: %+v, want %s", form, got, want)
		}
	}
	if got := describe(t, s, "Filter.1.Name=is-default&Filter.1.Value.1=true").VPCs; len(got) != 1 || got[0].CIDR != "172.31.0.0/16" {
		t.Errorf("default VPC: %+v", got)
	}
}

func TestPagesHoldEveryRowOnceWhateverComesAndGoes(t *testing.T) {
	s, _ := empty(t)
	want := map[string]bool{}
	for i := range 23 {
		want[createTestVPC(t, s, fmt.Sprintf("CidrBlock=10.%d.0.0/16", i))] = true
	}
	want[describe(t, s, "Filter.1.Name=is-default&Filter.1.Value.1=true").VPCs[0].ID] = true
	seen := map[string]bool{}
	token, pages := "", 0
	for {
		page := describe(t, s, "MaxResults=5&NextToken="+url.QueryEscape(token))
		if len(page.VPCs) > 5 || len(page.VPCs) == 0 {
			t.Fatalf("a page of %d", len(page.VPCs))
		}
		for i, v := range page.VPCs {
			if seen[v.ID] {
				t.Errorf("%s twice", v.ID)
			}
			seen[v.ID] = true
			// Rows that were shown may go between two pages, the last one too.
			if i == len(page.VPCs)-1 && v.CIDR != "172.31.0.0/16" {
				if status, body := ask(s, "Action=DeleteVpc&VpcId="+v.ID); status != 200 {
					t.Fatal(body)
				}
			}
		}
		pages++
		if token = page.Next; token == "" {
			break
		}
	}
	if pages != 5 || !cmp.Equal(want, seen) {
		t.Errorf("%d pages: %s", pages, cmp.Diff(want, seen))
	}
}

func TestAnotherAccountSeesNothingOfIt(t *testing.T) {
	s, _ := empty(t)
	id := createTestVPC(t, s, "CidrBlock=10.0.0.0/16")
	s.Account = "210987654321"
	for _, form := range []string{"Action=DescribeVpcs&VpcId.1=" + id, "Action=DeleteVpc&VpcId=" + id} {
		if _, body := ask(s, form); code(body) != "InvalidVpcID.NotFound" {
			t.Errorf("%s: %s", form, body)
		}
	}
	s.Account, s.Region = "123456789012", "eu-west-1"
	if _, body := ask(s, "Action=DeleteVpc&VpcId="+id); code(body) != "InvalidVpcID.NotFound" {
		t.Errorf("another Region: %s", body)
	}
}

func BenchmarkCreateVpcRefused(b *testing.B) {
	s, _ := empty(b)
	b.ReportAllocs()
	for b.Loop() {
		if status, body := ask(s, "Action=CreateVpc&Version=2016-11-15&DryRun=true&CidrBlock=10.1.0.0%2F16&TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=marketing"); status != 412 {
			b.Fatal(body)
		}
	}
}

func BenchmarkDescribeThousandVpcs(b *testing.B) {
	s, _ := empty(b)
	for i := range 1000 {
		createTestVPC(b, s, "CidrBlock=10.0.0.0/16&TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value="+strconv.Itoa(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		if status, _ := ask(s, "Action=DescribeVpcs&Version=2016-11-15"); status != 200 {
			b.Fatal(status)
		}
	}
}
