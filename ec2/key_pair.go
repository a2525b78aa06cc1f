package ec2

import (
	"cmp"
	"iter"
	"slices"

	"tombolo/ec2/keypair"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func keyPairOperations() []operation {
	return []operation{
		op("CreateKeyPair", createKeyPair, params{
			enforced: "KeyName KeyType TagSpecification",
			refused:  []refuse{{paths: "KeyFormat", unless: "pem", why: "puttygen makes a PPK of a PEM file"}},
		}),
		op("ImportKeyPair", importKeyPair, params{enforced: "KeyName PublicKeyMaterial TagSpecification"}),
		op("DeleteKeyPair", deleteKeyPair, params{enforced: "KeyName KeyPairId"}),
		op("DescribeKeyPairs", describeKeyPairs, params{enforced: "KeyName KeyPairId IncludePublicKey Filter", filters: keyPairs.filterNames()}),
	}
}

func createKeyPair(c *call, in *wire.CreateKeyPairRequest) (*wire.KeyPair, error) {
	if c.state.KeyPairNamed(c.caller, *in.KeyName) != nil { // before the dear part
		return nil, &network.Error{Code: network.KeyPairExists, Subject: *in.KeyName}
	}
	kind := cmp.Or(value(in.KeyType), keypair.RSA)
	made, err := keypair.Generate(kind)
	if err != nil {
		return nil, err
	}
	out, err := c.do(network.ImportKeyPair{Name: *in.KeyName, Type: kind, Fingerprint: made.Fingerprint, Public: made.Public, Tags: c.tags(in.TagSpecifications, "key-pair")})
	if err != nil {
		return nil, err
	}
	return &wire.KeyPair{KeyName: in.KeyName, KeyPairId: text(out.Created[0]), KeyFingerprint: text(made.Fingerprint), KeyMaterial: text(made.Private),
		Tags: c.tagSet(out.Created[0])}, nil
}

func importKeyPair(c *call, in *wire.ImportKeyPairRequest) (*wire.ImportKeyPairResult, error) {
	k, err := keypair.Read(in.PublicKeyMaterial)
	if err != nil {
		return nil, &Error{Code: "InvalidKey.Format", Message: "Key is not in valid OpenSSH public key format"}
	}
	out, err := c.do(network.ImportKeyPair{Name: *in.KeyName, Type: k.Type, Fingerprint: k.Fingerprint, Public: k.Public, Tags: c.tags(in.TagSpecifications, "key-pair")})
	if err != nil {
		return nil, err
	}
	return &wire.ImportKeyPairResult{KeyName: in.KeyName, KeyPairId: text(out.Created[0]), KeyFingerprint: text(k.Fingerprint), Tags: c.tagSet(out.Created[0])}, nil
}

// deleteKeyPair succeeds when there is nothing to delete (AWS: DeleteKeyPair).
func deleteKeyPair(c *call, in *wire.DeleteKeyPairRequest) (*wire.DeleteKeyPairResult, error) {
	if in.KeyName == nil && in.KeyPairId == nil {
		return nil, missing("KeyName")
	}
	id := value(in.KeyPairId)
	if in.KeyPairId != nil && !network.WellFormed(id, "key") {
		return nil, invalidID(id, "key")
	}
	if k := c.state.KeyPairNamed(c.caller, value(in.KeyName)); k != nil && id == "" {
		id = string(k.ID)
	}
	if _, err := c.do(network.DeleteKeyPair{ID: network.KeyPairID(value(in.KeyPairId)), Name: value(in.KeyName)}); err != nil {
		return nil, err
	}
	return &wire.DeleteKeyPairResult{Return: new(true), KeyPairId: text(id)}, nil
}

var keyPairs = listing[*network.KeyPair]{
	kind: "key",
	key:  func(k *network.KeyPair) string { return string(k.ID) },
	all:  func(c *call) iter.Seq[*network.KeyPair] { return c.state.KeyPairsOf(c.caller) },
	get: func(c *call, id string) (*network.KeyPair, bool) {
		k := c.state.KeyPair(network.KeyPairID(id))
		return k, k != nil && k.In(c.caller)
	},
	tags: func(c *call, k *network.KeyPair) network.Tags { return c.state.Tags(c.caller, string(k.ID)) },
	filters: []filter[*network.KeyPair]{
		{"fingerprint", func(_ *call, k *network.KeyPair) []string { return one(k.Fingerprint) }},
		{"key-name", func(_ *call, k *network.KeyPair) []string { return one(k.Name) }},
		{"key-pair-id", func(_ *call, k *network.KeyPair) []string { return one(k.ID) }},
	},
}

func describeKeyPairs(c *call, in *wire.DescribeKeyPairsRequest) (*wire.DescribeKeyPairsResult, error) {
	ids := slices.Clone(in.KeyPairIds)
	for _, name := range in.KeyNames {
		k := c.state.KeyPairNamed(c.caller, name)
		if k == nil {
			return nil, &network.Error{Code: network.NotFound, Subject: name, Detail: "key"}
		}
		ids = append(ids, string(k.ID))
	}
	rows, _, err := keyPairs.rows(c, query{ids: ids, filters: in.Filters})
	if err != nil {
		return nil, err
	}
	show := func(k *network.KeyPair) wire.KeyPairInfo {
		out := wire.KeyPairInfo{KeyPairId: text(k.ID), KeyName: text(k.Name), KeyType: text(k.Type), KeyFingerprint: text(k.Fingerprint),
			CreateTime: new(k.Created), Tags: c.tagSet(string(k.ID))}
		if value(in.IncludePublicKey) {
			out.PublicKey = text(k.Public)
		}
		return out
	}
	return &wire.DescribeKeyPairsResult{KeyPairs: all(rows, show)}, nil
}
