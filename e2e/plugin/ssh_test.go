package plugin

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// sshd gives a directory with the files of Debian's openssh-server and what only
// it needs. They are unpacked, not installed: an installed one would listen on
// this machine, at the latest after its next start.
func sshd(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "tombolo", "sshd")
	if _, err := os.Stat(filepath.Join(dir, "usr/sbin/sshd")); err == nil {
		return dir
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	packages := t.TempDir()
	script := `cd "$1"
get() { apt-get -o APT::Sandbox::User=root -qq download openssh-server libwrap0; }
get 2>/dev/null || { apt-get -o DPkg::Lock::Timeout=180 -qq update; get; }
for p in *.deb; do dpkg-deb -x "$p" "$2"; done
rm -rf "$2/etc" "$2/lib/systemd"`
	if out, err := exec.Command("sh", "-ec", script, "sh", packages, dir).CombinedOutput(); err != nil {
		t.Fatalf("unpack openssh-server: %v\n%s", err, out)
	}
	return dir
}

// secureShell reaches an sshd inside an instance with ssh and scp.
func secureShell(t *testing.T, w *world) {
	key := filepath.Join(t.TempDir(), "key")
	output(t, exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key))
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	pack := exec.Command("tar", "-C", sshd(t), "-c", "usr")
	unpack := w.command("tombolo", "exec", "user", "--", "tar", "-C", "/", "--no-same-owner", "-x")
	pipe, err := pack.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	unpack.Stdin = pipe
	if err := pack.Start(); err != nil {
		t.Fatal(err)
	}
	out, err := unpack.CombinedOutput()
	if err := errors.Join(err, pack.Wait()); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	w.in("user", fmt.Sprintf(`mkdir -p /run/sshd /etc/ssh /root/.ssh; chmod 755 /run/sshd; echo '%s' >/root/.ssh/authorized_keys
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
printf 'UsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nStrictModes no\nSubsystem sftp internal-sftp\n' >/etc/ssh/sshd_config
/usr/sbin/sshd -E /tmp/sshd.log`, string(public[:len(public)-1])))
	options := []string{"-i", key, "-o", "IdentitiesOnly=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
		"-o", "ProxyCommand=aws --endpoint-url " + w.url + " ssm start-session --target %h --document-name AWS-StartSSHSession --parameters portNumber=%p"}
	tool := func(name string, args ...string) *exec.Cmd {
		cmd := w.command(name, append(options[:len(options):len(options)], args...)...)
		cmd.Path, cmd.Err = "/usr/bin/"+name, nil
		return cmd
	}
	if got := output(t, tool("ssh", "root@"+w.user, "echo hello-$((6*7)); whoami")); got != "hello-42\nroot" {
		t.Errorf("ssh: %q", got)
	}
	// The plugin sends no more than about 1 MB a second.
	sent, back := make([]byte, 2<<20), filepath.Join(t.TempDir(), "back")
	_, _ = rand.Read(sent)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, sent, 0o600); err != nil {
		t.Fatal(err)
	}
	output(t, tool("scp", "-q", file, "root@"+w.user+":/tmp/scp"))
	output(t, tool("scp", "-q", "root@"+w.user+":/tmp/scp", back))
	if got, err := os.ReadFile(back); err != nil || string(got) != string(sent) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
}
