package store

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"tombolo/network"
)

// FirstAccount is the account that every state directory begins with.
const FirstAccount network.Account = "123456789012"

// Key is an access key: who signs with Secret acts for Account.
type Key struct {
	ID      string
	Secret  Secret
	Account network.Account
}

// Secret is a string that no print, log line or error shows.
type Secret string

const hidden = "[secret]"

// Format hides it from every verb of fmt.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, hidden) }

// LogValue hides it from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalJSON hides it from encoders, slog's among them.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(hidden) }

// storedKeys is credentials.json; docs/format.md describes it.
type storedKeys struct {
	Format int         `json:"format"`
	Keys   []storedKey `json:"keys"`
}

type storedKey struct {
	ID      string          `json:"access_key_id"`
	Secret  string          `json:"secret_access_key"`
	Account network.Account `json:"account"`
}

// Keys are the access keys of this directory. The first start makes one, of
// FirstAccount.
func (d *Dir) Keys() ([]Key, error) {
	keys, err := readKeys(d.root)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, err
	}
	keys = []Key{NewKey(FirstAccount)}
	return keys, d.SetKeys(keys)
}

// SetKeys replaces the access keys, durably and at once: a crash leaves the old
// file or the new one.
func (d *Dir) SetKeys(keys []Key) error {
	out := storedKeys{Format: 1}
	for _, k := range keys {
		out.Keys = append(out.Keys, storedKey{k.ID, string(k.Secret), k.Account})
	}
	doc, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the access keys: %w", err)
	}
	const next = keysFile + ".new"
	if err := writeFile(d.root, next, append(doc, '\n')); err != nil {
		return fmt.Errorf("write the access keys: %w", err)
	}
	if err := d.root.Rename(next, keysFile); err != nil {
		return fmt.Errorf("write the access keys: %w", err)
	}
	if err := d.sync(); err != nil {
		return fmt.Errorf("write the access keys: %w", err)
	}
	return nil
}

// ReadKeys reads the access keys of the directory at path without owning it.
// The error is fs.ErrNotExist before the first start.
func ReadKeys(path string) ([]Key, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open the state directory: %w", err)
	}
	defer root.Close()
	return readKeys(root)
}

func readKeys(root *os.Root) ([]Key, error) {
	f, err := root.Open(keysFile)
	if err != nil {
		return nil, fmt.Errorf("read the access keys: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the access keys: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("read the access keys: %s has mode %#o and others could read it: chmod 600 it, or delete it for new keys", keysFile, mode)
	}
	var in storedKeys
	if err := json.NewDecoder(f).Decode(&in); err != nil {
		// The decoder's own words can hold a piece of the file.
		return nil, fmt.Errorf("read the access keys: %s is damaged: delete it for new keys", keysFile)
	}
	if in.Format != 1 || len(in.Keys) == 0 {
		return nil, fmt.Errorf("read the access keys: %s has format %d and %d keys, which this program can't use: delete it for new keys", keysFile, in.Format, len(in.Keys))
	}
	var keys []Key
	for _, k := range in.Keys {
		keys = append(keys, Key{k.ID, Secret(k.Secret), k.Account})
	}
	return keys, nil
}

// writeFile makes name anew with doc in it, readable by the owner alone from
// its first moment, and durable.
func writeFile(root *os.Root, name string, doc []byte) error {
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(doc)
	return errors.Join(err, f.Sync(), f.Close())
}

// NewKey rolls an access key of account, in the form of AWS's: clients check
// neither, people expect both (AWS: IAM unique identifiers).
func NewKey(account network.Account) Key {
	const upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	const any64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	return Key{ID: "AKIA" + roll(16, upper), Secret: Secret(roll(40, any64)), Account: account}
}

// roll makes n random letters; the alphabet's length divides 256.
func roll(n int, alphabet string) string {
	dice := make([]byte, n)
	rand.Read(dice) //nolint:errcheck // documented never to fail
	for i, b := range dice {
		dice[i] = alphabet[int(b)%len(alphabet)]
	}
	return string(dice)
}
