package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func openDir(t *testing.T, path string) *Dir {
	t.Helper()
	d, err := OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestStateDirectoryBelongsToOneProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "made", "on the way")
	if pid, err := Owner(path); pid != 0 || err != nil {
		t.Errorf("before it exists its owner is %d, %v", pid, err)
	}
	d := openDir(t, path)
	if pid, err := Owner(path); pid != os.Getpid() || err != nil {
		t.Errorf("its owner is %d, %v; want %d", pid, err, os.Getpid())
	}
	_, err := OpenDir(path)
	var held *Held
	if !errors.As(err, &held) || held.PID != os.Getpid() {
		t.Errorf("the second to open it is told %v", err)
	}
	if want := fmt.Sprintf("the state directory %s is in use by process %d: stop it, or name another directory", path, os.Getpid()); err != nil && err.Error() != want {
		t.Errorf("message %q, want %q", err, want)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if pid, err := Owner(path); pid != 0 || err != nil {
		t.Errorf("when given back its owner is %d, %v", pid, err)
	}
	again := openDir(t, path)
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestLookingForTheOwnerDoesNotKeepOneOut(t *testing.T) {
	path := t.TempDir()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = Owner(path)
			}
		}
	}()
	for range 100 {
		d := openDir(t, path)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	<-stopped
}

func TestFilesOfTheStateAreTheOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	d := openDir(t, path)
	defer d.Close()
	s, err := d.Database(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := d.Keys(); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context(), nil, 1); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		seen++
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has mode %#o", name, mode)
		}
		return nil
	})
	if err != nil || seen < 4 {
		t.Errorf("%d names seen, %v", seen, err)
	}
}

func TestFirstStartMakesAnAccessKeyThatStays(t *testing.T) {
	path := t.TempDir()
	if _, err := ReadKeys(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before the first start: %v", err)
	}
	d := openDir(t, path)
	defer d.Close()
	first, err := d.Keys()
	if err != nil {
		t.Fatal(err)
	}
	if len(first) != 1 || first[0].Account != "123456789012" {
		t.Fatalf("keys %+v", first)
	}
	if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(first[0].ID) {
		t.Errorf("id %q", first[0].ID)
	}
	if !regexp.MustCompile(`^[A-Za-z0-9+/]{40}$`).MatchString(string(first[0].Secret)) {
		t.Error("the secret has another form than AWS's")
	}
	second, err := d.Keys()
	if err != nil || len(second) != 1 || second[0] != first[0] {
		t.Errorf("the second start has other keys, %v", err)
	}
	read, err := ReadKeys(path)
	if err != nil || len(read) != 1 || read[0] != first[0] {
		t.Errorf("another process reads other keys, %v", err)
	}
}

func TestKeysOfSeveralAccountsAreKept(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path)
	defer d.Close()
	want := []Key{NewKey(FirstAccount), NewKey("210987654321")}
	if err := d.SetKeys(want); err != nil {
		t.Fatal(err)
	}
	got, err := d.Keys()
	if err != nil || len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %d keys, %v", len(got), err)
	}
	if _, err := os.Stat(filepath.Join(path, keysFile+".new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the draft is left behind: %v", err)
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	k := NewKey(FirstAccount)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("key", "key", k, "pointer", &k, "secret", k.Secret)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("key", "key", k, "pointer", &k, "secret", k.Secret)
	doc, err := json.Marshal(k)
	if err != nil {
		t.Fatal(err)
	}
	log.Write(doc)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&log, verb+verb+verb+verb, k, &k, k.Secret, []Key{k})
	}
	if strings.Contains(log.String(), string(k.Secret)) {
		t.Errorf("the secret shows in %s", &log)
	}
	if !strings.Contains(log.String(), k.ID) {
		t.Error("the id does not show")
	}
}

func TestDamagedKeyFileIsRefusedWithoutShowingIt(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		mode fs.FileMode
		want string
	}{
		"cut off":             {`{"format":1,"keys":[{"secret_access_key":"hush`, 0o600, "is damaged"},
		"not ours":            {`"hush"`, 0o600, "is damaged"},
		"empty":               {``, 0o600, "is damaged"},
		"of a newer program":  {`{"format":2,"keys":[{"secret_access_key":"hush"}]}`, 0o600, "has format 2"},
		"without keys":        {`{"format":1,"keys":[]}`, 0o600, "0 keys"},
		"readable by a group": {`{"format":1,"keys":[{"secret_access_key":"hush"}]}`, 0o640, "others could read it"},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			d := openDir(t, path)
			defer d.Close()
			file := filepath.Join(path, keysFile)
			if err := os.WriteFile(file, []byte(c.text), c.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, c.mode); err != nil {
				t.Fatal(err)
			}
			_, err := d.Keys()
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if text, err := os.ReadFile(file); err != nil || string(text) != c.text {
				t.Errorf("the file was changed: %q, %v", text, err)
			}
		})
	}
}

func TestKeyFileThatPointsOutsideIsRefused(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte(`{"format":1,"keys":[{"access_key_id":"a"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	path := t.TempDir()
	if err := os.Symlink(outside, filepath.Join(path, keysFile)); err != nil {
		t.Fatal(err)
	}
	d := openDir(t, path)
	defer d.Close()
	if keys, err := d.Keys(); err == nil {
		t.Errorf("keys read from outside the state directory: %d", len(keys))
	}
}
