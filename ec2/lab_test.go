package ec2

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// person types AWS CLI commands and reads what they print.
type person struct {
	t   *testing.T
	url string
}

// types runs `aws ec2 …` and gives what --query selects, in one line.
func (p person) types(line string, more ...string) string {
	p.t.Helper()
	args := append(append([]string{"ec2"}, strings.Fields(line)...), more...)
	out, errs, status := awsCLI(p.t, p.url, args...)
	if status != 0 {
		p.t.Fatalf("aws ec2 %s %q: %s", line, more, errs)
	}
	var answer any
	if strings.TrimSpace(out) == "" {
		return ""
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil {
		p.t.Fatalf("aws ec2 %s: %v in %s", line, err, out)
	}
	if text, ok := answer.(string); ok {
		return text
	}
	line1, err := json.Marshal(answer)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(line1)
}

// sees is types with an expectation.
func (p person) sees(want, line string, more ...string) {
	p.t.Helper()
	if got := p.types(line, more...); got != want {
		p.t.Errorf("aws ec2 %s: %s, want %s", line, got, want)
	}
}

// TestTheLabAsAPersonTypesIt is the founding lab, all but its packets, with the
// AWS CLI that Debian has.
func TestTheLabAsAPersonTypesIt(t *testing.T) {
	t.Parallel()
	url, _ := listening(t)
	p := person{t, url}
	userData := filepath.Join(t.TempDir(), "finance.sh")
	if err := os.WriteFile(userData, []byte("#!/bin/sh\necho hello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	image := p.types("describe-images --owners amazon --filters Name=name,Values=al2023-ami-2023*-kernel-6.1-x86_64 --query Images[0].ImageId")
	marketing := p.types("create-vpc --cidr-block 10.0.0.0/16 --amazon-provided-ipv6-cidr-block --query Vpc.VpcId", "--tag-specifications", "ResourceType=vpc,Tags=[{Key=Name,Value=Marketing}]")
	finance := p.types("create-vpc --cidr-block 172.31.0.0/16 --amazon-provided-ipv6-cidr-block --query Vpc.VpcId")
	block := p.types("describe-vpcs --query Vpcs[0].Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock --vpc-ids " + finance)
	subnet := p.types("create-subnet --cidr-block 172.31.1.0/24 --query Subnet.SubnetId --vpc-id " + finance + " --ipv6-cidr-block " + strings.Replace(block, "/56", "/64", 1))
	group := p.types("create-security-group --group-name finance --description FinanceServer --query GroupId --vpc-id " + finance)
	server := p.types("run-instances --instance-type t3.micro --count 1 --private-ip-address 172.31.1.199 --ipv6-address-count 1 --query Instances[0].InstanceId",
		"--image-id", image, "--subnet-id", subnet, "--security-group-ids", group, "--user-data", "file://"+userData,
		"--tag-specifications", "ResourceType=instance,Tags=[{Key=Name,Value=FinanceServer}]")
	p.types("wait instance-running --instance-ids " + server)
	p.sees(`["running","172.31.1.199","t3.micro",1]`, "describe-instances --filters Name=tag:Name,Values=FinanceServer",
		"--query", "Reservations[0].Instances[0].[State.Name,PrivateIpAddress,InstanceType,length(NetworkInterfaces[0].Ipv6Addresses)]")
	eni := p.types("describe-instances --query Reservations[0].Instances[0].NetworkInterfaces[0].NetworkInterfaceId --instance-ids " + server)
	table := p.types("describe-route-tables --query RouteTables[0].RouteTableId --filters Name=vpc-id,Values=" + finance)
	acl := p.types("describe-network-acls --query NetworkAcls[0].NetworkAclId --filters Name=vpc-id,Values=" + finance)

	peering := p.types("create-vpc-peering-connection --query VpcPeeringConnection.VpcPeeringConnectionId --vpc-id " + marketing + " --peer-vpc-id " + finance)
	p.sees("pending-acceptance", "describe-vpc-peering-connections --query VpcPeeringConnections[0].Status.Code --vpc-peering-connection-ids "+peering)
	p.types("accept-vpc-peering-connection --vpc-peering-connection-id " + peering)
	p.sees("true", "create-route --query Return --destination-cidr-block 10.0.0.0/16 --route-table-id "+table+" --vpc-peering-connection-id "+peering)
	p.sees(`["tcp","icmp"]`, "authorize-security-group-ingress --query SecurityGroupRules[].IpProtocol --group-id "+group, "--ip-permissions",
		"IpProtocol=tcp,FromPort=80,ToPort=80,IpRanges=[{CidrIp=10.0.0.0/16}]", "IpProtocol=icmp,FromPort=8,ToPort=-1,IpRanges=[{CidrIp=10.0.0.0/16}]")
	p.types("authorize-security-group-ingress --protocol tcp --port 22 --group-id " + group + " --source-group " + group)
	p.types("create-network-acl-entry --ingress --rule-number 50 --protocol -1 --cidr-block 10.0.0.0/16 --rule-action deny --network-acl-id " + acl)
	p.types("delete-network-acl-entry --ingress --rule-number 50 --network-acl-id " + acl)
	p.types("modify-network-interface-attribute --no-source-dest-check --network-interface-id " + eni)
	p.sees("false", "describe-network-interfaces --query NetworkInterfaces[0].SourceDestCheck --network-interface-ids "+eni)
	p.types("create-tags --tags Key=Owner,Value=books --resources " + finance + " " + eni)
	p.sees("booted\n", "get-console-output --query Output --instance-id "+server)
	spare := p.types("create-network-interface --query NetworkInterface.NetworkInterfaceId --subnet-id " + subnet)
	path := p.types("create-network-insights-path --query NetworkInsightsPath.NetworkInsightsPathId --source " + server + " --destination " + spare + " --protocol TCP --destination-port 80")
	analysis := p.types("start-network-insights-analysis --query NetworkInsightsAnalysis.NetworkInsightsAnalysisId --network-insights-path-id " + path)
	p.sees(`["succeeded",false,"UNASSOCIATED_COMPONENT"]`, "describe-network-insights-analyses --network-insights-analysis-ids "+analysis,
		"--query", "NetworkInsightsAnalyses[0].[Status,NetworkPathFound,Explanations[0].ExplanationCode]")
	p.types("delete-network-insights-analysis --network-insights-analysis-id " + analysis)
	p.types("delete-vpc-peering-connection --vpc-peering-connection-id " + peering)
	p.types("wait vpc-peering-connection-deleted --vpc-peering-connection-ids " + peering)
	p.sees(`["blackhole"]`, "describe-route-tables --route-table-ids "+table, "--query", "RouteTables[0].Routes[?VpcPeeringConnectionId=='"+peering+"'].State")
}

// TestBoto3DoesTheRest runs testdata/boto.py: waiters, paginators and resources
// in one process, because each start of one takes longer than all of its calls.
func TestBoto3DoesTheRest(t *testing.T) {
	t.Parallel()
	url, _ := listening(t)
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "testdata/boto.py", url)
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "AWS_EC2_METADATA_DISABLED=true", "AWS_DEFAULT_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID=AKIDMARKETING", "AWS_SECRET_ACCESS_KEY=marketing-secret"}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil || !strings.HasSuffix(out.String(), "done\n") {
		t.Errorf("%v (Debian's package python3-boto3)\n%s", err, out.String())
	}
}

// TestTerraformsCalls runs testdata/terraform.py: the calls of Terraform's provider at
// its start and around each resource of the lab.
func TestTerraformsCalls(t *testing.T) {
	t.Parallel()
	url, _ := listening(t)
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "testdata/terraform.py", url)
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "AWS_EC2_METADATA_DISABLED=true", "AWS_DEFAULT_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID=AKIDMARKETING", "AWS_SECRET_ACCESS_KEY=marketing-secret"}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "ok ") {
		t.Errorf("%v (Debian's package python3-boto3)\n%s", err, out)
	}
}
