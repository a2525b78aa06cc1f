package store

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"time"

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

// Credentials are who may call: accounts, their access keys, and the roles by which
// one account lets others act for it.
type Credentials struct {
	Keys     []Key
	Accounts []Account
	Seal     Secret // seals session tokens; whoever has it can make them
}

// Account is an account under the name that people here call it by.
type Account struct {
	ID    network.Account
	Name  string
	Roles []Role
}

// Role may be assumed by the accounts that it trusts.
type Role struct {
	Name    string
	Trusts  []network.Account
	Created time.Time
}

// FirstName is what people call FirstAccount.
const FirstName = "default"

// storedKeys is credentials.json; docs/format.md describes it.
type storedKeys struct {
	Format   int             `json:"format"`
	Keys     []storedKey     `json:"keys"`
	Accounts []storedAccount `json:"accounts,omitempty"`
	Seal     string          `json:"session_seal,omitempty"`
}

type storedKey struct {
	ID      string          `json:"access_key_id"`
	Secret  string          `json:"secret_access_key"`
	Account network.Account `json:"account"`
}

type storedAccount struct {
	ID    network.Account `json:"id"`
	Name  string          `json:"name"`
	Roles []storedRole    `json:"roles,omitempty"`
}

type storedRole struct {
	Name    string            `json:"name"`
	Trusts  []network.Account `json:"trusts"`
	Created time.Time         `json:"created"`
}

// Credentials are those of this directory. The first start makes FirstAccount with
// one key; what an older program did not write is added.
func (d *Dir) Credentials() (Credentials, error) {
	c, err := readKeys(d.root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c = Credentials{Keys: []Key{NewKey(FirstAccount)}}
	case err != nil:
		return Credentials{}, err
	case c.Seal != "" && len(c.Accounts) > 0:
		return c, nil
	}
	if c.Seal == "" {
		c.Seal = Secret(roll(64, any64))
	}
	if len(c.Accounts) == 0 {
		c.Accounts = []Account{{ID: FirstAccount, Name: FirstName}}
		for _, k := range c.Keys {
			if !slices.ContainsFunc(c.Accounts, func(a Account) bool { return a.ID == k.Account }) {
				c.Accounts = append(c.Accounts, Account{ID: k.Account, Name: string(k.Account)})
			}
		}
	}
	return c, d.SetCredentials(c)
}

// SetCredentials replaces them, durably and at once: a crash leaves the old file
// or the new one.
func (d *Dir) SetCredentials(c Credentials) error {
	out := storedKeys{Format: 1, Seal: string(c.Seal)}
	for _, k := range c.Keys {
		out.Keys = append(out.Keys, storedKey{k.ID, string(k.Secret), k.Account})
	}
	for _, a := range c.Accounts {
		kept := storedAccount{ID: a.ID, Name: a.Name}
		for _, r := range a.Roles {
			kept.Roles = append(kept.Roles, storedRole(r))
		}
		out.Accounts = append(out.Accounts, kept)
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

// ReadCredentials reads those of the directory at path without owning it. The
// error is fs.ErrNotExist before the first start.
func ReadCredentials(path string) (Credentials, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return Credentials{}, fmt.Errorf("open the state directory: %w", err)
	}
	defer root.Close()
	return readKeys(root)
}

func readKeys(root *os.Root) (Credentials, error) {
	f, err := root.Open(keysFile)
	if err != nil {
		return Credentials{}, fmt.Errorf("read the access keys: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Credentials{}, fmt.Errorf("read the access keys: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return Credentials{}, fmt.Errorf("read the access keys: %s has mode %#o and others could read it: chmod 600 it, or delete it for new keys", keysFile, mode)
	}
	var in storedKeys
	if err := json.NewDecoder(f).Decode(&in); err != nil {
		// The decoder's own words can hold a piece of the file.
		return Credentials{}, fmt.Errorf("read the access keys: %s is damaged: delete it for new keys", keysFile)
	}
	if in.Format != 1 || len(in.Keys) == 0 {
		return Credentials{}, fmt.Errorf("read the access keys: %s has format %d and %d keys, which this program can't use: delete it for new keys", keysFile, in.Format, len(in.Keys))
	}
	out := Credentials{Seal: Secret(in.Seal)}
	for _, k := range in.Keys {
		out.Keys = append(out.Keys, Key{k.ID, Secret(k.Secret), k.Account})
	}
	for _, a := range in.Accounts {
		kept := Account{ID: a.ID, Name: a.Name}
		for _, r := range a.Roles {
			kept.Roles = append(kept.Roles, Role(r))
		}
		out.Accounts = append(out.Accounts, kept)
	}
	return out, nil
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
	return Key{ID: "AKIA" + roll(16, upper32), Secret: Secret(roll(40, any64)), Account: account}
}

// The alphabets of AWS's access keys.
const (
	upper32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	any64   = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
)

// roll makes n random letters; the alphabet's length divides 256.
func roll(n int, alphabet string) string {
	dice := make([]byte, n)
	rand.Read(dice) //nolint:errcheck // documented never to fail
	for i, b := range dice {
		dice[i] = alphabet[int(b)%len(alphabet)]
	}
	return string(dice)
}
