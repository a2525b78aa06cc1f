package guest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Where cloud-init keeps what it was given and what it has done; people look there.
const (
	cloudDir     = "/var/lib/cloud/instance"
	userDataRan  = cloudDir + "/sem/config_scripts_user"
	rcLocal      = "/etc/rc.local"
	poweredOff   = cloudDir + "/powered-off"
	userDataMost = 64 << 10
)

// boot runs what an instance runs when it starts: /etc/rc.local if there is one by
// now, at every boot, and the user data at the first (AWS: Run commands when you
// launch an EC2 instance with user data input). It returns at once.
func (m *machine) boot(userData []byte) {
	m.mu.Lock()
	again := m.booted
	m.booted = true
	m.mu.Unlock()
	if again {
		return
	}
	os.Remove(poweredOff)
	local := false
	if info, err := os.Stat(rcLocal); err == nil {
		local = info.Mode()&0o111 != 0
	}
	go func() {
		if local {
			m.console.say("rc.local: %s", m.script(rcLocal, "rc.local"))
		}
	}()
	go func() {
		if len(userData) > 0 {
			m.runUserData(userData)
		}
	}()
}

// runUserData runs a script once in an instance's life: the mark is set before it
// starts, so that a crash never makes it run twice.
func (m *machine) runUserData(data []byte) {
	if os.MkdirAll(filepath.Dir(userDataRan), 0o755) != nil {
		return
	}
	mark, err := os.OpenFile(userDataRan, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return
	}
	mark.Close()
	data = unpack(data)
	os.WriteFile(cloudDir+"/user-data.txt", data, 0o600)
	if !bytes.HasPrefix(data, []byte("#!")) {
		m.console.say("cloud-init: the user data is not a script (no #! in its first line); it is kept in %s/user-data.txt", cloudDir)
		return
	}
	path := cloudDir + "/scripts/part-001"
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err == nil {
		err = os.WriteFile(path, data, 0o700)
		if err != nil {
			m.console.say("cloud-init: %v", err)
		}
	}
	began := time.Now()
	end := m.script(path, "user data")
	m.console.say("cloud-init: user data %s after %.2f seconds", end, time.Since(began).Seconds())
	os.WriteFile(cloudDir+"/boot-finished", []byte(time.Now().UTC().Format(time.RFC1123)+"\n"), 0o644)
}

// script runs a file as root with its output on the console, and says how it ended.
// What it leaves running in the background goes on writing there.
func (m *machine) script(path, what string) string {
	read, write, err := os.Pipe()
	if err != nil {
		return err.Error()
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err.Error()
	}
	m.console.say("cloud-init: running %s (%s)", path, what)
	_, done, err := m.start(path, []string{path}, &syscall.ProcAttr{
		Dir: "/", Env: []string{"PATH=" + defaultPath, "HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/bash", "LANG=C.UTF-8"},
		Files: []uintptr{null.Fd(), write.Fd(), write.Fd()}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	write.Close()
	null.Close()
	if err != nil {
		read.Close()
		m.console.say("cloud-init: %s: %v", path, err)
		return "did not start: " + err.Error()
	}
	copied := make(chan struct{})
	go func() {
		io.Copy(m.console, read)
		read.Close()
		close(copied)
	}()
	end := ended(<-done)
	select { // what was written before the end comes before the line that tells of it
	case <-copied:
	case <-time.After(100 * time.Millisecond):
	}
	return end
}

func ended(status unix.WaitStatus) string {
	if status.Signaled() {
		return fmt.Sprintf("ended by signal %d", status.Signal())
	}
	return fmt.Sprintf("ended with status %d", status.ExitStatus())
}

// unpack undoes gzip, in which user data may come (cloud-init does the same).
func unpack(data []byte) []byte {
	packed, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return data
	}
	text, err := io.ReadAll(io.LimitReader(packed, 16*userDataMost))
	if err != nil {
		return data
	}
	return text
}

// bootNeeds reports whether an instance has something to run at this boot, as far
// as its files on disk say. Without, it starts no process at all.
func bootNeeds(root *os.Root, layer string, userData []byte) bool {
	return existsInside(root, layer, rcLocal) || existsInside(root, layer, poweredOff) ||
		len(userData) > 0 && !existsInside(root, layer, userDataRan)
}

// existsInside reports whether an instance has made a file.
func existsInside(root *os.Root, layer, path string) bool {
	_, err := root.Lstat(filepath.Join(layer, "root/upper", strings.TrimPrefix(path, "/")))
	return err == nil
}
