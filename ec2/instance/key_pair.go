package instance

import (
	"cmp"
	"iter"
	"slices"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

func keyPairOperations() []api.Operation {
	return []api.Operation{
		api.Op("CreateKeyPair", createKeyPair, api.Params{
			Enforced: "KeyName KeyType TagSpecification",
			Refused:  []api.Refuse{{Paths: "KeyFormat", Unless: "pem", Why: "puttygen makes a PPK of a PEM file"}},
		}),
		api.Op("ImportKeyPair", importKeyPair, api.Params{Enforced: "KeyName PublicKeyMaterial TagSpecification"}),
		api.Op("DeleteKeyPair", deleteKeyPair, api.Params{Enforced: "KeyName KeyPairId"}),
		api.Op("DescribeKeyPairs", describeKeyPairs, api.Params{Enforced: "KeyName KeyPairId IncludePublicKey Filter", Filters: keyPairs.FilterNames()}),
	}
}

func createKeyPair(c *api.Call, in *wire.CreateKeyPairRequest) (*wire.KeyPair, error) {
	if c.State.KeyPairNamed(c.Caller, *in.KeyName) != nil { // before the dear part
		return nil, &network.Error{Code: network.KeyPairExists, Subject: *in.KeyName}
	}
	kind := cmp.Or(api.Value(in.KeyType), keyRSA)
	made, err := generateKey(kind)
	if err != nil {
		return nil, err
	}
	out, err := c.Do(network.ImportKeyPair{Name: *in.KeyName, Type: kind, Fingerprint: made.Fingerprint, Public: made.Public, Tags: c.Tags(in.TagSpecifications, "key-pair")})
	if err != nil {
		return nil, err
	}
	return &wire.KeyPair{KeyName: in.KeyName, KeyPairId: api.Text(out.Created[0]), KeyFingerprint: api.Text(made.Fingerprint), KeyMaterial: api.Text(made.Private),
		Tags: c.TagSet(out.Created[0])}, nil
}

func importKeyPair(c *api.Call, in *wire.ImportKeyPairRequest) (*wire.ImportKeyPairResult, error) {
	k, err := readKey(in.PublicKeyMaterial)
	if err != nil {
		return nil, &api.Error{Code: "InvalidKey.Format", Message: "Key is not in valid OpenSSH public key format"}
	}
	out, err := c.Do(network.ImportKeyPair{Name: *in.KeyName, Type: k.Type, Fingerprint: k.Fingerprint, Public: k.Public, Tags: c.Tags(in.TagSpecifications, "key-pair")})
	if err != nil {
		return nil, err
	}
	return &wire.ImportKeyPairResult{KeyName: in.KeyName, KeyPairId: api.Text(out.Created[0]), KeyFingerprint: api.Text(k.Fingerprint), Tags: c.TagSet(out.Created[0])}, nil
}

// deleteKeyPair succeeds when there is nothing to delete (AWS: DeleteKeyPair).
func deleteKeyPair(c *api.Call, in *wire.DeleteKeyPairRequest) (*wire.DeleteKeyPairResult, error) {
	if in.KeyName == nil && in.KeyPairId == nil {
		return nil, api.Missing("KeyName")
	}
	id := api.Value(in.KeyPairId)
	if in.KeyPairId != nil && !network.WellFormed(id, "key") {
		return nil, api.InvalidID(id, "key")
	}
	if k := c.State.KeyPairNamed(c.Caller, api.Value(in.KeyName)); k != nil && id == "" {
		id = string(k.ID)
	}
	if _, err := c.Do(network.DeleteKeyPair{ID: network.KeyPairID(api.Value(in.KeyPairId)), Name: api.Value(in.KeyName)}); err != nil {
		return nil, err
	}
	return &wire.DeleteKeyPairResult{Return: new(true), KeyPairId: api.Text(id)}, nil
}

var keyPairs = api.Listing[*network.KeyPair]{
	Kind: "key",
	Key:  func(k *network.KeyPair) string { return string(k.ID) },
	All:  func(c *api.Call) iter.Seq[*network.KeyPair] { return c.State.KeyPairsOf(c.Caller) },
	Get: func(c *api.Call, id string) (*network.KeyPair, bool) {
		k := c.State.KeyPair(network.KeyPairID(id))
		return k, k != nil && k.In(c.Caller)
	},
	Tags: func(c *api.Call, k *network.KeyPair) network.Tags { return c.State.Tags(c.Caller, string(k.ID)) },
	Filters: []api.Filter[*network.KeyPair]{
		api.By("fingerprint", func(_ *api.Call, k *network.KeyPair) []string { return api.One(k.Fingerprint) }),
		api.By("key-name", func(_ *api.Call, k *network.KeyPair) []string { return api.One(k.Name) }),
		api.By("key-pair-id", func(_ *api.Call, k *network.KeyPair) []string { return api.One(k.ID) }),
	},
}

func describeKeyPairs(c *api.Call, in *wire.DescribeKeyPairsRequest) (*wire.DescribeKeyPairsResult, error) {
	ids := slices.Clone(in.KeyPairIds)
	for _, name := range in.KeyNames {
		k := c.State.KeyPairNamed(c.Caller, name)
		if k == nil {
			return nil, &network.Error{Code: network.NotFound, Subject: name, Detail: "key"}
		}
		ids = append(ids, string(k.ID))
	}
	rows, _, err := keyPairs.Rows(c, api.Query{IDs: ids, Filters: in.Filters})
	if err != nil {
		return nil, err
	}
	show := func(k *network.KeyPair) wire.KeyPairInfo {
		out := wire.KeyPairInfo{KeyPairId: api.Text(k.ID), KeyName: api.Text(k.Name), KeyType: api.Text(k.Type), KeyFingerprint: api.Text(k.Fingerprint),
			CreateTime: new(k.Created), Tags: c.TagSet(string(k.ID))}
		if api.Value(in.IncludePublicKey) {
			out.PublicKey = api.Text(k.Public)
		}
		return out
	}
	return &wire.DescribeKeyPairsResult{KeyPairs: api.All(rows, show)}, nil
}
