package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tombolo/iam"
	"tombolo/local"
	"tombolo/network"
	"tombolo/store"
)

// defaultRole is the role by which an organization's management account gets into
// its member accounts (AWS: Accessing member accounts in an organization).
const defaultRole = "OrganizationAccountAccessRole"

// accountAsk is what the command line wants of the accounts.
type accountAsk struct {
	Verb          string // add, list, key, rm, trust or distrust
	Account       string // name or number
	Trusted, Role string
}

// accountView is an account as the command line shows it. The secret is there only
// when it was asked for.
type accountView struct {
	Name      string            `json:"name"`
	Account   network.Account   `json:"account"`
	AccessKey string            `json:"accessKeyId"`
	Secret    string            `json:"secretAccessKey,omitempty"`
	Roles     map[string]string `json:"roles,omitempty"` // role → names of those who may assume it
}

func (d *daemon) account(a accountAsk) (any, error) {
	out, err := d.askAccount(a)
	switch {
	case errors.Is(err, iam.ErrUnknown), errors.Is(err, iam.ErrNoTrust):
		return nil, &local.Problem{Kind: local.NotFound, Message: err.Error()}
	case errors.Is(err, iam.ErrName), errors.Is(err, iam.ErrRole), errors.Is(err, iam.ErrTaken), errors.Is(err, iam.ErrFirst):
		return nil, &local.Problem{Kind: local.Unclear, Message: err.Error()}
	}
	return out, err
}

func (d *daemon) askAccount(a accountAsk) (any, error) {
	switch a.Verb {
	case "list":
		out := []accountView{}
		for _, known := range d.accounts.List() {
			out = append(out, d.accountView(known))
		}
		return out, nil
	case "add":
		made, key, err := d.accounts.Add(a.Account)
		if err != nil {
			return nil, err
		}
		view := d.accountView(made)
		view.Secret = string(key.Secret)
		return view, nil
	}
	owner, err := d.accounts.Find(a.Account)
	if err != nil {
		return nil, err
	}
	switch a.Verb {
	case "rm":
		if left := leftIn(d.State(), owner.ID); left != "" {
			return nil, &local.Problem{Kind: local.Unclear, Message: "account " + owner.Name + " still has " + left + ": delete what it made first"}
		}
		return d.accountView(owner), d.accounts.Remove(owner.ID)
	case "trust", "distrust":
		trusted, err := d.accounts.Find(a.Trusted)
		if err != nil {
			return nil, err
		}
		if a.Verb == "trust" {
			err = d.accounts.Trust(owner.ID, trusted.ID, a.Role, time.Now())
		} else {
			err = d.accounts.Distrust(owner.ID, trusted.ID, a.Role)
		}
		return "arn:aws:iam::" + string(owner.ID) + ":role/" + a.Role, err
	}
	return nil, fmt.Errorf("this daemon cannot %q accounts", a.Verb)
}

// leftIn names something that an account made and that nobody could delete without
// its key; "" when there is nothing beyond what every account has.
func leftIn(s network.State, account network.Account) string {
	for w := range s.Worlds() {
		if w.Owner != account {
			continue
		}
		c := network.Caller{Account: w.Owner, Region: w.Region}
		for i := range s.InstancesOf(c) {
			if i.State != network.InstanceTerminated {
				return string(i.ID)
			}
		}
		for v := range s.VPCsOf(c) {
			if !v.Default {
				return string(v.ID)
			}
		}
	}
	return ""
}

func (d *daemon) accountView(a store.Account) accountView {
	out := accountView{Name: a.Name, Account: a.ID}
	if k, ok := d.accounts.Key(a.ID); ok {
		out.AccessKey = k.ID
	}
	for _, r := range a.Roles {
		var names []string
		for _, t := range r.Trusts {
			if known, err := d.accounts.Find(string(t)); err == nil {
				names = append(names, known.Name)
			}
		}
		if out.Roles == nil {
			out.Roles = map[string]string{}
		}
		out.Roles[r.Name] = strings.Join(names, " ")
	}
	return out
}

func accountCommand(s *site) *cobra.Command {
	cmd := &cobra.Command{
		Use: "account", GroupID: "clients", Args: cobra.NoArgs,
		Short: "Make accounts, and let one act for another",
		Long: `Account makes accounts beside the first one. They share this Tombolo and see
nothing of each other, except what AWS lets two accounts share: a peering
connection is seen from both sides, and carries packets between them.

  tombolo account add sales
  eval "$(tombolo env --account sales)"
  tombolo account trust sales default     # the account default may assume a role in sales
  aws sts assume-role --role-session-name me --role-arn arn:aws:iam::…:role/` + defaultRole,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var output, role string
	list := &cobra.Command{Use: "list", Aliases: []string{"ls"}, Args: cobra.NoArgs, Short: "List the accounts",
		RunE: func(c *cobra.Command, _ []string) error {
			var all []accountView
			if err := s.askAccount(c.Context(), accountAsk{Verb: "list"}, &all); err != nil {
				return err
			}
			if output != "table" {
				return printDocument(all, output)
			}
			printAccounts(all)
			return nil
		}}
	add := &cobra.Command{Use: "add NAME", Args: cobra.ExactArgs(1), Short: "Make an account and print its access key",
		RunE: func(c *cobra.Command, args []string) error {
			var made accountView
			if err := s.askAccount(c.Context(), accountAsk{Verb: "add", Account: args[0]}, &made); err != nil {
				return err
			}
			if output != "table" {
				return printDocument(made, output)
			}
			fmt.Printf("account %s %s\nAWS_ACCESS_KEY_ID=%s\nAWS_SECRET_ACCESS_KEY=%s\n", made.Name, made.Account, made.AccessKey, made.Secret)
			return nil
		}}
	for _, sub := range []*cobra.Command{list, add} {
		sub.Flags().StringVarP(&output, "output", "o", "table", "table, json or yaml")
	}
	rm := &cobra.Command{Use: "rm NAME", Args: cobra.ExactArgs(1), Short: "Remove an account and its keys; it must have made nothing that is left",
		RunE: func(c *cobra.Command, args []string) error {
			return s.askAccount(c.Context(), accountAsk{Verb: "rm", Account: args[0]}, &accountView{})
		}}
	trust := &cobra.Command{Use: "trust OWNER ACCOUNT", Args: cobra.ExactArgs(2), Short: "Let ACCOUNT assume a role in OWNER, and print the role's ARN"}
	distrust := &cobra.Command{Use: "distrust OWNER ACCOUNT", Args: cobra.ExactArgs(2), Short: "Take that back"}
	for _, sub := range []*cobra.Command{trust, distrust} {
		verb := sub.Name()
		sub.Flags().StringVar(&role, "role", defaultRole, "the role's name")
		sub.RunE = func(c *cobra.Command, args []string) error {
			var arn string
			if err := s.askAccount(c.Context(), accountAsk{Verb: verb, Account: args[0], Trusted: args[1], Role: role}, &arn); err != nil {
				return err
			}
			if verb == "trust" {
				fmt.Println(arn)
			}
			return nil
		}
	}
	cmd.AddCommand(add, list, rm, trust, distrust)
	return cmd
}

func (s *site) askAccount(ctx context.Context, a accountAsk, answer any) error {
	return answered(s.socket().Ask(ctx, "account", a, answer))
}

func printAccounts(all []accountView) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintln(w, "NAME\tACCOUNT\tACCESS KEY\tROLE\tMAY BE ASSUMED BY")
	for _, a := range all {
		if len(a.Roles) == 0 {
			fmt.Fprintf(w, "%s\t%s\t%s\t-\t-\n", a.Name, a.Account, a.AccessKey)
		}
		for k, role := range slices.Sorted(maps.Keys(a.Roles)) {
			if k > 0 {
				a.Name, a.Account, a.AccessKey = "", "", ""
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", a.Name, a.Account, a.AccessKey, role, a.Roles[role])
		}
	}
}
