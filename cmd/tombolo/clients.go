package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"tombolo/store"
)

func envCommand(s *site) *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use: "env", GroupID: "clients", Args: cobra.NoArgs,
		Short: "Print shell exports that point AWS tools at this Tombolo",
		Long: `Env prints exports for a shell:

  eval "$(tombolo env)"

AWS_ENDPOINT_URL is honoured by the AWS CLI from 2.13 on and by current SDKs.
Older ones (Debian 12 has 2.9.19) need --endpoint-url "$AWS_ENDPOINT_URL", or
use: tombolo aws …`,
		RunE: func(c *cobra.Command, _ []string) error {
			keys, err := s.keyOf(account)
			if err != nil {
				return err
			}
			for _, v := range awsEnv(keys, s.endpoint(c)) {
				name, value, _ := strings.Cut(v, "=")
				fmt.Printf("export %s='%s'\n", name, value)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "name or number of an account; see tombolo account")
	return cmd
}

// endpoint is the daemon's, or the usual one when none answers.
func (s *site) endpoint(c *cobra.Command) string {
	if st, err := s.status(c.Context()); err == nil {
		return st.Endpoint
	}
	return "http://" + defaultListen
}

func awsEnv(keys store.Key, endpoint string) []string {
	return []string{"AWS_ENDPOINT_URL=" + endpoint, "AWS_ACCESS_KEY_ID=" + keys.ID,
		"AWS_SECRET_ACCESS_KEY=" + string(keys.Secret), "AWS_REGION=" + region(), "AWS_DEFAULT_REGION=" + region()}
}

func awsCommand(s *site) *cobra.Command {
	return &cobra.Command{
		Use: "aws ARGUMENT…", GroupID: "clients", DisableFlagParsing: true,
		Short: "Run the AWS CLI against this Tombolo",
		Long: `Aws runs the AWS CLI of this machine with this Tombolo's endpoint and keys:

  tombolo aws ec2 describe-vpcs`,
		RunE: func(c *cobra.Command, args []string) error {
			path, err := exec.LookPath("aws")
			if err != nil {
				return failed(exitMachine, "the AWS CLI is not installed; Debian: apt-get install awscli")
			}
			if len(args) == 1 && (args[0] == "--help" || args[0] == "-h") {
				return c.Help()
			}
			keys, err := s.key()
			if err != nil {
				return err
			}
			st, err := s.status(c.Context())
			if err != nil {
				return err
			}
			env := append(os.Environ(), awsEnv(keys, st.Endpoint)...)
			env = append(env, "AWS_SESSION_TOKEN=", "AWS_PAGER=")
			argv := append([]string{"aws", "--endpoint-url", st.Endpoint}, args...)
			err = syscall.Exec(path, argv, env)
			return fmt.Errorf("run aws: %w", err)
		},
	}
}
