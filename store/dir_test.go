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
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"tombolo/network"
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
	if _, err := d.Credentials(); err != nil {
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
	if _, err := ReadCredentials(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before the first start: %v", err)
	}
	d := openDir(t, path)
	defer d.Close()
	first, err := d.Credentials()
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Keys) != 1 || first.Keys[0].Account != "123456789012" || len(first.Accounts) != 1 || first.Accounts[0].Name != FirstName {
		t.Fatalf("credentials %+v", first)
	}
	if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(first.Keys[0].ID) {
		t.Errorf("id %q", first.Keys[0].ID)
	}
	if !regexp.MustCompile(`^[A-Za-z0-9+/]{40}$`).MatchString(string(first.Keys[0].Secret)) || len(first.Seal) != 64 {
		t.Error("the secrets have another form than they should")
	}
	second, err := d.Credentials()
	if err != nil || !reflect.DeepEqual(second, first) {
		t.Errorf("the second start has others, %v", err)
	}
	read, err := ReadCredentials(path)
	if err != nil || !reflect.DeepEqual(read, first) {
		t.Errorf("another process reads others, %v", err)
	}
}

func TestAccountsTheirKeysAndRolesAreKept(t *testing.T) {
	path := t.TempDir()
	d := openDir(t, path)
	defer d.Close()
	want := Credentials{Keys: []Key{NewKey(FirstAccount), NewKey("210987654321")}, Seal: "hush", Accounts: []Account{{ID: FirstAccount, Name: FirstName},
		{ID: "210987654321", Name: "sales", Roles: []Role{{Name: "Accepter", Trusts: []network.Account{FirstAccount}, Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}}}}
	if err := d.SetCredentials(want); err != nil {
		t.Fatal(err)
	}
	got, err := d.Credentials()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(path, keysFile+".new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the draft is left behind: %v", err)
	}
}

// TestKeysOfAnOlderProgramGetAccounts opens a file as the first release wrote it.
func TestKeysOfAnOlderProgramGetAccounts(t *testing.T) {
	path := t.TempDir()
	old := `{"format":1,"keys":[{"access_key_id":"AKIAOLD","secret_access_key":"s","account":"123456789012"},{"access_key_id":"AKIATWO","secret_access_key":"t","account":"210987654321"}]}`
	if err := os.WriteFile(filepath.Join(path, keysFile), []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	d := openDir(t, path)
	defer d.Close()
	got, err := d.Credentials()
	if err != nil || len(got.Keys) != 2 || got.Keys[0].ID != "AKIAOLD" || len(got.Accounts) != 2 || got.Accounts[1].Name != "210987654321" || len(got.Seal) != 64 {
		t.Fatalf("%+v, %v", got, err)
	}
	if again, err := ReadCredentials(path); err != nil || !reflect.DeepEqual(again, got) {
		t.Errorf("not written: %+v, %v", again, err)
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
			_, err := d.Credentials()
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
	if c, err := d.Credentials(); err == nil {
		t.Errorf("keys read from outside the state directory: %d", len(c.Keys))
	}
}
