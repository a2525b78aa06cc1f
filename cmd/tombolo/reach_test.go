package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tombolo/local"
	"tombolo/why"
)

// doors lets nothing into web but HTTP.
func doors(i *installation) {
	i.t.Helper()
	web := i.call("DescribeInstances", "Filter.1.Name", "tag:Name", "Filter.1.Value.1", "web").Items("reservationSet")[0].Items("instancesSet")[0]
	group := i.call("CreateSecurityGroup", "VpcId", web.Text("vpcId"), "GroupName", "doors", "GroupDescription", "doors").Text("groupId")
	i.call("AuthorizeSecurityGroupIngress", "GroupId", group, "IpPermissions.1.IpProtocol", "tcp", "IpPermissions.1.FromPort", "80", "IpPermissions.1.ToPort", "80",
		"IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/16")
	i.call("ModifyNetworkInterfaceAttribute", "NetworkInterfaceId", web.Text("networkInterfaceSet.item.networkInterfaceId"), "SecurityGroupId.1", group)
}

// TestWhyIsSaidAndMended asks, sees, mends and compares as a person does.
func TestWhyIsSaidAndMended(t *testing.T) {
	for _, u := range everyone() {
		t.Run(u.name, func(t *testing.T) {
			i := install(t, u)
			i.pair()
			doors(i)
			saved := filepath.Join(i.dir, "before.json")
			if out, code := i.tombolo("diff", "--save", saved); code != 0 {
				t.Fatalf("save: %d %s", code, out)
			}
			ask := func(want int, args ...string) reached {
				t.Helper()
				out, code := i.tombolo(append([]string{"reach", "-o", "json"}, args...)...)
				var r reached
				if err := json.Unmarshal([]byte(out), &r); err != nil || code != want {
					t.Fatalf("reach %v: exit %d, want %d; %v\n%s", args, code, want, err, out)
				}
				return r
			}
			if r := ask(exitNo, "user", "web", "--port", "81", "--fix"); r.BlockedBy == nil || r.BlockedBy.Code != "ENI_SG_RULES_MISMATCH" ||
				len(r.Fix.Commands) != 1 || !strings.Contains(r.Fix.Commands[0], "authorize-security-group-ingress") {
				t.Errorf("closed: %+v, fix %+v", r.BlockedBy, r.Fix)
			}
			if out, code := i.tombolo("reach", "user", "web", "--port", "81", "--live"); code != exitNo || !strings.Contains(out, "✗") || !strings.Contains(out, "real packets: silent") {
				t.Errorf("exit %d\n%s", code, out)
			}
			if out, code := i.tombolo("reach", "user", "web", "--port", "81", "-o", "terraform"); code != exitNo || !strings.Contains(out, "aws_vpc_security_group_ingress_rule") && !strings.Contains(out, "aws_security_group_rule") {
				t.Errorf("exit %d\n%s", code, out)
			}
			if r := ask(0, "user", "web", "--port", "81", "--apply"); !r.Fix.Applied || !r.Reachable {
				t.Errorf("after --apply: %+v", r.Answer)
			}
			// Nobody listens there: the packets arrive, which is all that is asked.
			if out, code := i.tombolo("reach", "user", "web", "--port", "81", "--live"); code != 0 || !strings.Contains(out, "real packets: refused") {
				t.Errorf("exit %d\n%s", code, out)
			}
			if out, code := i.tombolo("diff", saved); code != exitNo || !strings.HasPrefix(out, "+ user") || !strings.Contains(out, "tcp 81") {
				t.Errorf("diff: exit %d\n%s", code, out)
			}
			if out, code := i.tombolo("reach", "--to", "web"); code != 0 || !strings.Contains(out, "user (") || !strings.Contains(out, "tcp 80-81") {
				t.Errorf("--to: exit %d\n%s", code, out)
			}
			traces(t, i)
			shows(t, i)
		})
	}
}

// traces looks at one packet with the kernel's eyes.
func traces(t *testing.T, i *installation) {
	out, code := i.tombolo("trace", "user", "web", "--port", "82")
	if code != exitNo || !strings.Contains(out, "the probe: silent") || !strings.Contains(out, "the analyzer: unreachable") || !strings.Contains(out, "→") || strings.Contains(out, "←") {
		t.Errorf("a packet that is lost: exit %d\n%s", code, out)
	}
	out, code = i.tombolo("trace", "user", "web", "--port", "80")
	if code != 0 || !strings.Contains(out, "the probe: answered") || !strings.Contains(out, "the analyzer: reachable") || !strings.Contains(out, "←") || !strings.Contains(out, "arrives") {
		t.Errorf("a packet that arrives: exit %d\n%s", code, out)
	}
}

// shows looks at packets as they pass.
func shows(t *testing.T, i *installation) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	who, err := i.site.caller()
	if err != nil {
		t.Fatal(err)
	}
	records := make(chan string, 1000)
	ended := make(chan error, 1)
	go func() {
		ended <- i.site.socket().Follow(ctx, "flowlogs", asked{Caller: who, Follow: true, Format: "${dstport} ${action} ${flow-direction}"}, func(piece json.RawMessage) error {
			var line string
			if err := json.Unmarshal(piece, &line); err != nil {
				return err
			}
			records <- line
			return nil
		})
	}()
	var seen []string
	for _, want := range []string{"80 ACCEPT egress", "80 ACCEPT ingress", "82 ACCEPT egress", "82 REJECT ingress"} {
		for !slices.Contains(seen, want) {
			for _, port := range []string{"80", "82"} {
				_, _ = i.tombolo("exec", "user", "--", "tombolo", "probe", "--timeout", "200ms", "tcp", webAddress(t, i)+":"+port)
			}
			select {
			case line := <-records:
				seen = append(seen, line)
			case err := <-ended:
				t.Fatalf("%q did not come: %v; seen %q", want, err, seen)
			}
		}
	}
	cancel()
	<-ended
}

func webAddress(t *testing.T, i *installation) string {
	t.Helper()
	tree := i.call("DescribeInstances", "Filter.1.Name", "tag:Name", "Filter.1.Value.1", "web")
	return tree.Items("reservationSet")[0].Items("instancesSet")[0].Text("privateIpAddress")
}

func TestQuestionsFailWell(t *testing.T) {
	i := bare(t)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"reach"}, exitUsage, "two ends are needed"},
		{[]string{"reach", "a", "b", "-o", "xml"}, exitUsage, "choose one of"},
		{[]string{"reach", "--to", "a", "--from", "b"}, exitUsage, "alone"},
		{[]string{"reach", "nobody", "nowhere"}, exitNotFound, "nobody"},
		{[]string{"reach", "--to", "nobody"}, exitNotFound, "nobody"},
		{[]string{"trace", "nobody", "nowhere"}, exitNo, "--fabric none"},
		{[]string{"flowlogs"}, exitNo, "--fabric none"},
		{[]string{"diff"}, exitUsage, "saved state"},
		{[]string{"diff", "/nonexistent"}, exitUsage, "no such file"},
		{[]string{"diff", "--plan", "/dev/null"}, exitUsage, "the plan is empty"},
		{[]string{"connect", "nobody"}, exitInternal, "needs a terminal"},
	} {
		out, code := i.tombolo(c.args...)
		if code != c.code || !strings.Contains(out, c.says) {
			t.Errorf("%v: exit %d, want %d\n%s", c.args, code, c.code, out)
		}
	}
}

// TestAPlanIsOnlyThought compares with what calls would do, and does not do them.
func TestAPlanIsOnlyThought(t *testing.T) {
	i := bare(t)
	who, err := i.site.caller()
	if err != nil {
		t.Fatal(err)
	}
	var found []why.Difference
	plan := func(calls ...string) error {
		return i.site.socket().Ask(t.Context(), "diff", asked{Caller: who, Plan: calls}, &found)
	}
	before := len(i.call("DescribeVpcs").Items("vpcSet"))
	if err := plan("Action=CreateVpc&CidrBlock=10.77.0.0/16"); err != nil || len(found) != 0 {
		t.Errorf("%v, %v", found, err)
	}
	if after := len(i.call("DescribeVpcs").Items("vpcSet")); after != before {
		t.Errorf("%d VPCs became %d", before, after)
	}
	err = plan("Action=CreateVpc&CidrBlock=10.77.0.0/16", "Action=DeleteVpc&VpcId=vpc-00000000000000000")
	p, ok := err.(*local.Problem)
	if !ok || p.Kind != local.Unclear || !strings.Contains(p.Message, "line 2 of the plan: InvalidVpcID.NotFound") {
		t.Errorf("%v", err)
	}
}
