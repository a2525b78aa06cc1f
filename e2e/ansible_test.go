package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// TestAnsibleMakesANetworkOnce runs a playbook with the modules of amazon.aws and
// community.aws: the first time they make everything, the second time they find
// that nothing is left to do, which compares all that they read with all that
// they would write. Debian's package is ansible.
func TestAnsibleMakesANetworkOnce(t *testing.T) {
	playbook, err := exec.LookPath("ansible-playbook")
	if err != nil {
		t.Fatal("ansible-playbook is missing; Debian: apt-get install ansible python3-boto3")
	}
	c, _ := serve(t)
	key := must[aws.Credentials](t)(c.Credentials.Retrieve(t.Context()))
	changed := regexp.MustCompile(`changed=(\d+)`)
	for _, run := range []struct{ cleanup, changes string }{{"false", "11"}, {"false", "0"}, {"true", "2"}} {
		cmd := exec.CommandContext(t.Context(), playbook, "testdata/network.yml", "-e", "url="+*c.BaseEndpoint, "-e", "cleanup="+run.cleanup)
		cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "AWS_DEFAULT_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
			"AWS_ACCESS_KEY_ID=" + key.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + key.SecretAccessKey, "ANSIBLE_LOCALHOST_WARNING=false"}
		out, err := cmd.CombinedOutput()
		if m := changed.FindSubmatch(out); err != nil || m == nil || string(m[1]) != run.changes {
			t.Fatalf("%v, want %s changes\n%s", err, run.changes, out)
		}
	}
}
