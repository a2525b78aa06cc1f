package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/middleware"
)

// seen are the operations that the SDK has called.
type seen struct {
	mu    sync.Mutex
	names map[string]bool
}

// record is a middleware that notes each operation's name.
func (s *seen) record(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("record", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		s.mu.Lock()
		s.names[middleware.GetOperationName(ctx)] = true
		s.mu.Unlock()
		return next.HandleInitialize(ctx, in)
	}), middleware.After)
}

// binary is the built program.
func binary(t *testing.T) string {
	path, err := filepath.Abs("../bin/tombolo")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// daemon starts the built daemon on a state directory and gives its URL and key.
func daemon(t *testing.T, dir string, args ...string) (url, id, secret string) {
	cmd := exec.Command(binary(t), append([]string{"serve", "--state", dir, "--listen", "127.0.0.1:0"}, args...)...)
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: run make build first", err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the daemon did not end well: %v\n%s", err, &log)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("not ready: %v\n%s", err, &log)
	}
	var keys struct {
		Keys []struct {
			ID     string `json:"access_key_id"`
			Secret string `json:"secret_access_key"`
		} `json:"keys"`
	}
	doc, err := os.ReadFile(filepath.Join(dir, "credentials.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(doc, &keys); err != nil {
		t.Fatal(err)
	}
	return strings.Fields(line)[3], keys.Keys[0].ID, keys.Keys[0].Secret
}

// serve starts the built daemon without packets and gives the SDK's
// configuration for it.
func serve(t *testing.T) (aws.Config, *seen) {
	url, id, secret := daemon(t, t.TempDir(), "--fabric", "none")
	s := &seen{names: map[string]bool{}}
	c, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-east-1"), config.WithBaseEndpoint(url),
		config.WithCredentialsProvider(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}, nil
		})),
		config.WithAPIOptions([]func(*middleware.Stack) error{s.record}))
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

// served are the operations that the daemon claims to serve.
func served(t *testing.T) []string {
	text, err := os.ReadFile("../docs/coverage.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(text)) {
		// A heading of one word is an operation.
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "## "); ok && !strings.Contains(name, " ") {
			out = append(out, name)
		}
	}
	if len(out) < 100 {
		t.Fatalf("only %d operations found", len(out))
	}
	return out
}

// missing are the operations that were never called.
func (s *seen) missing(names []string) []string {
	return slices.DeleteFunc(names, func(n string) bool { return s.names[n] })
}

// must stops the test unless err is nil.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// check stops the test unless what holds.
func check(t *testing.T, holds bool, what string, args ...any) {
	t.Helper()
	if !holds {
		t.Fatalf("not so: %s", fmt.Sprintf(what, args...))
	}
}
