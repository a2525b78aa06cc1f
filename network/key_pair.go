package network

import (
	"iter"
	"strings"
	"time"
)

// KeyPair is the public half of an SSH key. The private half is given to whoever
// made it and kept nowhere.
type KeyPair struct {
	ID KeyPairID
	Home
	Name        string
	Type        string // rsa or ed25519
	Fingerprint string
	Public      string // OpenSSH form
	Created     time.Time
}

func (k *KeyPair) key() string { return string(k.ID) }

func (k *KeyPair) links() []string { return []string{k.World(), keyNameKey(k.World(), k.Name)} }

func keyNameKey(world, name string) string { return world + "/key/" + name }

// KeyPair finds one by ID; nil when there is none.
func (s State) KeyPair(id KeyPairID) *KeyPair { return lookup(s.keyPairs, id) }

// KeyPairsOf are the key pairs of the caller's account and Region.
func (s State) KeyPairsOf(c Caller) iter.Seq[*KeyPair] {
	return those(s, s.keyPairs, Home{c.Account, c.Region}.World(), "key-")
}

// KeyPairNamed finds one of the caller's by name; nil when there is none.
func (s State) KeyPairNamed(c Caller, name string) *KeyPair {
	return lookup(s.keyPairs, s.refs.first(keyNameKey(Home{c.Account, c.Region}.World(), name), "key-"))
}

// ImportKeyPair stores a public key. Created: the key pair.
type ImportKeyPair struct {
	Name        string
	Type        string
	Fingerprint string
	Public      string
	Tags        Tags
}

// DeleteKeyPair deletes one by ID or name. Deleting what is not there is no error.
type DeleteKeyPair struct {
	ID   KeyPairID
	Name string
}

// maxKeyName is in characters of ASCII (AWS: ImportKeyPair).
const maxKeyName = 255

// apply refuses a name that is taken: names are unique in an account and Region.
func (r ImportKeyPair) apply(e *edit) error {
	switch {
	case r.Name == "":
		return fail(Missing, "KeyName")
	case len(r.Name) > maxKeyName || strings.TrimSpace(r.Name) != r.Name || !ascii(r.Name):
		return failWith(InvalidValue, r.Name, "KeyName")
	case e.KeyPairNamed(e.op.Caller, r.Name) != nil:
		return fail(KeyPairExists, r.Name)
	}
	k := &KeyPair{ID: KeyPairID(e.newID("key")), Home: e.home(), Name: r.Name, Type: r.Type,
		Fingerprint: r.Fingerprint, Public: r.Public, Created: e.op.At}
	put(e, &e.keyPairs, kindKeyPair, k)
	e.created(k.key())
	return e.setTags(k.key(), r.Tags)
}

// ascii reports whether text is printable ASCII.
func ascii(text string) bool {
	return strings.IndexFunc(text, func(c rune) bool { return c < ' ' || c > '~' }) < 0
}

func (r DeleteKeyPair) apply(e *edit) error {
	k := e.KeyPair(r.ID)
	if r.ID == "" {
		k = e.KeyPairNamed(e.op.Caller, r.Name)
	}
	if k != nil && k.In(e.op.Caller) {
		drop(e, &e.keyPairs, kindKeyPair, k.key())
	}
	return nil
}
