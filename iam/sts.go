package iam

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tombolo/network"
	"tombolo/store"
)

// stsActions are the operations of AWS's STS that are not served, so that a wrong
// name and one that is only not served get different answers.
var stsActions = []string{"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot", "DecodeAuthorizationMessage",
	"GetDelegatedAccessToken", "GetFederationToken", "GetWebIdentityToken"}

// NewSTS answers AWS's Security Token Service.
func NewSTS(a *Accounts) *API {
	const version = "2011-06-15"
	return &API{Accounts: a, version: version, namespace: "https://sts.amazonaws.com/doc/" + version + "/",
		actions: map[string]func(*API, *call) (any, error){
			"AssumeRole": assumeRole, "GetAccessKeyInfo": getAccessKeyInfo, "GetCallerIdentity": getCallerIdentity, "GetSessionToken": getSessionToken,
		},
		unserved: func(action string) error {
			if slices.Contains(stsActions, action) {
				return unsupported("The action " + action + " is not supported by this server.")
			}
			return &fault{http.StatusBadRequest, "InvalidAction", "Could not find operation " + action + " for version " + version}
		}}
}

type callerIdentity struct{ Arn, UserId, Account string }

// getCallerIdentity is every client's way to ask "do my keys work?".
func getCallerIdentity(_ *API, c *call) (any, error) {
	return callerIdentity{c.ARN, c.UserID, string(c.Account)}, nil
}

type accessKeyInfo struct{ Account string }

func getAccessKeyInfo(a *API, c *call) (any, error) {
	id := c.form.Get("AccessKeyId")
	for _, k := range a.Accounts.read().Keys {
		if k.ID == id {
			return accessKeyInfo{string(k.Account)}, nil
		}
	}
	return nil, invalid("Access key id " + id + " is not valid.")
}

type handedOut struct {
	AccessKeyId, SecretAccessKey, SessionToken string
	Expiration                                 string
}

func (c credentials) shown() handedOut {
	return handedOut{c.KeyID, c.Secret, c.Token, c.Expires.Format("2006-01-02T15:04:05Z")}
}

type sessionToken struct{ Credentials handedOut }

// getSessionToken gives an account temporary credentials of its own (AWS:
// GetSessionToken): 900 seconds to 36 hours; at most an hour for the root user.
func getSessionToken(a *API, c *call) (any, error) {
	if c.Session {
		return nil, denied("Cannot call GetSessionToken with session credentials")
	}
	if err := refused(c, "SerialNumber TokenCode", "there are no MFA devices"); err != nil {
		return nil, err
	}
	life, err := duration(c, 12*time.Hour, 36*time.Hour)
	if err != nil {
		return nil, err
	}
	return sessionToken{issue(a.Accounts.read().Seal, grant{Account: c.Account, Expires: a.now().Add(min(life, time.Hour)), Open: a.Open}).shown()}, nil
}

// duration reads DurationSeconds, at least 15 minutes.
func duration(c *call, usual, most time.Duration) (time.Duration, error) {
	sent := c.form.Get("DurationSeconds")
	if sent == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(sent)
	switch {
	case err != nil:
		return 0, &fault{http.StatusBadRequest, "MalformedInput", "DurationSeconds must be a number"}
	case n < 900:
		return 0, constraint(sent, "durationSeconds", "have value greater than or equal to 900")
	case n > int(most/time.Second):
		return 0, constraint(sent, "durationSeconds", "have value less than or equal to "+strconv.Itoa(int(most/time.Second)))
	}
	return time.Duration(n) * time.Second, nil
}

// refused answers parameters that would not do what they say.
func refused(c *call, parameters, why string) error {
	for key := range c.form {
		first, _, _ := strings.Cut(key, ".")
		if slices.Contains(strings.Fields(parameters), first) {
			return unsupported("The parameter " + key + " is not supported: " + why + ".")
		}
	}
	return nil
}

var (
	roleARN     = regexp.MustCompile(`^arn:aws:iam::(\d{12}):role/((?:[\w+=,.@-]+/)*)([\w+=,.@-]{1,64})$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]*$`)
)

type assumedRole struct {
	AssumedRoleUser struct{ AssumedRoleId, Arn string }
	Credentials     handedOut
	SourceIdentity  string `xml:",omitempty"`
}

// maxRoleSession is the longest session of a role that nobody has set another for,
// and of every role that was assumed by another one (AWS: AssumeRole, DurationSeconds).
const maxRoleSession = time.Hour

// assumeRole gives credentials for another account to those whom it trusts.
func assumeRole(a *API, c *call) (any, error) {
	arn, session := c.form.Get("RoleArn"), c.form.Get("RoleSessionName")
	for _, needed := range [][2]string{{"roleArn", arn}, {"roleSessionName", session}} {
		if needed[1] == "" {
			return nil, invalid("1 validation error detected: Value at '" + needed[0] + "' failed to satisfy constraint: Member must not be null")
		}
	}
	role := roleARN.FindStringSubmatch(arn)
	switch {
	case len(arn) < 20:
		return nil, constraint(arn, "roleArn", "have length greater than or equal to 20")
	case role == nil:
		return nil, invalid(arn + " is invalid")
	case len(session) < 2:
		return nil, constraint(session, "roleSessionName", "have length greater than or equal to 2")
	case len(session) > 64:
		return nil, constraint(session, "roleSessionName", "have length less than or equal to 64")
	case !sessionName.MatchString(session):
		return nil, constraint(session, "roleSessionName", `satisfy regular expression pattern: [\w+=,.@-]*`)
	}
	life, err := duration(c, time.Hour, 12*time.Hour)
	if err != nil {
		return nil, err
	}
	if err := refused(c, "Policy PolicyArns Tags TransitiveTagKeys SerialNumber TokenCode ProvidedContexts", "there are no policies, tags of sessions or MFA devices"); err != nil {
		return nil, err
	}
	if life > maxRoleSession {
		if c.Session {
			return nil, invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
		}
		return nil, invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	owner, name := network.Account(role[1]), role[3]
	known, err := a.Accounts.Find(role[1])
	if !a.Open && (err != nil || role[2] != "" || !trusts(known, name, c.Account)) {
		// AWS does not tell a role that does not exist from one that may not be assumed.
		return nil, denied("User: " + c.ARN + " is not authorized to perform: sts:AssumeRole on resource: " + arn)
	}
	g := grant{Account: owner, Role: name, Name: session, Expires: a.now().Add(life), Open: a.Open}
	who := g.identity()
	out := assumedRole{Credentials: issue(a.Accounts.read().Seal, g).shown(), SourceIdentity: c.form.Get("SourceIdentity")}
	out.AssumedRoleUser.AssumedRoleId, out.AssumedRoleUser.Arn = who.UserID, who.ARN
	return out, nil
}

// roles are an account's.
func (a *Accounts) roles(id network.Account) []store.Role {
	known, err := a.Find(string(id))
	if err != nil {
		return nil
	}
	return known.Roles
}
