package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"tombolo/client"
)

// as is a client of an account's.
func (i *installation) as(key, secret string) *client.Client {
	i.t.Helper()
	st, err := i.site.status(i.t.Context())
	if err != nil {
		i.t.Fatal(err)
	}
	return &client.Client{Endpoint: st.Endpoint, Region: "us-east-1", AccessKey: key, Secret: secret}
}

// TestAccountsShareNothingButAPeering makes a second account by the command line,
// peers the two, and restarts the daemon in between.
func TestAccountsShareNothingButAPeering(t *testing.T) {
	i := bare(t)
	out, code := i.tombolo("account", "add", "sales", "-o", "json")
	var sales accountView
	if err := json.Unmarshal([]byte(out), &sales); err != nil || code != 0 || len(sales.Account) != 12 || sales.Secret == "" {
		t.Fatalf("exit %d %v %s", code, err, out)
	}
	mine := i.call("CreateVpc", "CidrBlock", "10.0.0.0/16").Text("vpc.vpcId")
	i.kill()
	i.start("--fabric", "none")
	other := i.as(sales.AccessKey, sales.Secret)
	made, err := other.Call(t.Context(), "CreateVpc", "CidrBlock", "10.1.0.0/16")
	if err != nil {
		t.Fatal(err)
	}
	theirs := made.Text("vpc.vpcId")
	if _, err := other.Call(t.Context(), "DescribeVpcs", "VpcId.1", mine); err == nil || !strings.Contains(err.Error(), "InvalidVpcID.NotFound") {
		t.Errorf("another account sees the VPC: %v", err)
	}
	pcx := i.call("CreateVpcPeeringConnection", "VpcId", mine, "PeerVpcId", theirs, "PeerOwnerId", string(sales.Account)).Text("vpcPeeringConnection.vpcPeeringConnectionId")
	if _, err := other.Call(t.Context(), "AcceptVpcPeeringConnection", "VpcPeeringConnectionId", pcx); err != nil {
		t.Error(err)
	}
	if got := i.call("DescribeVpcPeeringConnections").Items("vpcPeeringConnectionSet"); len(got) != 1 || got[0].Text("status.code") != "active" {
		t.Errorf("%d peerings", len(got))
	}
	env, _ := i.tombolo("env", "--account", "sales")
	if !strings.Contains(env, "AWS_ACCESS_KEY_ID='"+sales.AccessKey+"'") {
		t.Errorf("%s", env)
	}
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"account list", 0, "sales"},
		{"account list", 0, "default"},
		{"account add sales", exitUsage, "the name is taken"},
		{"account add X", exitUsage, "3 to 63 characters"},
		{"account rm sales", exitUsage, "still has " + theirs},
		{"account rm default", exitUsage, "still has"},
		{"account rm nobody", exitNotFound, "no such account"},
		{"account trust sales default", 0, "arn:aws:iam::" + string(sales.Account) + ":role/OrganizationAccountAccessRole\n"},
		{"account list", 0, "OrganizationAccountAccessRole  default"},
		{"account distrust sales default", 0, ""},
		{"account distrust sales default", exitNotFound, "no such trust"},
		{"env --account nobody", exitNotFound, "account list"},
	} {
		if out, code := i.tombolo(strings.Fields(c.args)...); code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%s: exit %d, want %d\n%s", c.args, code, c.code, out)
		}
	}
	if _, err := other.Call(t.Context(), "DeleteVpc", "VpcId", theirs); err == nil {
		t.Error("a VPC with an active peering was deleted")
	}
	for _, call := range [][]string{{"DeleteVpcPeeringConnection", "VpcPeeringConnectionId", pcx}, {"DeleteVpc", "VpcId", theirs}} {
		if _, err := other.Call(t.Context(), call[0], call[1:]...); err != nil {
			t.Error(err)
		}
	}
	if out, code := i.tombolo("account", "rm", "sales"); code != 0 {
		t.Errorf("exit %d %s", code, out)
	}
	if _, err := other.Call(t.Context(), "DescribeVpcs"); err == nil || !strings.Contains(err.Error(), "AuthFailure") {
		t.Errorf("the removed account's key: %v", err)
	}
}

// TestTheAWSCLIAssumesARole does what a person does who has two accounts: a profile
// with role_arn, which the AWS CLI turns into AssumeRole and a session.
func TestTheAWSCLIAssumesARole(t *testing.T) {
	i := bare(t)
	if out, code := i.tombolo("account", "add", "sales"); code != 0 {
		t.Fatal(out)
	}
	st, err := i.site.status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	aws := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "/usr/bin/aws", append([]string{"--endpoint-url", st.Endpoint, "--region", "us-east-1", "--output", "text"}, args...)...)
		key, err := i.site.key()
		if err != nil {
			t.Fatal(err)
		}
		cmd.Env = []string{"HOME=" + i.dir, "PATH=/usr/bin:/bin", "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true", "AWS_ACCESS_KEY_ID=" + key.ID, "AWS_SECRET_ACCESS_KEY=" + string(key.Secret)}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, code := i.tombolo("account", "list", "-o", "json")
	var all []accountView
	if err := json.Unmarshal([]byte(out), &all); err != nil || code != 0 || len(all) != 2 {
		t.Fatalf("%d %v %s", code, err, out)
	}
	arn := "arn:aws:iam::" + string(all[1].Account) + ":role/Builder"
	if out, err := aws("sts", "assume-role", "--role-arn", arn, "--role-session-name", "me"); err == nil || !strings.Contains(out, "(AccessDenied) when calling the AssumeRole operation: User: arn:aws:iam::123456789012:root is not authorized to perform: sts:AssumeRole on resource: "+arn) {
		t.Errorf("%v %s", err, out)
	}
	if out, code := i.tombolo("account", "trust", "sales", "default", "--role", "Builder"); code != 0 || out != arn+"\n" {
		t.Fatalf("%d %s", code, out)
	}
	out, err = aws("sts", "assume-role", "--role-arn", arn, "--role-session-name", "me", "--query", "Credentials.[AccessKeyId,SecretAccessKey,SessionToken]")
	if err != nil {
		t.Fatal(out)
	}
	got := strings.Fields(out)
	cmd := exec.CommandContext(t.Context(), "/usr/bin/aws", "--endpoint-url", st.Endpoint, "--region", "us-east-1", "--output", "text", "ec2", "create-vpc", "--cidr-block", "10.3.0.0/16", "--query", "Vpc.OwnerId")
	cmd.Env = []string{"HOME=" + i.dir, "PATH=/usr/bin:/bin", "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true", "AWS_ACCESS_KEY_ID=" + got[0], "AWS_SECRET_ACCESS_KEY=" + got[1], "AWS_SESSION_TOKEN=" + got[2]}
	if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != string(all[1].Account) {
		t.Errorf("%v %s", err, out)
	}
}

func TestQuotasAreThoseOfTheFlags(t *testing.T) {
	i := bare(t, "--quota", "vpcs-per-region=2", "--quota", "ipv4-cidr-blocks-per-vpc=6")
	i.call("CreateVpc", "CidrBlock", "10.0.0.0/16") // the second beside the default one
	api := i.as(mustKey(i))
	full := func() error {
		_, err := api.Call(t.Context(), "CreateVpc", "CidrBlock", "10.1.0.0/16")
		return err
	}
	if err := full(); err == nil || !strings.Contains(err.Error(), "VpcLimitExceeded") {
		t.Errorf("%v", err)
	}
	i.kill()
	i.start("--fabric", "none", "--quota", "vpcs-per-region=3")
	api = i.as(mustKey(i))
	if err := full(); err != nil {
		t.Errorf("raised: %v", err)
	}
	if err := full(); err == nil || !strings.Contains(err.Error(), "VpcLimitExceeded") {
		t.Errorf("%v", err)
	}
	i.kill()
	i.start("--fabric", "none")
	api = i.as(mustKey(i))
	if err := full(); err != nil {
		t.Errorf("the default: %v", err)
	}
	if out, code := i.tombolo("serve", "--quota", "vpcs=3"); code != exitUsage || !strings.Contains(out, "serve --help") {
		t.Errorf("%d %s", code, out)
	}
	if out, _ := i.tombolo("serve", "--help"); !strings.Contains(out, "--quota vpcs-per-region=10000\n") {
		t.Errorf("%s", out)
	}
}

func mustKey(i *installation) (id, secret string) {
	i.t.Helper()
	k, err := i.site.key()
	if err != nil {
		i.t.Fatal(err)
	}
	return k.ID, string(k.Secret)
}
