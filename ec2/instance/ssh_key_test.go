package instance

import (
	"crypto/sha1"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// The fingerprints in this test were made by openssl and ssh-keygen, as AWS's page
// "Verify the fingerprint of your key pair" tells.
const (
	rsaPublic = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQChWv6vcnM27bh5exf1Fps6W6otesGiZJnrD9HXk89KNcwRhF3vLKyR9OjR4vWbHxWwYYNyJVNCjC86Vvq/pyAXFvuuEo7sYtc2oF0T0kQ63ZWSRGkqVZ+QZciBE80Or0UCIYnwFzte0oUytVz+GVsZFImGbWFRywbKr2c5134JHqVWBY3SrZrCgS95ACgZJfMRVA8i4lNSFa1Wem9sbk+GJ4PBuBlrQOqKna9EjR1BRA865S94W493soVxA2OrGdNHsD5elyO0KZHULptWr7lPJuKlHFHxtMLLU2kqiPeqN1tUOtDR0t0lhi+FdeFiQpBIlDWrR+KrS+iuEetvp9vt"
	rsaPEM    = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAoVr+r3JzNu24eXsX9Rab
OluqLXrBomSZ6w/R15PPSjXMEYRd7yyskfTo0eL1mx8VsGGDciVTQowvOlb6v6cg
Fxb7rhKO7GLXNqBdE9JEOt2VkkRpKlWfkGXIgRPNDq9FAiGJ8Bc7XtKFMrVc/hlb
GRSJhm1hUcsGyq9nOdd+CR6lVgWN0q2awoEveQAoGSXzEVQPIuJTUhWtVnpvbG5P
hieDwbgZa0Dqip2vRI0dQUQPOuUveFuPd7KFcQNjqxnTR7A+XpcjtCmR1C6bVq+5
TybipRxR8bTCy1NpKoj3qjdbVDrQ0dLdJYYvhXXhYkKQSJQ1q0fiq0vorhHrb6fb
7QIDAQAB
-----END PUBLIC KEY-----
`
	rsaMD5   = "2e:ff:44:95:4f:05:f5:68:20:44:a8:e3:7a:21:89:db"
	edPublic = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAtWUIL2YkowHoSCLqotpFFBOVOpAO+TYezVDBAXs+Me"
	edSHA256 = "j1rhQkSAc4+9uvDxiieAlgvLUMXui9AieyyY4XmjZlk="
)

func TestImportedKeysHaveAWSsFingerprints(t *testing.T) {
	for _, c := range []struct{ material, kind, fingerprint string }{
		{rsaPublic, keyRSA, rsaMD5},
		{rsaPublic + " me@home\n", keyRSA, rsaMD5},
		{rsaPEM, keyRSA, rsaMD5},
		{edPublic, keyED25519, edSHA256},
	} {
		k, err := readKey([]byte(c.material))
		if err != nil || k.Type != c.kind || k.Fingerprint != c.fingerprint {
			t.Errorf("%.30s…: %+v, %v", c.material, k, err)
		}
	}
	for _, bad := range []string{"", "nonsense", "ssh-rsa AAAA", "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg="} {
		if k, err := readKey([]byte(bad)); err == nil {
			t.Errorf("%q is read as %+v", bad, k)
		}
	}
}

func TestAMadeKeyIsWholeAndItsFingerprintIsAWSs(t *testing.T) {
	made, err := generateKey(keyRSA)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(made.Private))
	private, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(der)
	if made.Fingerprint != colons(sum[:]) || len(made.Fingerprint) != 59 || private.N.BitLen() != 2048 {
		t.Errorf("%s, %d bits", made.Fingerprint, private.N.BitLen())
	}
	for _, kind := range []string{keyRSA, keyED25519} {
		made, err := generateKey(kind)
		if err != nil {
			t.Fatal(err)
		}
		signer, err := ssh.ParsePrivateKey([]byte(made.Private))
		if err != nil || line(signer.PublicKey()) != made.Public || !strings.HasPrefix(made.Private, "-----BEGIN ") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if _, err := generateKey("dsa"); err == nil {
		t.Error("a DSA key is made")
	}
}
