package instance

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

// SSH keys as Amazon EC2 makes and reads them: RSA and ED25519, with the
// fingerprints that AWS computes, which differ by type and origin (AWS: Verify the
// fingerprint of your key pair).
const (
	keyRSA     = "rsa"
	keyED25519 = "ed25519"
)

// sshKey is a key pair as far as it is known.
type sshKey struct {
	Type        string
	Fingerprint string
	Public      string // OpenSSH form, one line
	Private     string // PEM; only of a generated one
}

// rsaBits is how long AWS's RSA keys are.
const rsaBits = 2048

// generateKey makes a key pair.
func generateKey(kind string) (sshKey, error) {
	switch kind {
	case keyRSA:
		return generateRSA()
	case keyED25519:
		return generateED25519()
	}
	return sshKey{}, fmt.Errorf("make a key of type %q: there are %s and %s", kind, keyRSA, keyED25519)
}

func generateRSA() (sshKey, error) {
	private, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return sshKey{}, fmt.Errorf("make an RSA key: %w", err)
	}
	public, err := ssh.NewPublicKey(&private.PublicKey)
	if err != nil {
		return sshKey{}, fmt.Errorf("encode an RSA key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return sshKey{}, fmt.Errorf("encode an RSA key: %w", err)
	}
	sum := sha1.Sum(der)
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)}
	return sshKey{keyRSA, colons(sum[:]), line(public), string(pem.EncodeToMemory(block))}, nil
}

func generateED25519() (sshKey, error) {
	open, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return sshKey{}, fmt.Errorf("make an ED25519 key: %w", err)
	}
	public, err := ssh.NewPublicKey(open)
	if err != nil {
		return sshKey{}, fmt.Errorf("encode an ED25519 key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return sshKey{}, fmt.Errorf("encode an ED25519 key: %w", err)
	}
	return sshKey{keyED25519, sha256Of(public), line(public), string(pem.EncodeToMemory(block))}, nil
}

// errFormat is what is no public key that AWS takes.
var errFormat = errors.New("not a public key of type rsa or ed25519")

// readKey reads a public key in OpenSSH's form, or an RSA one in PEM or DER.
func readKey(material []byte) (sshKey, error) {
	public, comment, _, _, err := ssh.ParseAuthorizedKey(material)
	if err != nil {
		if public, err = readDER(material); err != nil {
			return sshKey{}, errFormat
		}
	}
	k := sshKey{Public: strings.TrimSpace(line(public) + " " + comment)}
	switch public.Type() {
	case ssh.KeyAlgoED25519:
		k.Type, k.Fingerprint = keyED25519, sha256Of(public)
	case ssh.KeyAlgoRSA:
		holder, ok := public.(ssh.CryptoPublicKey)
		if !ok {
			return sshKey{}, errFormat
		}
		der, err := x509.MarshalPKIXPublicKey(holder.CryptoPublicKey())
		if err != nil {
			return sshKey{}, errFormat
		}
		sum := md5.Sum(der)
		k.Type, k.Fingerprint = keyRSA, colons(sum[:])
	default:
		return sshKey{}, errFormat
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
