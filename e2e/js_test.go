package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestJavaScriptMakesTheLab runs js/lab.mjs with AWS's SDK for JavaScript v3 against a
// daemon with packets. npm installs exactly what package-lock.json names.
func TestJavaScriptMakesTheLab(t *testing.T) {
	work, state := t.TempDir(), t.TempDir()
	if err := os.CopyFS(work, os.DirFS("js")); err != nil {
		t.Fatal(err)
	}
	run := func(env []string, name string, args ...string) string {
		cmd := exec.Command(name, args...) // also when the test has ended: to clean up
		cmd.Dir = work
		cmd.Env = append([]string{"HOME=" + work, "PATH=" + filepath.Dir(binary(t)) + ":" + os.Getenv("PATH"), "TOMBOLO_STATE=" + state}, env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	install.Dir = work
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	t.Cleanup(func() { run(nil, binary(t), "down") })
	url, id, secret := daemon(t, state)
	out := run([]string{"AWS_ENDPOINT_URL=" + url, "AWS_ACCESS_KEY_ID=" + id, "AWS_SECRET_ACCESS_KEY=" + secret}, "node", "lab.mjs")
	if !strings.HasSuffix(out, "ok\n") {
		t.Error(out)
	}
}
