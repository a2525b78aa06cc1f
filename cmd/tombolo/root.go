package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"tombolo/client"
	"tombolo/local"
	"tombolo/store"
)

// defaultListen is where the API listens when nothing else is said.
const defaultListen = "127.0.0.1:4566"

// site is the state directory and what can be found from it.
type site struct{ dir string }

// root is the command tree.
func root() *cobra.Command {
	s := &site{}
	cmd := &cobra.Command{
		Use:   "tombolo",
		Short: "A VPC you own: AWS's networking API in front of real packets",
		Long: `Tombolo answers AWS's EC2 API on this machine and makes the Linux kernel forward
or drop real packets between light-weight instances exactly as AWS would.

  tombolo lab                    see it work: ten steps, three VPCs, real packets
  tombolo serve                  run the daemon in the foreground
  tombolo console                the web console's address
  eval "$(tombolo env)"          point the AWS CLI and SDKs at it
  tombolo aws ec2 create-vpc --cidr-block 10.0.0.0/16
  tombolo exec web -- curl http://172.31.1.199/`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version,
		Args:          cobra.ArbitraryArgs,

		SuggestionsMinimumDistance: 2,
		TraverseChildren:           true, // so that `tombolo --state DIR aws …` works
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			hint := ""
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				hint = "; did you mean " + near[0] + "?"
			}
			return failed(exitUsage, "unknown command %q%s; see: tombolo --help", args[0], hint)
		},
	}
	cmd.PersistentPreRunE = func(*cobra.Command, []string) error { return s.absolute() }
	cmd.PersistentFlags().StringVar(&s.dir, "state", defaultState(), "state directory; one Tombolo per directory")
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return failed(exitUsage, "%w; see: %s --help", err, c.CommandPath())
	})
	cmd.AddGroup(&cobra.Group{ID: "run", Title: "Run:"}, &cobra.Group{ID: "look", Title: "Look and try:"}, &cobra.Group{ID: "clients", Title: "Use it from other tools:"})
	for _, sub := range []*cobra.Command{serveCommand(s), downCommand(s), labCommand(), statusCommand(s), doctorCommand(),
		execCommand(s), connectCommand(s), reachCommand(s), traceCommand(s), diffCommand(s), flowLogsCommand(s), consoleCommand(s), probeCommand(), workerCommand(), lsCommand(s), showCommand(s), envCommand(s), awsCommand(s), accountCommand(s)} {
		cmd.AddCommand(sub)
	}
	usage(cmd)
	cmd.SetHelpCommandGroupID("clients")
	cmd.SetCompletionCommandGroupID("clients")
	return cmd
}

// usage makes a wrong number of arguments a usage error, of every command.
func usage(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return failed(exitUsage, "%w; see: %s --help", err, c.CommandPath())
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		usage(sub)
	}
}

// defaultState is $TOMBOLO_STATE, or /var/lib/tombolo for root, or tombolo in the
// user's XDG state directory.
func defaultState() string {
	if dir := os.Getenv("TOMBOLO_STATE"); dir != "" {
		return dir
	}
	if os.Geteuid() == 0 {
		return "/var/lib/tombolo"
	}
	base := os.Getenv("XDG_STATE_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			home = "."
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "tombolo")
}

// socket is the way to this site's daemon.
func (s *site) socket() local.Socket { return local.Socket(s.socketPath()) }

func (s *site) socketPath() string { return filepath.Join(s.dir, "tombolo.sock") }

// daemonStatus is what a daemon says of itself on its socket.
type daemonStatus struct {
	Version     string   `json:"version"`
	PID         int      `json:"pid"`
	Endpoint    string   `json:"endpoint"`
	State       string   `json:"state"`
	Fabric      string   `json:"fabric"` // linux or none
	Plane       string   `json:"plane"`  // what decides about packets
	FastPath    string   `json:"fastPath,omitempty"`
	FastPathWhy string   `json:"fastPathWhy,omitempty"` // why none faster remembers verdicts
	Instances   string   `json:"instances"`             // how instances are isolated
	Auth        string   `json:"auth"`
	Generation  uint64   `json:"generation"`
	Obeyed      uint64   `json:"obeyed"` // the generation that packets obey
	Degraded    []string `json:"degraded"`
}

func (s *site) status(ctx context.Context) (daemonStatus, error) {
	var st daemonStatus
	err := s.socket().Ask(ctx, "status", nil, &st)
	return st, err
}

// key is the access key made at first start.
func (s *site) key() (store.Key, error) {
	return s.keyOf("")
}

// keyOf is the access key of an account by its name or number; "" is the first one.
func (s *site) keyOf(account string) (store.Key, error) {
	c, err := store.ReadCredentials(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return store.Key{}, failed(exitNoDaemon, "no access keys in %s yet: they are made when the daemon first starts; start it with: tombolo serve", s.dir)
	}
	if err != nil {
		return store.Key{}, err
	}
	if account == "" {
		return c.Keys[0], nil
	}
	for _, a := range c.Accounts {
		for _, k := range c.Keys {
			if k.Account == a.ID && (a.Name == account || string(a.ID) == account) {
				return k, nil
			}
		}
	}
	return store.Key{}, failed(exitNotFound, "there is no account %s; see: tombolo account list", account)
}

// region is the Region that clients of ours use unless they are told another.
func region() string {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if r := os.Getenv(name); r != "" {
			return r
		}
	}
	return "us-east-1"
}

// api is a client of this site's daemon.
func (s *site) api(ctx context.Context) (*client.Client, error) {
	st, err := s.status(ctx)
	if err != nil {
		return nil, err
	}
	k, err := s.key()
	if err != nil {
		return nil, err
	}
	return &client.Client{Endpoint: st.Endpoint, Region: region(), AccessKey: k.ID, Secret: string(k.Secret)}, nil
}

// isNotFound reports whether an AWS error code says that something is not there.
func isNotFound(code string) bool { return strings.HasSuffix(code, ".NotFound") }
