package ec2

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// listening is a server on a real port, with signatures on and a real clock, in
// a world where everything comes to its end at once.
func listening(t *testing.T) (url string, w *world) {
	t.Helper()
	backend := &settling{}
	w = &backend.world
	s := newServer(w)
	s.Now, s.api.Now, s.api.Backend = time.Now, time.Now, backend
	h := httptest.NewUnstartedServer(s)
	s.Hosts = []string{h.Listener.Addr().String()}
	h.Start()
	t.Cleanup(h.Close)
	return h.URL, w
}

// debianAWS is the AWS CLI that Debian has: the oldest client we promise to serve.
const debianAWS = "/usr/bin/aws"

// awsCLI runs the AWS CLI as a person would.
func awsCLI(t *testing.T, url string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	args = append([]string{"--endpoint-url", url, "--region", "eu-west-1", "--output", "json"}, args...)
	cmd := exec.CommandContext(t.Context(), debianAWS, args...)
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=AKIDMARKETING", "AWS_SECRET_ACCESS_KEY=marketing-secret"}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatalf("run %s (Debian's package awscli): %v", debianAWS, err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func TestTheAWSCLICreatesShowsAndDeletesAVPC(t *testing.T) {
	url, _ := listening(t)
	out, errs, status := awsCLI(t, url, "ec2", "create-vpc", "--cidr-block", "10.1.0.0/16", "--tag-specifications", `ResourceType=vpc,Tags=[{Key=Name,Value="a<b & ü"}]`)
	var created struct {
		Vpc struct {
			VpcId string
			State string
			Tags  []struct{ Key, Value string }
		}
	}
	if err := json.Unmarshal([]byte(out), &created); err != nil || status != 0 || created.Vpc.State != "pending" || len(created.Vpc.Tags) != 1 || created.Vpc.Tags[0].Value != "a<b & ü" {
		t.Fatalf("%d %v %s %s", status, err, out, errs)
	}
	out, errs, status = awsCLI(t, url, "ec2", "describe-vpcs", "--filters", "Name=tag:Name,Values=a<b*", "Name=isDefault,Values=false", "--query", "Vpcs[].[VpcId,State,IsDefault,CidrBlockAssociationSet[0].CidrBlock]")
	if got := strings.Join(strings.Fields(out), ""); status != 0 || got != `[["`+created.Vpc.VpcId+`","available",false,"10.1.0.0/16"]]` {
		t.Errorf("%d %s %s", status, out, errs)
	}
	if out, errs, status = awsCLI(t, url, "ec2", "delete-vpc", "--vpc-id", created.Vpc.VpcId); status != 0 || out != "" {
		t.Errorf("%d %s %s", status, out, errs)
	}
	if _, errs, status = awsCLI(t, url, "ec2", "describe-vpcs", "--vpc-ids", created.Vpc.VpcId); status == 0 || !strings.Contains(errs, "(InvalidVpcID.NotFound) when calling the DescribeVpcs operation: The vpc ID '"+created.Vpc.VpcId+"' does not exist") {
		t.Errorf("%d %s", status, errs)
	}
}

func TestTheAWSCLIUnderstandsTheRest(t *testing.T) {
	url, _ := listening(t)
	for _, c := range []struct {
		args   string
		status int
		want   string // in what it printed, without spaces
	}{
		{"sts get-caller-identity", 0, `{"UserId":"123456789012","Account":"123456789012","Arn":"arn:aws:iam::123456789012:root"}`},
		{"ec2 describe-transit-gateways", 0, `{"TransitGateways":[]}`},
		{"ec2 describe-flow-logs", 0, `{"FlowLogs":[]}`},
		{"ec2 create-flow-logs --resource-type VPC --resource-ids vpc-0123456789abcdef0 --traffic-type ALL --log-group-name x", 254, "(UnsupportedOperation)whencallingtheCreateFlowLogsoperation:Thelogdestinationtypecloud-watch-logsisnotsupported"},
		{"ec2 create-vpc --cidr-block 10.0.0.0/16 --dry-run", 254, "(DryRunOperation)whencallingtheCreateVpcoperation:Requestwouldhavesucceeded,butDryRunflagisset."},
		{"ec2 create-transit-gateway", 254, "(UnsupportedOperation)whencallingtheCreateTransitGatewayoperation:TheactionCreateTransitGatewayisnotsupported"},
		{"sts get-federation-token --name xyz", 254, "(UnsupportedOperation)whencallingtheGetFederationTokenoperation"},
		{"iam list-users", 254, "(UnsupportedOperation)whencallingtheListUsersoperation:TheactionListUsersisnotsupportedbythisserver"},
		{"cloudformation list-stacks", 254, "(UnsupportedOperation)whencallingtheListStacksoperation:Theservicecloudformationisnotservedhere"},
	} {
		out, errs, status := awsCLI(t, url, strings.Fields(c.args)...)
		if got := strings.Join(strings.Fields(out+errs), ""); status != c.status || !strings.Contains(got, c.want) {
			t.Errorf("%s: %d %s%s", c.args, status, out, errs)
		}
	}
}

func TestAPresignedURLWorks(t *testing.T) {
	url, _ := listening(t)
	r, err := http.NewRequest(http.MethodGet, url+"/?Action=DescribeVpcs&Version=2016-11-15&X-Amz-Expires=60", nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(nil)
	signed, _, err := v4.NewSigner().PresignHTTP(context.Background(), marketing, r, hex.EncodeToString(sum[:]), "ec2", "eu-west-1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get(signed)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != 200 || !strings.Contains(string(body), "<cidrBlock>172.31.0.0/16</cidrBlock>") {
		t.Errorf("%d %v %s", answer.StatusCode, err, body)
	}
}
