// Package keypair makes and reads SSH keys as Amazon EC2 does: RSA and ED25519,
// with the fingerprints that AWS computes, which differ by type and origin (AWS:
// Verify the fingerprint of your key pair). It stores nothing.
package keypair

import (
	"crypto/ed25519"
	"crypto/md5" //nolint:gosec // AWS's fingerprint of imported keys
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // AWS's fingerprint of created keys
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"
)

// The types of key.
const (
	RSA     = "rsa"
	ED25519 = "ed25519"
)

// Key is a key pair as far as it is known.
type Key struct {
	Type        string
	Fingerprint string
	Public      string // OpenSSH form, one line
	Private     string // PEM; only of a generated one
}

// rsaBits is how long AWS's RSA keys are.
const rsaBits = 2048

// Generate makes a key pair.
func Generate(kind string) (Key, error) {
	switch kind {
	case RSA:
		return generateRSA()
	case ED25519:
		return generateED25519()
	}
	return Key{}, fmt.Errorf("make a key of type %q: there are %s and %s", kind, RSA, ED25519)
}

func generateRSA() (Key, error) {
	private, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return Key{}, fmt.Errorf("make an RSA key: %w", err)
	}
	public, err := ssh.NewPublicKey(&private.PublicKey)
	if err != nil {
		return Key{}, fmt.Errorf("encode an RSA key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return Key{}, fmt.Errorf("encode an RSA key: %w", err)
	}
	sum := sha1.Sum(der)
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)}
	return Key{RSA, colons(sum[:]), line(public), string(pem.EncodeToMemory(block))}, nil
}

func generateED25519() (Key, error) {
	open, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("make an ED25519 key: %w", err)
	}
	public, err := ssh.NewPublicKey(open)
	if err != nil {
		return Key{}, fmt.Errorf("encode an ED25519 key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return Key{}, fmt.Errorf("encode an ED25519 key: %w", err)
	}
	return Key{ED25519, sha256Of(public), line(public), string(pem.EncodeToMemory(block))}, nil
}

// errFormat is what is no public key that AWS takes.
var errFormat = errors.New("not a public key of type rsa or ed25519")

// Read reads a public key in OpenSSH's form, or an RSA one in PEM or DER.
func Read(material []byte) (Key, error) {
	public, comment, _, _, err := ssh.ParseAuthorizedKey(material)
	if err != nil {
		if public, err = readDER(material); err != nil {
			return Key{}, errFormat
		}
	}
	k := Key{Public: strings.TrimSpace(line(public) + " " + comment)}
	switch public.Type() {
	case ssh.KeyAlgoED25519:
		k.Type, k.Fingerprint = ED25519, sha256Of(public)
	case ssh.KeyAlgoRSA:
		holder, ok := public.(ssh.CryptoPublicKey)
		if !ok {
			return Key{}, errFormat
		}
		der, err := x509.MarshalPKIXPublicKey(holder.CryptoPublicKey())
		if err != nil {
			return Key{}, errFormat
		}
		sum := md5.Sum(der)
		k.Type, k.Fingerprint = RSA, colons(sum[:])
	default:
		return Key{}, errFormat
	}
	return k, nil
}

func readDER(material []byte) (ssh.PublicKey, error) {
	if block, _ := pem.Decode(material); block != nil {
		material = block.Bytes
	} else if der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(material))); err == nil {
		material = der
	}
	key, err := x509.ParsePKIXPublicKey(material)
	if err != nil {
		return nil, err
	}
	return ssh.NewPublicKey(key)
}

func line(k ssh.PublicKey) string { return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k))) }

// sha256Of is ssh-keygen's fingerprint, with the padding that AWS leaves on.
func sha256Of(k ssh.PublicKey) string {
	sum := sha256.Sum256(k.Marshal())
	return base64.StdEncoding.EncodeToString(sum[:])
}

// colons is 1a:2b:3c.
func colons(sum []byte) string {
	var parts []string
	for _, b := range sum {
		parts = append(parts, hex.EncodeToString([]byte{b}))
	}
	return strings.Join(parts, ":")
}
