package command

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func pidIn(t *testing.T, file string) int {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// killFrom ends a process that a test's script left behind.
func killFrom(t *testing.T, file string) {
	t.Helper()
	if err := syscall.Kill(pidIn(t, file), syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}

// gone waits until there is no such process, or only what its parent left of it.
func gone(t *testing.T, file string) {
	t.Helper()
	pid := pidIn(t, file)
	until(t, "process "+strconv.Itoa(pid)+" ends", func() bool {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		return errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) || strings.Contains(string(stat), ") Z ")
	})
}
