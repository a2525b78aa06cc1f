package iam

import (
	"encoding/json"
	"net/http"
	"net/url"
	"time"

	"tombolo/network"
	"tombolo/store"
)

// NewIAM answers the calls of AWS's IAM by which clients find out whose keys they
// hold. Terraform asks GetUser and ListRoles when STS does not answer (aws-sdk-go-base,
// awsauth.go), Ansible's aws_caller_info ListAccountAliases.
func NewIAM(a *Accounts) *API {
	const version = "2010-05-08"
	return &API{Accounts: a, version: version, namespace: "https://iam.amazonaws.com/doc/" + version + "/",
		actions: map[string]func(*API, *call) (any, error){
			"GetUser": getUser, "GetRole": getRole, "ListRoles": listRoles, "ListAccountAliases": listAccountAliases,
		},
		unserved: func(action string) error {
			return unsupported("The action " + action + " is not supported by this server: there are accounts and the roles between them (tombolo account), no users and no policies.")
		}}
}

func noSuchEntity(message string) error {
	return &fault{http.StatusNotFound, "NoSuchEntity", message}
}

// stamp is how IAM writes times.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

type user struct {
	User struct {
		Path       string
		UserName   string
		UserId     string
		Arn        string
		CreateDate string
	}
}

// getUser: the only user of an account is its root.
func getUser(_ *API, c *call) (any, error) {
	if name := c.form.Get("UserName"); name != "" {
		return nil, noSuchEntity("The user with name " + name + " cannot be found.")
	}
	if c.Session {
		return nil, invalid("Must specify userName when calling with non-User credentials")
	}
	var out user
	out.User.Path, out.User.UserName = "/", "root"
	out.User.UserId, out.User.Arn = c.UserID, c.ARN
	out.User.CreateDate = stamp(time.Unix(0, 0))
	return out, nil
}

type roleView struct {
	Path                     string
	RoleName                 string
	RoleId                   string
	Arn                      string
	CreateDate               string
	AssumeRolePolicyDocument string
	MaxSessionDuration       int
}

// showRole is a role with its trust as the policy that it is on AWS, which IAM
// percent-encodes.
func showRole(owner network.Account, r store.Role) roleView {
	type principal struct{ AWS []string }
	type statement struct {
		Effect    string
		Principal principal
		Action    string
	}
	var who []string
	for _, t := range r.Trusts {
		who = append(who, "arn:aws:iam::"+string(t)+":root")
	}
	doc, err := json.Marshal(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", []statement{{"Allow", principal{who}, "sts:AssumeRole"}}})
	if err != nil {
		panic("unreachable: plain data: " + err.Error())
	}
	return roleView{"/", r.Name, roleID(owner, r.Name), "arn:aws:iam::" + string(owner) + ":role/" + r.Name, stamp(r.Created), url.PathEscape(string(doc)), int(maxRoleSession / time.Second)}
}

type oneRole struct{ Role roleView }

func getRole(a *API, c *call) (any, error) {
	name := c.form.Get("RoleName")
	for _, r := range a.Accounts.roles(c.Account) {
		if r.Name == name {
			return oneRole{showRole(c.Account, r)}, nil
		}
	}
	return nil, noSuchEntity("The role with name " + name + " cannot be found.")
}

type listedRoles struct {
	Roles       []roleView `xml:"Roles>member"`
	IsTruncated bool
}

func listRoles(a *API, c *call) (any, error) {
	var out listedRoles
	if prefix := c.form.Get("PathPrefix"); prefix == "" || prefix == "/" {
		for _, r := range a.Accounts.roles(c.Account) {
			out.Roles = append(out.Roles, showRole(c.Account, r))
		}
	}
	return out, nil
}

type aliases struct {
	AccountAliases []string `xml:"AccountAliases>member"`
	IsTruncated    bool
}

// listAccountAliases: what people call an account is its alias.
func listAccountAliases(a *API, c *call) (any, error) {
	known, err := a.Accounts.Find(string(c.Account))
	if err != nil {
		return aliases{}, nil
	}
	return aliases{AccountAliases: []string{known.Name}}, nil
}
