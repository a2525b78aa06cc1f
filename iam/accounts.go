package iam

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"sync"
	"time"

	"tombolo/gate"
	"tombolo/network"
	"tombolo/store"
)

// Keeper outlives the process.
type Keeper interface {
	SetCredentials(store.Credentials) error
}

// Accounts are all accounts, their keys and roles. It is a gate.Keys.
type Accounts struct {
	keeper Keeper
	mu     sync.RWMutex
	now    store.Credentials // replaced whole, never changed
}

// NewAccounts begins with c, which the keeper has.
func NewAccounts(c store.Credentials, keeper Keeper) *Accounts {
	return &Accounts{keeper: keeper, now: c}
}

// The reasons why there is no such change.
var (
	ErrUnknown = errors.New("there is no such account")
	ErrTaken   = errors.New("the name is taken")
	ErrName    = errors.New("a name has 3 to 63 characters of a-z, 0-9 and -, and begins with a letter")
	ErrFirst   = errors.New("the first account stays")
	ErrRole    = errors.New("a role's name has 1 to 64 characters of A-Z, a-z, 0-9 and +=,.@_-")
	ErrNoTrust = errors.New("there is no such trust")
)

// An account's name is its alias too (AWS: Your AWS account alias).
var (
	accountName = regexp.MustCompile(`^[a-z][a-z0-9-]{2,62}$`)
	roleName    = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
)

func (a *Accounts) read() store.Credentials {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.now
}

// change writes what f makes of a copy, and shows it once it is durable.
func (a *Accounts) change(f func(*store.Credentials) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	next := a.now
	next.Keys, next.Accounts = slices.Clone(next.Keys), slices.Clone(next.Accounts)
	if err := f(&next); err != nil {
		return err
	}
	if err := a.keeper.SetCredentials(next); err != nil {
		return err
	}
	a.now = next
	return nil
}

// List is all of them, the first one first.
func (a *Accounts) List() []store.Account { return a.read().Accounts }

// Find finds an account by name or number.
func (a *Accounts) Find(name string) (store.Account, error) {
	for _, known := range a.List() {
		if known.Name == name || string(known.ID) == name {
			return known, nil
		}
	}
	return store.Account{}, fmt.Errorf("%w: %s", ErrUnknown, name)
}

// Key is an account's access key.
func (a *Accounts) Key(id network.Account) (store.Key, bool) {
	for _, k := range a.read().Keys {
		if k.Account == id {
			return k, true
		}
	}
	return store.Key{}, false
}

// Add makes an account and its access key.
func (a *Accounts) Add(name string) (store.Account, store.Key, error) {
	var made store.Account
	var key store.Key
	err := a.change(func(c *store.Credentials) error {
		if !accountName.MatchString(name) {
			return fmt.Errorf("%w: %q", ErrName, name)
		}
		taken := func(id network.Account) bool {
			return slices.ContainsFunc(c.Accounts, func(known store.Account) bool { return known.ID == id })
		}
		if slices.ContainsFunc(c.Accounts, func(known store.Account) bool { return known.Name == name }) {
			return fmt.Errorf("%w: %s", ErrTaken, name)
		}
		made = store.Account{ID: rollAccount(), Name: name}
		for taken(made.ID) {
			made.ID = rollAccount()
		}
		key = store.NewKey(made.ID)
		c.Accounts, c.Keys = append(c.Accounts, made), append(c.Keys, key)
		return nil
	})
	return made, key, err
}

// rollAccount is a number of twelve digits that does not begin with 0: people paste
// it where a leading zero gets lost.
func rollAccount() network.Account {
	n, err := rand.Int(rand.Reader, big.NewInt(900_000_000_000))
	if err != nil {
		panic("unreachable: crypto/rand: " + err.Error())
	}
	return network.Account(n.Add(n, big.NewInt(100_000_000_000)).String())
}

// Remove forgets an account with its keys and roles; no other trusts it any more.
func (a *Accounts) Remove(id network.Account) error {
	return a.change(func(c *store.Credentials) error {
		if id == store.FirstAccount {
			return ErrFirst
		}
		before := len(c.Accounts)
		c.Accounts = slices.DeleteFunc(c.Accounts, func(known store.Account) bool { return known.ID == id })
		if len(c.Accounts) == before {
			return fmt.Errorf("%w: %s", ErrUnknown, id)
		}
		c.Keys = slices.DeleteFunc(c.Keys, func(k store.Key) bool { return k.Account == id })
		for k := range c.Accounts {
			for _, r := range c.Accounts[k].Roles {
				c.Accounts[k].Roles = without(c.Accounts[k].Roles, r.Name, id)
			}
		}
		return nil
	})
}

// Trust lets an account assume a role of the owner's.
func (a *Accounts) Trust(owner, trusted network.Account, role string, now time.Time) error {
	return a.change(func(c *store.Credentials) error {
		if !roleName.MatchString(role) {
			return fmt.Errorf("%w: %q", ErrRole, role)
		}
		at, err := place(c, owner)
		if err != nil {
			return err
		}
		if _, err := place(c, trusted); err != nil {
			return err
		}
		roles := slices.Clone(c.Accounts[at].Roles)
		k := slices.IndexFunc(roles, func(r store.Role) bool { return r.Name == role })
		if k < 0 {
			k, roles = len(roles), append(roles, store.Role{Name: role, Created: now.UTC().Truncate(time.Second)})
		}
		if !slices.Contains(roles[k].Trusts, trusted) {
			roles[k].Trusts = append(slices.Clone(roles[k].Trusts), trusted)
		}
		c.Accounts[at].Roles = roles
		return nil
	})
}

// Distrust takes that back. Sessions that exist live on until they expire, as on AWS.
func (a *Accounts) Distrust(owner, trusted network.Account, role string) error {
	return a.change(func(c *store.Credentials) error {
		at, err := place(c, owner)
		if err != nil {
			return err
		}
		if !trusts(c.Accounts[at], role, trusted) {
			return fmt.Errorf("%w: %s does not let %s assume %s", ErrNoTrust, owner, trusted, role)
		}
		c.Accounts[at].Roles = without(c.Accounts[at].Roles, role, trusted)
		return nil
	})
}

func place(c *store.Credentials, id network.Account) (int, error) {
	k := slices.IndexFunc(c.Accounts, func(a store.Account) bool { return a.ID == id })
	if k < 0 {
		return 0, fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	return k, nil
}

func trusts(a store.Account, role string, who network.Account) bool {
	return slices.ContainsFunc(a.Roles, func(r store.Role) bool { return r.Name == role && slices.Contains(r.Trusts, who) })
}

// without is roles where one does not trust an account; a role that trusts nobody goes.
func without(roles []store.Role, name string, who network.Account) []store.Role {
	var out []store.Role
	for _, r := range roles {
		if r.Name == name {
			r.Trusts = slices.DeleteFunc(slices.Clone(r.Trusts), func(t network.Account) bool { return t == who })
		}
		if len(r.Trusts) > 0 {
			out = append(out, r)
		}
	}
	return out
}

// Lookup finds an access key for package gate: an account's own, or one that STS
// gave out, which its session token describes. What STS gave to whoever asked, while
// nothing was verified, is worth nothing here: see Believed.
func (a *Accounts) Lookup(id, token string, now time.Time) (gate.Identity, string, error) {
	return a.lookup(id, token, now, false)
}

// Believed finds access keys where nothing is verified, those that STS gave to
// whoever asked among them.
func (a *Accounts) Believed() gate.Keys { return believed{a} }

type believed struct{ accounts *Accounts }

// Lookup is as that of Accounts.
func (b believed) Lookup(id, token string, now time.Time) (gate.Identity, string, error) {
	return b.accounts.lookup(id, token, now, true)
}

func (a *Accounts) lookup(id, token string, now time.Time, open bool) (gate.Identity, string, error) {
	c := a.read()
	if token == "" {
		for _, k := range c.Keys {
			if k.ID == id {
				return gate.Root(k.Account), string(k.Secret), nil
			}
		}
		return gate.Identity{}, "", gate.ErrUnknownKey
	}
	s, secret, ok := unseal(c.Seal, id, token)
	if s.Open {
		ok = ok && open
	} else {
		ok = ok && slices.ContainsFunc(c.Accounts, func(known store.Account) bool { return known.ID == s.Account })
	}
	if !ok {
		return gate.Identity{}, "", gate.ErrUnknownKey
	}
	if !now.Before(s.Expires) {
		return s.identity(), secret, gate.ErrExpiredToken
	}
	return s.identity(), secret, nil
}
