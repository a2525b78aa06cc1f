package network

import (
	"strings"
	"testing"
)

// AWS: ImportKeyPair; DeleteKeyPair.
func TestKeyPairNamesAreUniqueInAnAccountAndRegion(t *testing.T) {
	w := newSite(t)
	id := w.do(ImportKeyPair{Name: "ops", Type: "ed25519", Public: "ssh-ed25519 AAAA", Fingerprint: "x", Tags: Tags{"a": "b"}})
	if k := w.KeyPairNamed(home, "ops"); k == nil || string(k.ID) != id || k.Type != "ed25519" {
		t.Errorf("found %+v by name", k)
	}
	w.wantTags(id, Tags{"a": "b"})
	w.refuses(ImportKeyPair{Name: "ops"}, KeyPairExists, "ops", "")
	w.do(ImportKeyPair{Name: "Ops"})
	w.doAs(stranger, ImportKeyPair{Name: "ops"})
	w.doAs(elsewhere, ImportKeyPair{Name: "ops"})
	for _, name := range []string{" ops", "schlüssel", strings.Repeat("k", 256)} {
		w.refuses(ImportKeyPair{Name: name}, InvalidValue, name, "KeyName")
	}
	w.refuses(ImportKeyPair{}, Missing, "KeyName", "")
}

func TestDeletingAKeyPairThatIsNotThereIsNoError(t *testing.T) {
	w := newSite(t)
	id := KeyPairID(w.do(ImportKeyPair{Name: "ops"}))
	w.doAs(stranger, DeleteKeyPair{ID: id})
	w.doAs(stranger, DeleteKeyPair{Name: "ops"})
	if w.KeyPair(id) == nil {
		t.Fatal("another account deleted it")
	}
	w.do(DeleteKeyPair{Name: "ops"})
	if w.KeyPair(id) != nil || w.KeyPairNamed(home, "ops") != nil {
		t.Error("still there")
	}
	w.do(DeleteKeyPair{Name: "ops"})
	w.do(DeleteKeyPair{ID: id})
	w.do(DeleteKeyPair{ID: KeyPairID(w.do(ImportKeyPair{Name: "ops"}))})
	for k := range w.KeyPairsOf(home) {
		t.Errorf("%+v is left", k)
	}
}
