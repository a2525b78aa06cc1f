package network

import (
	"iter"
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

func (k *KeyPair) key() string     { return string(k.ID) }
func (k *KeyPair) links() []string { return []string{k.World()} }

// KeyPair finds one by ID; nil when there is none.
func (s State) KeyPair(id KeyPairID) *KeyPair { return lookup(s.keyPairs, id) }

// KeyPairsOf are the key pairs of the caller's account and Region.
func (s State) KeyPairsOf(c Caller) iter.Seq[*KeyPair] {
	return those(s, s.keyPairs, Home{c.Account, c.Region}.World(), "key-")
}

// KeyPairNamed finds one of the caller's by name; nil when there is none.
func (s State) KeyPairNamed(c Caller, name string) *KeyPair {
	for k := range s.KeyPairsOf(c) {
		if k.Name == name {
			return k
		}
	}
	return nil
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
