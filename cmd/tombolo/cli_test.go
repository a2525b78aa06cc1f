package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// bare is an installation without packets, which needs no privileges.
func bare(t *testing.T, args ...string) *installation {
	u := everyone()[len(everyone())-1]
	dir := u.home(t)
	i := &installation{t: t, user: u, dir: dir, site: &site{dir: filepath.Join(dir, "state")}}
	t.Cleanup(func() { i.tombolo("down") })
	i.start(append([]string{"--fabric", "none"}, args...)...)
	return i
}

func TestCommandLineReadsWellAndFailsWell(t *testing.T) {
	i := bare(t)
	vpc := i.call("CreateVpc", "CidrBlock", "10.0.0.0/16", "TagSpecification.1.ResourceType", "vpc",
		"TagSpecification.1.Tag.1.Key", "Name", "TagSpecification.1.Tag.1.Value", "lab").Text("vpc.vpcId")
	for _, c := range []struct {
		args string
		code int
		says []string
	}{
		{"", 0, []string{"tombolo serve", "tombolo lab", "Usage:"}},
		{"ls vpcs", 0, []string{"NAME", "CIDR", "lab", vpc, "172.31.0.0/16"}},
		{"ls vpcs -o wide", 0, []string{"DEFAULT"}},
		{"ls vpc -o name", 0, []string{vpc + "\n"}},
		{"ls -o yaml", 0, []string{"vpcs:", "cidrBlock: 10.0.0.0/16"}},
		{"ls", 0, []string{"SUBNETS", "us-east-1a", "SECURITY-GROUPS", "default"}},
		{"ls nonsense", exitUsage, []string{"nonsense", "choose one of"}},
		{"ls vpcs -o nonsense", exitUsage, []string{"choose one of"}},
		{"show " + vpc, 0, []string{"cidrBlock: 10.0.0.0/16"}},
		{"show vpc-00000000000000000", exitNotFound, []string{"InvalidVpcID.NotFound"}},
		{"show nonsense", exitUsage, []string{"vpc-0123456789abcdef0"}},
		{"status", 0, []string{"all is well", "nothing: there are no packets"}},
		{"env", 0, []string{"export AWS_ENDPOINT_URL='http://127.0.0.1:", "export AWS_SECRET_ACCESS_KEY='"}},
		{"exec web", exitUsage, []string{"exec --help"}},
		{"exec web -- true", exitInternal, []string{"--fabric none"}},
		{"connect web", exitInternal, []string{"tombolo exec web --"}},
		{"--state /nonexistent aws ec2 describe-vpcs", exitNoDaemon, []string{"tombolo serve"}},
		{"lsx", exitUsage, []string{"unknown command", "did you mean"}},
		{"ls --nonsense", exitUsage, []string{"--nonsense", "tombolo ls --help"}},
		{"serve --listen 0.0.0.0:0", exitUsage, []string{"--tls-cert"}},
		{"serve --listen 0.0.0.0:0 --auth off", exitUsage, []string{"loopback"}},
		{"serve --fabric nonsense", exitUsage, []string{"auto, linux or none"}},
		{"probe tcp 127.0.0.1:1", probeRefused, []string{"refused"}},
		{"probe http nonsense", exitUsage, []string{"nonsense"}},
		{"completion bash", 0, []string{"__start_tombolo"}},
		{"__complete ls ''", 0, []string{"vpcs", "peerings"}},
		{"ls vpcs --state /nonexistent", exitNoDaemon, []string{"start one with: tombolo serve"}},
		{"env --state /nonexistent", exitNoDaemon, []string{"tombolo serve"}},
	} {
		t.Run(c.args, func(t *testing.T) {
			args := strings.Fields(c.args)
			for n := range args {
				args[n] = strings.Trim(args[n], "'") // '' is an empty argument
			}
			out, code := i.tombolo(args...)
			if code != c.code {
				t.Errorf("exit %d, want %d\n%s", code, c.code, out)
			}
			for _, s := range c.says {
				if !strings.Contains(out, s) {
					t.Errorf("does not say %q:\n%s", s, out)
				}
			}
			if code != 0 && c.code != probeRefused && strings.Count(strings.TrimSpace(out), "\n") > 0 {
				t.Errorf("an error of more than one line:\n%s", out)
			}
		})
	}
	out, _ := i.tombolo("ls", "-o", "json")
	var all map[string][]map[string]any
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all["vpcs"]) != 2 || len(all["subnets"]) != 6 {
		t.Errorf("ls -o json: %v; %d VPCs, %d subnets", err, len(all["vpcs"]), len(all["subnets"]))
	}
}

func TestEveryCommandTeaches(t *testing.T) {
	for _, c := range root().Commands() {
		if c.Short == "" || c.RunE == nil && len(c.Commands()) == 0 && c.Run == nil {
			t.Errorf("%s has no short help or does nothing", c.Name())
		}
	}
}

func TestSecretsAndSocketAreTheOwnersAlone(t *testing.T) {
	i := bare(t)
	for _, name := range []string{"credentials.json", "tombolo.sock", "state.db"} {
		info, err := os.Stat(filepath.Join(i.site.dir, name))
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	if info, err := os.Stat(i.site.dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the state directory: %v, %v", info.Mode(), err)
	}
	key, err := i.site.key()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(i.out.String(), string(key.Secret)) {
		t.Error("the log shows the secret")
	}
}

func TestHealthAndReset(t *testing.T) {
	i := bare(t, "--auth", "off")
	st, err := i.site.status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i.call("CreateVpc", "CidrBlock", "10.0.0.0/16")
	get := func(method, path string, header ...string) int {
		req, err := http.NewRequestWithContext(t.Context(), method, st.Endpoint+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n+1 < len(header); n += 2 {
			req.Header.Set(header[n], header[n+1])
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
		return res.StatusCode
	}
	if code := get("GET", "/healthz"); code != http.StatusOK {
		t.Errorf("healthz: %d", code)
	}
	if code := get("POST", "/_tombolo/reset", "Origin", "http://example.com"); code != http.StatusForbidden {
		t.Errorf("reset by a web page: %d", code)
	}
	if code := get("POST", "/_tombolo/reset"); code != http.StatusOK {
		t.Errorf("reset: %d", code)
	}
	if n := len(i.call("DescribeVpcs").Items("vpcSet")); n != 1 {
		t.Errorf("%d VPCs after a reset, want the default one", n)
	}
	signed := bare(t)
	st, err = signed.site.status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if code := get("POST", "/_tombolo/reset"); code == http.StatusOK {
		t.Error("reset works with signatures on")
	}
}
