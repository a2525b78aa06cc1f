package bucket

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func open(t testing.TB) (*Buckets, string) {
	dir := filepath.Join(t.TempDir(), "buckets")
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b, dir
}

func put(b *Buckets, bucket, key, content string) error {
	u, err := b.Create(bucket, key)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(u, content); err != nil {
		return err
	}
	return u.Close()
}

func get(t *testing.T, b *Buckets, bucket, key string) string {
	r, err := b.Read(bucket, key)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestBucketNamesFollowS3sRules(t *testing.T) {
	for _, name := range []string{"abc", "my-logs", "a.b.c", "123", "a1-b2.c3", strings.Repeat("a", 63), "1.2.3.4.5"} {
		if err := CheckName(name); err != nil {
			t.Errorf("%q is refused: %v", name, err)
		}
	}
	for _, name := range []string{"", "ab", strings.Repeat("a", 64), "Logs", "my_logs", "-ab", "ab-", ".ab", "ab.", "a..b", "192.168.5.4",
		"xn--a", "sthree-a", "amzn-s3-demo-a", "a-s3alias", "a--ol-s3", "a.mrap", "a--x-s3", "a--table-s3",
		"..", "../x", "a/b", "/etc", "a\x00b", "a b", "äbc", ".parts"} {
		if err := CheckName(name); !errors.Is(err, ErrBucketName) {
			t.Errorf("%q gave %v, want ErrBucketName", name, err)
		}
	}
}

func TestKeysThatNoFileCanStandForAreRefused(t *testing.T) {
	for _, key := range []string{"a", "a/b/c.log", ".hidden", "AWSLogs/123456789012/vpcflowlogs/x.gz", "a b", "ü", "a..b", strings.Repeat("a", 255)} {
		if err := CheckKey(key); err != nil {
			t.Errorf("%q is refused: %v", key, err)
		}
	}
	for _, key := range []string{"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a/..", "a\x00b", "a\nb", "\xff", strings.Repeat("a/", 513) + "a",
		strings.Repeat("a", 256)} {
		if err := CheckKey(key); !errors.Is(err, ErrKey) {
			t.Errorf("%q gave %v, want ErrKey", key, err)
		}
	}
	for prefix, ok := range map[string]bool{"": true, "a": true, "a/": true, "/": false, "a//": false, "../": false} {
		if err := CheckPrefix(prefix); (err == nil) != ok {
			t.Errorf("prefix %q gave %v", prefix, err)
		}
	}
}

func TestObjectsAreReadAsTheyWereWritten(t *testing.T) {
	b, dir := open(t)
	if err := put(b, "logs", "x/y/one", "1"); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{"a", "b"} { // opened twice: added to the end
		w, err := b.Append("logs", "x/two")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, s); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := put(b, "logs", "x/y/one", "11"); err != nil {
		t.Fatal(err)
	}
	if got := get(t, b, "logs", "x/y/one"); got != "11" {
		t.Errorf("the second object of a key reads %q", got)
	}
	if got := get(t, b, "logs", "x/two"); got != "ab" {
		t.Errorf("appended object reads %q", got)
	}
	objects, err := b.List("logs", "x/")
	if err != nil || len(objects) != 2 || objects[0].Key != "x/two" || objects[1].Key != "x/y/one" || objects[1].Size != 2 {
		t.Errorf("listed %+v, %v", objects, err)
	}
	if objects, err := b.List("logs", "x/y"); err != nil || len(objects) != 1 {
		t.Errorf("listed below x/y: %+v, %v", objects, err)
	}
	if objects, err := b.List("nobody", ""); err != nil || objects != nil {
		t.Errorf("a bucket that nobody wrote to lists %+v, %v", objects, err)
	}
	if _, err := b.Read("logs", "absent"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent object gave %v", err)
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		i, err := d.Info()
		if err == nil && i.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v: others can read it", path, i.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAnObjectIsSeenWhenItIsComplete(t *testing.T) {
	b, dir := open(t)
	u, err := b.Create("logs", "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(u, "half"); err != nil {
		t.Fatal(err)
	}
	if objects, _ := b.List("logs", ""); len(objects) != 0 {
		t.Errorf("an unfinished object is listed: %+v", objects)
	}
	u.Abandon()
	u, err = b.Create("logs", "b")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Abandon()
	b2, err := Open(dir) // as after a crash
	if err != nil {
		t.Fatal(err)
	}
	defer b2.Close()
	left, err := os.ReadDir(filepath.Join(dir, parts))
	if err != nil || len(left) != 0 {
		t.Errorf("unfinished objects are left: %v, %v", left, err)
	}
}

func TestAKeyAndKeysBelowItDoNotMix(t *testing.T) {
	b, _ := open(t)
	if err := put(b, "logs", "a/b", "1"); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"a", "a/b/c"} {
		if err := put(b, "logs", key, "2"); err == nil {
			t.Errorf("%s was written beside a/b", key)
		}
		if w, err := b.Append("logs", key); err == nil {
			_ = w.Close()
			t.Errorf("%s was appended to beside a/b", key)
		}
	}
}

func TestNoLinkLeadsElsewhere(t *testing.T) {
	b, dir := open(t)
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("untouched"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := put(b, "logs", "real/a", "1"); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"linked": outside, "inside": "logs", "logs/out": outside, "logs/file": secret, "logs/in": "real", "logs/same": "real/a"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "logs", "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range [][2]string{{"linked", "secret"}, {"inside", "real/a"}, {"logs", "out/secret"}, {"logs", "in/a"}} {
		if err := put(b, o[0], o[1], "x"); err == nil {
			t.Errorf("%v was created", o)
		}
		if w, err := b.Append(o[0], o[1]); err == nil {
			_ = w.Close()
			t.Errorf("%v was opened for appending", o)
		}
		if r, err := b.Read(o[0], o[1]); err == nil {
			_ = r.Close()
			t.Errorf("%v was read", o)
		}
	}
	for _, key := range []string{"file", "same", "pipe"} {
		if w, err := b.Append("logs", key); err == nil {
			_ = w.Close()
			t.Errorf("%s was opened for appending", key)
		}
		if r, err := b.Read("logs", key); err == nil {
			_ = r.Close()
			t.Errorf("%s was read", key)
		}
	}
	if objects, err := b.List("logs", ""); err != nil || len(objects) != 1 {
		t.Errorf("listed %+v, %v; want the real one alone", objects, err)
	}
	if got, _ := os.ReadFile(secret); string(got) != "untouched" {
		t.Errorf("the file outside now reads %q", got)
	}
}

func TestWritersDoNotDisturbEachOther(t *testing.T) {
	b, _ := open(t)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := put(b, "logs", "d/"+string(rune('a'+i)), strings.Repeat("x", i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if objects, err := b.List("logs", "d/"); err != nil || len(objects) != 20 || objects[7].Size != 7 {
		t.Errorf("listed %d objects, %v", len(objects), err)
	}
}

// FuzzNames gives arbitrary names to everything: whatever they are, nothing
// appears or changes beside the directory of buckets, and what is accepted is
// listed under the very name that was given.
func FuzzNames(f *testing.F) {
	for _, s := range [][2]string{{"logs", "a/b"}, {"..", "x"}, {"logs", "../../x"}, {"logs", "/etc/passwd"}, {"a\x00b", "c\x00"}, {"logs", "a//b"}, {".parts", "1"}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, bucket, key string) {
		b, dir := open(t)
		createErr := put(b, bucket, key, "1")
		if w, err := b.Append(bucket, key); (err == nil) != (createErr == nil) {
			t.Errorf("Create says %v, Append %v", createErr, err)
		} else if err == nil {
			_ = w.Close()
		}
		beside, err := os.ReadDir(filepath.Dir(dir))
		if err != nil || len(beside) != 1 {
			t.Fatalf("beside the buckets: %v, %v", beside, err)
		}
		if createErr != nil {
			return
		}
		objects, err := b.List(bucket, key)
		if err != nil || len(objects) != 1 || objects[0].Key != key {
			t.Errorf("%q/%q is listed as %+v, %v", bucket, key, objects, err)
		}
	})
}
