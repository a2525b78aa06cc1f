package ec2

import (
	"strings"
	"testing"
)

func TestStrictImagesAreThoseOfTheCatalogue(t *testing.T) {
	const stranger = "ami-0123456789abcdef0"
	s := openServer(&world{})
	if status, body := ask(s, "Action=RunInstances&ImageId="+stranger+"&MinCount=1&MaxCount=1"); status != 200 || !strings.Contains(body, "<imageId>"+stranger+"</imageId>") {
		t.Errorf("%d %s", status, body)
	}
	s.api.StrictImages = true
	for _, action := range []string{"RunInstances&MinCount=1&MaxCount=1&ImageId=", "DescribeImages&ImageId.1="} {
		if status, body := ask(s, "Action="+action+stranger); status != 400 || code(body) != "InvalidAMIID.NotFound" {
			t.Errorf("%s: %d %s", action, status, body)
		}
	}
	_, body := ask(s, "Action=DescribeImages&Owner.1=amazon&Filter.1.Name=name&Filter.1.Value.1=al2023-ami-2023*-x86_64")
	known := between(body, "<imageId>", "</imageId>")
	if status, body := ask(s, "Action=RunInstances&InstanceType=t3.micro&MinCount=1&MaxCount=1&ImageId="+known); status != 200 {
		t.Errorf("%d %s", status, body)
	}
}

func TestCommonLookUpsFindAnImage(t *testing.T) {
	s := openServer(&world{})
	for _, look := range []string{
		"Owner.1=amazon&Filter.1.Name=name&Filter.1.Value.1=al2023-ami-*-x86_64",
		"Owner.1=137112412989&Filter.1.Name=name&Filter.1.Value.1=al2023-ami-2023.*-kernel-6.1-arm64",
		"Owner.1=amazon&Filter.1.Name=name&Filter.1.Value.1=amzn2-ami-hvm-*-x86_64-gp2&Filter.2.Name=owner-alias&Filter.2.Value.1=amazon",
		"Owner.1=amazon&Filter.1.Name=name&Filter.1.Value.1=amzn2-ami-kernel-5.10-hvm-*-x86_64-gp2",
		"Owner.1=099720109477&Filter.1.Name=name&Filter.1.Value.1=ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*",
		"Owner.1=099720109477&Filter.1.Name=name&Filter.1.Value.1=ubuntu/images/*24.04-arm64-server-*",
		"Owner.1=136693071363&Filter.1.Name=name&Filter.1.Value.1=debian-12-amd64-*&Filter.2.Name=virtualization-type&Filter.2.Value.1=hvm",
		"Owner.1=136693071363&Filter.1.Name=name&Filter.1.Value.1=debian-13-arm64-*&ExecutableBy.1=all",
	} {
		if status, body := ask(s, "Action=DescribeImages&"+look); status != 200 || strings.Count(body, "<imageId>") == 0 {
			t.Errorf("%s: %d %s", look, status, body)
		}
	}
	if _, body := ask(s, "Action=DescribeImages&Owner.1=self"); strings.Contains(body, "<imageId>") {
		t.Errorf("nobody has images of their own: %s", body)
	}
}
