package guest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// defaultPath is where commands are looked for inside an instance.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// hostEtc are the files and directories of the machine's /etc that instances get
// a copy of: what programs of /usr need to run, and nothing that says who uses the
// machine. Private keys, shadow and everything unreadable to others stay behind.
var hostEtc = []string{
	"alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ssl/certs", "ssl/openssl.cnf",
	"ca-certificates.conf", "ca-certificates", "pki/tls/certs", "pki/ca-trust/extracted",
	"protocols", "services", "ethertypes", "rpc", "networks", "localtime", "timezone", "mime.types",
	"profile", "bash.bashrc", "bashrc", "inputrc", "terminfo", "debian_version", "os-release", "lsb-release",
	"login.defs", "pam.conf", "pam.d", "security", "gai.conf", "iproute2", "python3", "python3.11", "perl",
	"magic", "nanorc", "vim",
}

// made are the files that every instance starts with.
var made = map[string]string{
	"etc/passwd": "root:x:0:0:root:/root:/bin/bash\n" +
		"daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\n" +
		"sys:x:3:3:sys:/dev:/usr/sbin/nologin\nmail:x:8:8:mail:/var/mail:/usr/sbin/nologin\n" +
		"www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n" +
		"tcpdump:x:72:72::/nonexistent:/usr/sbin/nologin\nsshd:x:74:74::/run/sshd:/usr/sbin/nologin\n" +
		"ec2-user:x:1000:1000:EC2 Default User:/home/ec2-user:/bin/bash\n" +
		"ssm-user:x:1001:1001::/home/ssm-user:/bin/sh\n" +
		"nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
	"etc/group": "root:x:0:\ndaemon:x:1:\nbin:x:2:\nsys:x:3:\nadm:x:4:ec2-user\ntty:x:5:\ndisk:x:6:\n" +
		"mail:x:8:\nwheel:x:10:ec2-user,ssm-user\nwww-data:x:33:\nshadow:x:42:\nutmp:x:43:\nstaff:x:50:\ntcpdump:x:72:\nsshd:x:74:\nusers:x:100:\n" +
		"ec2-user:x:1000:\nssm-user:x:1001:\nnogroup:x:65534:\n",
	"etc/shadow": "root:*:19000:0:99999:7:::\nec2-user:!:19000:0:99999:7:::\n" +
		"ssm-user:!:19000:0:99999:7:::\nwww-data:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n",
	"etc/nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n" +
		"networks: files\nprotocols: files\nservices: files\nethers: files\nrpc: files\n",
	"etc/resolv.conf": "# There is no resolver in this network yet; /etc/hosts is read first.\noptions timeout:1 attempts:1\n",
	"etc/host.conf":   "multi on\n",
	"etc/shells":      "/bin/sh\n/bin/bash\n/usr/bin/sh\n/usr/bin/bash\n",
	"etc/fstab":       "",
	"etc/motd":        "",
}

// places are the directories that every instance starts with.
var places = []struct {
	path string
	mode fs.FileMode
	id   int
}{
	{"usr", 0o755, 0}, {"proc", 0o555, 0}, {"sys", 0o555, 0}, {"dev", 0o755, 0}, {"run", 0o755, 0},
	{"tmp", fs.ModeSticky | 0o777, 0}, {"root", 0o700, 0}, {"home", 0o755, 0}, {"home/ec2-user", 0o700, 1000},
	{"home/ssm-user", 0o700, 1001}, {"opt", 0o755, 0}, {"srv", 0o755, 0}, {"mnt", 0o755, 0}, {"media", 0o755, 0},
	{"etc", 0o755, 0}, {"var", 0o755, 0}, {"var/lib", 0o755, 0}, {"var/log", 0o755, 0}, {"var/cache", 0o755, 0},
	{"var/spool", 0o755, 0}, {"var/mail", 0o755, 0}, {"var/www", 0o755, 0}, {"var/www/html", 0o755, 0},
	{"var/tmp", fs.ModeSticky | 0o777, 0}, {"var/lib/cloud", 0o755, 0}, {"var/lib/cloud/instance", 0o755, 0},
	{"var/lib/cloud/instance/scripts", 0o755, 0},
}

// buildSkeleton makes, once per room, the lower layer of all root filesystems. It
// has no way to fail because of what the machine lacks in /etc.
func buildSkeleton(dir string, ids idRange) error {
	for _, p := range places {
		path := filepath.Join(dir, p.path)
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		if err := os.Chmod(path, p.mode); err != nil {
			return err
		}
	}
	if err := copyLinks(dir); err != nil {
		return err
	}
	for _, name := range hostEtc {
		copyReadable(filepath.Join("/etc", name), filepath.Join(dir, "etc", name))
	}
	for name, text := range made {
		if ids.size == 1 {
			text = singleID(name, text)
		}
		path := filepath.Join(dir, name)
		os.Remove(path)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	if err := os.Chmod(filepath.Join(dir, "etc/shadow"), 0o640); err != nil {
		return err
	}
	for _, link := range [][2]string{{"/proc/self/mounts", "etc/mtab"}, {"/run", "var/run"}, {"/run/lock", "var/lock"}} {
		if err := os.Symlink(link[0], filepath.Join(dir, link[1])); err != nil {
			return err
		}
	}
	return own(dir, ids)
}

// singleID gives every account the only id there is, so that programs which become
// another user (tcpdump, a web server) succeed in becoming themselves.
func singleID(name, text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		fields := strings.Split(line, ":")
		switch name {
		case "etc/passwd":
			fields[2], fields[3] = "0", "0"
		case "etc/group":
			fields[2] = "0"
		}
		out.WriteString(strings.Join(fields, ":"))
	}
	return out.String()
}

// copyLinks makes /bin, /lib and the like, as on a machine with a merged /usr. On
// another machine they are directories, onto which bootMain binds.
func copyLinks(dir string) error {
	for _, name := range topLevel() {
		target, err := os.Readlink("/" + name)
		if err != nil {
			err = os.Mkdir(filepath.Join(dir, name), 0o755)
		} else {
			err = os.Symlink(target, filepath.Join(dir, name))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// topLevel are the directories beside /usr that hold programs, as far as this
// machine has them.
func topLevel() []string {
	var out []string
	for _, name := range []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"} {
		if _, err := os.Lstat("/" + name); err == nil {
			out = append(out, name)
		}
	}
	return out
}

// copyReadable copies what everybody on the machine may read; the rest is left out
// even when we could read it.
func copyReadable(from, to string) {
	info, err := os.Stat(from)
	if err != nil {
		return
	}
	if !info.IsDir() {
		copyOne(from, to)
		return
	}
	filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		dest := filepath.Join(to, strings.TrimPrefix(path, from))
		if d.IsDir() {
			if info, err := d.Info(); err != nil || info.Mode()&0o005 != 0o005 {
				return fs.SkipDir
			}
			return os.MkdirAll(dest, 0o755)
		}
		copyOne(path, dest)
		return nil
	})
}

func copyOne(from, to string) {
	if target, err := os.Readlink(from); err == nil && !leadsOutside(target) {
		if os.MkdirAll(filepath.Dir(to), 0o755) == nil {
			os.Symlink(target, to)
		}
		return
	}
	info, err := os.Stat(from)
	if err != nil || !info.Mode().IsRegular() || info.Mode()&0o004 == 0 {
		return
	}
	file, err := os.Open(from)
	if err != nil {
		return
	}
	defer file.Close()
	if os.MkdirAll(filepath.Dir(to), 0o755) == nil {
		copyFile(to, file, info.Mode().Perm()&0o555|0o644)
	}
}

// leadsOutside reports whether a link leads out of /usr and out of its own
// directory, where an instance has nothing: then the file itself is copied.
func leadsOutside(target string) bool {
	return filepath.IsAbs(target) && !strings.HasPrefix(target, "/usr/") && !strings.HasPrefix(target, "/etc/alternatives/")
}

// own gives the skeleton to the root of instances, whose overlay could otherwise
// not copy anything up.
func own(dir string, ids idRange) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		id := 0
		for _, p := range places {
			if p.id < ids.size && path == filepath.Join(dir, p.path) {
				id = p.id
			}
		}
		return os.Lchown(path, ids.base+id, ids.base+id)
	})
}
