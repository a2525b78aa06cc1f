package plugin

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// site is what all tests share.
type site struct {
	dir     string // begins the PATH: tombolo, aws, session-manager-plugin
	tombolo string
	plugin  string // its version
}

// here is set once, before any test runs.
var here site

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tbp-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := prepare(dir); err != nil {
		fmt.Fprintf(os.Stderr, "\n*** The real session-manager-plugin was NOT tried: %v ***\n\n", err)
		return 1
	}
	return m.Run()
}

// prepare puts everything that the tests run into one directory.
func prepare(dir string) error {
	// An ordinary user runs it as well.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	plugin, err := findPlugin()
	if err != nil {
		return err
	}
	aws, err := findAWS()
	if err != nil {
		return err
	}
	tombolo, err := filepath.Abs("../../bin/tombolo")
	if err != nil {
		return err
	}
	here = site{dir: dir, tombolo: filepath.Join(dir, "tombolo")}
	if err := copyProgram(tombolo, here.tombolo); err != nil {
		return fmt.Errorf("%w: run make build first", err)
	}
	if err := copyProgram(plugin, filepath.Join(dir, "session-manager-plugin")); err != nil {
		return err
	}
	if err := os.Symlink(aws, filepath.Join(dir, "aws")); err != nil {
		return err
	}
	version, err := exec.Command(plugin, "--version").Output()
	if err != nil {
		return fmt.Errorf("ask %s for its version: %w", plugin, err)
	}
	here.plugin = string(version)
	fmt.Printf("session-manager-plugin %s from %s\n", version, plugin)
	return nil
}

// findAWS prefers Debian's AWS CLI to whatever else is on the PATH.
func findAWS() (string, error) {
	if path, err := exec.LookPath("/usr/bin/aws"); err == nil {
		return path, nil
	}
	return exec.LookPath("aws")
}

// findPlugin gives the plugin's path; it builds it when there is none.
func findPlugin() (string, error) {
	if path := os.Getenv("TOMBOLO_SESSION_MANAGER_PLUGIN"); path != "" {
		return exec.LookPath(path)
	}
	path, err := exec.LookPath("session-manager-plugin")
	if err == nil || !errors.Is(err, exec.ErrNotFound) {
		return path, err
	}
	return buildPlugin()
}

// module is the plugin's main package in AWS's module.
const module = "github.com/aws/session-manager-plugin/src/sessionmanagerplugin-main"

// buildPlugin builds the plugin as it is. Go's build cache makes all but the first
// time quick.
func buildPlugin() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "tombolo", "session-manager-plugin-"+runtime.GOARCH)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	build := exec.Command("go", "build", "-trimpath", "-o", path, module)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", module, err, out)
	}
	return path, nil
}

func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
