package instance

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"time"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
	"tombolo/network"
)

// Instance profiles are kept and given back: there is no IAM that would know one, and
// no metadata service that would hand out its credentials.

func profileOperations() []api.Operation {
	return []api.Operation{
		api.Op("AssociateIamInstanceProfile", associateIamInstanceProfile, api.Params{Enforced: "InstanceId", Stored: "IamInstanceProfile"}),
		api.Op("DisassociateIamInstanceProfile", disassociateIamInstanceProfile, api.Params{Enforced: "AssociationId"}),
		api.Op("ReplaceIamInstanceProfileAssociation", replaceIamInstanceProfileAssociation, api.Params{Enforced: "AssociationId", Stored: "IamInstanceProfile"}),
	}
}

var (
	profileName = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)
	profileARN  = regexp.MustCompile(`^arn:aws:iam::\d{12}:instance-profile/(?:[\w+=,.@-]+/)*[\w+=,.@-]{1,128}$`)
)

// readProfile is the name or ARN that was sent.
func readProfile(in *wire.IamInstanceProfileSpecification) (string, error) {
	switch {
	case in == nil, in.Arn == nil && in.Name == nil:
		return "", api.Missing("IamInstanceProfile")
	case in.Arn != nil && in.Name != nil:
		return "", api.Combination("The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'")
	case in.Name != nil && !profileName.MatchString(*in.Name):
		return "", api.InvalidValue(*in.Name, "iamInstanceProfile.name", "Invalid IAM Instance Profile name")
	case in.Arn != nil && !profileARN.MatchString(*in.Arn):
		return "", api.InvalidValue(*in.Arn, "iamInstanceProfile.arn", "Invalid IAM Instance Profile ARN")
	case in.Name != nil:
		return *in.Name, nil
	}
	return *in.Arn, nil
}

// newAssociation is the ID of an association that is made now.
func newAssociation(c *api.Call, i network.InstanceID, named string) string {
	sum := sha256.Sum256([]byte(string(i) + " " + named + " " + c.Now.Format(time.RFC3339Nano)))
	return "iip-assoc-" + hex.EncodeToString(sum[:])[:17]
}

func showProfileAssociation(i *network.Instance, state string) *wire.IamInstanceProfileAssociation {
	return &wire.IamInstanceProfileAssociation{AssociationId: api.Text(profileAssociation(i)), InstanceId: api.Text(i.ID), IamInstanceProfile: profile(i),
		State: &state, Timestamp: new(i.Created)}
}

func associateIamInstanceProfile(c *api.Call, in *wire.AssociateIamInstanceProfileRequest) (*wire.AssociateIamInstanceProfileResult, error) {
	named, err := readProfile(in.IamInstanceProfile)
	if err != nil {
		return nil, err
	}
	i, err := one(c, in.InstanceId)
	switch {
	case err != nil:
		return nil, err
	case i.Stored[storedProfile] != "":
		return nil, &api.Error{Code: "IncorrectState", Message: "There is an existing association for instance " + string(i.ID)}
	}
	if i, err = setProfile(c, i.ID, named); err != nil {
		return nil, err
	}
	return &wire.AssociateIamInstanceProfileResult{IamInstanceProfileAssociation: showProfileAssociation(i, "associating")}, nil
}

// setProfile keeps another profile; "" is none.
func setProfile(c *api.Call, id network.InstanceID, named string) (*network.Instance, error) {
	kept := map[string]string{storedProfile: named, storedAssociation: newAssociation(c, id, named)}
	if _, err := c.Do(network.SetInstanceAttribute{Instance: id, Stored: kept}); err != nil {
		return nil, err
	}
	i := c.State.Instance(id)
	if i == nil {
		return nil, api.Gone(string(id))
	}
	return i, nil
}

// associated finds the instance of an association.
func associated(c *api.Call, id *string) (*network.Instance, error) {
	i, ok := profiles.Get(c, api.Value(id))
	if !ok || i.State == network.InstanceTerminated {
		return nil, &api.Error{Code: "InvalidAssociationID.NotFound", Message: "An invalid association-id of '" + api.Value(id) + "' was given"}
	}
	return i, nil
}

func disassociateIamInstanceProfile(c *api.Call, in *wire.DisassociateIamInstanceProfileRequest) (*wire.DisassociateIamInstanceProfileResult, error) {
	i, err := associated(c, in.AssociationId)
	if err != nil {
		return nil, err
	}
	shown := showProfileAssociation(i, "disassociating")
	if _, err := setProfile(c, i.ID, ""); err != nil {
		return nil, err
	}
	return &wire.DisassociateIamInstanceProfileResult{IamInstanceProfileAssociation: shown}, nil
}

func replaceIamInstanceProfileAssociation(c *api.Call, in *wire.ReplaceIamInstanceProfileAssociationRequest) (*wire.ReplaceIamInstanceProfileAssociationResult, error) {
	named, err := readProfile(in.IamInstanceProfile)
	if err != nil {
		return nil, err
	}
	i, err := associated(c, in.AssociationId)
	if err != nil {
		return nil, err
	}
	if i, err = setProfile(c, i.ID, named); err != nil {
		return nil, err
	}
	return &wire.ReplaceIamInstanceProfileAssociationResult{IamInstanceProfileAssociation: showProfileAssociation(i, "associating")}, nil
}
