package iam

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"

	"tombolo/gate"
	"tombolo/network"
	"tombolo/store"
)

// A session token says, sealed, whom it stands for and until when; the secret of its
// access key is derived from it. So a session needs no memory: it survives a restart,
// and nobody can fill a table with sessions. Decision 0140.

// grant is what is inside a session token.
type grant struct {
	KeyID   string
	Account network.Account
	Role    string `json:",omitempty"` // "" is the account itself: GetSessionToken
	Name    string `json:",omitempty"` // of the role's session
	Expires time.Time
	Open    bool `json:",omitempty"` // made while nothing is verified: the account need not be known
}

// credentials are what STS hands out.
type credentials struct {
	KeyID, Secret, Token string
	Expires              time.Time
}

// sealer is AES-GCM under a key that is only used for this.
func sealer(seal store.Secret) cipher.AEAD {
	key := sha256.Sum256([]byte("session token " + string(seal)))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("unreachable: the key has 32 bytes")
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("unreachable: AES has the block size of GCM")
	}
	return gcm
}

// issue makes temporary credentials.
func issue(seal store.Secret, g grant) credentials {
	var dice [10]byte
	rand.Read(dice[:]) //nolint:errcheck // documented never to fail
	g.KeyID = "ASIA" + upper32.EncodeToString(dice[:])
	g.Expires = g.Expires.UTC().Truncate(time.Second)
	doc, err := json.Marshal(g)
	if err != nil {
		panic("unreachable: plain data: " + err.Error())
	}
	token := base64.StdEncoding.EncodeToString(sealer(seal).Seal(nil, nil, doc, nil))
	return credentials{KeyID: g.KeyID, Secret: secretOf(seal, token), Token: token, Expires: g.Expires}
}

// secretOf is the secret access key that belongs to a token.
func secretOf(seal store.Secret, token string) string {
	mac := hmac.New(sha256.New, []byte("secret key "+string(seal)))
	mac.Write([]byte(token))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))[:40]
}

// unseal reads a token that came with an access key; ok is false for one that was
// not made here, or not for this key.
func unseal(seal store.Secret, keyID, token string) (g grant, secret string, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return grant{}, "", false
	}
	doc, err := sealer(seal).Open(nil, nil, raw, nil)
	if err != nil || json.Unmarshal(doc, &g) != nil || g.KeyID != keyID {
		return grant{}, "", false
	}
	return g, secretOf(seal, token), true
}

// identity is who acts by the grant.
func (g grant) identity() gate.Identity {
	if g.Role == "" {
		out := gate.Root(g.Account)
		out.Session = true
		return out
	}
	return gate.Identity{Account: g.Account, Session: true, UserID: roleID(g.Account, g.Role) + ":" + g.Name,
		ARN: "arn:aws:sts::" + string(g.Account) + ":assumed-role/" + g.Role + "/" + g.Name}
}

// roleID is a role's unique ID (AWS: IAM identifiers, AROA).
func roleID(a network.Account, role string) string {
	sum := sha256.Sum256([]byte(string(a) + " " + role))
	return "AROA" + upper32.EncodeToString(sum[:])[:17]
}
