package guest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A new instance that has not answered for this long will not.
const launchTimeout = 30 * time.Second

// launch starts process 1 of an instance: nsenter joins the instance's user and
// network namespaces, which a Go program cannot, unshare makes the rest, and our
// binary takes over. All of it happens below the room's PID namespace, so that the
// death of the holder takes it along. It returns when the instance takes commands.
func (g *Guests) launch(ctx context.Context, id string, host hostName) (err error) {
	netns, err := os.Open(g.room.place("ns", id))
	if err != nil {
		return fmt.Errorf("open the instance's network namespace: %w", err)
	}
	defer netns.Close()
	users, err := unix.IoctlRetInt(int(netns.Fd()), unix.NS_GET_USERNS)
	if err != nil {
		return fmt.Errorf("find the instance's user namespace: %w", err)
	}
	usersFile := os.NewFile(uintptr(users), "users")
	defer usersFile.Close()
	if err := layers(g.layerRoot, id, g.ids); err != nil {
		return fmt.Errorf("make the root filesystem: %w", err)
	}
	console, err := g.openConsole(id)
	if err != nil {
		return err
	}
	defer console.Close()
	agent, err := g.agentSocket(id)
	if err != nil {
		return err
	}
	defer agent.Close()
	ours, theirs, err := socketPair()
	if err != nil {
		return err
	}
	defer ours.Close()
	defer theirs.Close()
	cmd := g.launcher([]*os.File{usersFile, netns, theirs, agent, console})
	if err := g.startBelowHolder(cmd); err != nil {
		return err
	}
	theirs.Close()
	// unshare waits for its child, which nobody needs: the holder collects orphans.
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	return g.introduce(ctx, ours, id, host)
}

func (g *Guests) launcher(files []*os.File) *exec.Cmd {
	args := []string{fmt.Sprintf("--user=/proc/self/fd/%d", fdUsers), fmt.Sprintf("--net=/proc/self/fd/%d", fdNet)}
	if g.ids.size == 1 {
		args = append(args, "--preserve-credentials") // there is no other user to become
	}
	args = append(args, "--", g.unshare, "--mount", "--uts", "--ipc", "--pid", "--fork", "--", g.binary, roleBoot)
	cmd := exec.Command(g.nsenter, args...)
	cmd.Dir = g.room.place()
	cmd.Env = []string{"GOMAXPROCS=1"}
	cmd.ExtraFiles = files
	return cmd
}

// startBelowHolder starts cmd in the room's PID namespace.
func (g *Guests) startBelowHolder(cmd *exec.Cmd) error {
	return onThread(func() error {
		pids, err := os.Open(fmt.Sprintf("/proc/%d/ns/pid", g.holder.PID))
		if err != nil {
			return fmt.Errorf("find the holder: %w", err)
		}
		defer pids.Close()
		if err := unix.Setns(int(pids.Fd()), unix.CLONE_NEWPID); err != nil {
			return fmt.Errorf("join the room's processes: %w", err)
		}
		return cmd.Start()
	})
}

// introduce speaks with the new process: it learns who it is, puts it under its
// limits before it has made anything, and tells it what to become.
func (g *Guests) introduce(ctx context.Context, ours *os.File, id string, host hostName) error {
	file, err := net.FileConn(ours)
	if err != nil {
		return err
	}
	conn := file.(*net.UnixConn)
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	conn.SetDeadline(time.Now().Add(launchTimeout))
	pid, err := hello(conn)
	if err != nil {
		return fmt.Errorf("start the instance: %w", err)
	}
	spec := bootSpec{ID: id, Binary: g.binary, Hostname: host.Short, Hosts: host.Hosts, IDs: g.ids.size, Volatile: g.volatile,
		Processes: g.limits.Processes, Memory: g.limits.Memory}
	if _, memory := g.cgroups.place(id, pid, g.limits); memory {
		spec.Memory = 0
	}
	text, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	if err := tell(conn, string(text)); err != nil {
		return err
	}
	word, err := listen(conn)
	if err != nil {
		return fmt.Errorf("the instance died while starting: %w", err)
	}
	if word != "ready" {
		return errors.New(word)
	}
	return nil
}

// hello reads the first word of a new instance and who sent it, as the kernel says.
func hello(conn *net.UnixConn) (pid int, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	if e := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PASSCRED, 1) }); e != nil || err != nil {
		return 0, errors.Join(e, err)
	}
	buf, oob := make([]byte, len("hello\n")), make([]byte, unix.CmsgSpace(unix.SizeofUcred))
	n, oobn, _, _, err := conn.ReadMsgUnix(buf, oob)
	if err != nil {
		return 0, err
	}
	if n == 0 {
		return 0, errors.New("it ended at once")
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil {
		return 0, err
	}
	for _, m := range messages {
		if who, err := unix.ParseUnixCredentials(&m); err == nil {
			return int(who.Pid), nil
		}
	}
	return 0, errors.New("it did not say who it is")
}

// agentSocket makes the socket on which process 1 will listen. Its name is in the
// room, where nothing inside an instance can see it.
func (g *Guests) agentSocket(id string) (*os.File, error) {
	if err := g.agents.Remove(id); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), "agent")
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: g.agentName(id)}); err != nil {
		file.Close()
		return nil, fmt.Errorf("bind the instance's socket: %w", err)
	}
	return file, nil
}

// agentName goes through an open directory: a socket's name may have 108 bytes,
// and a state directory's path may have more.
func (g *Guests) agentName(id string) string {
	return fmt.Sprintf("/proc/self/fd/%d/%s", g.agentDir.Fd(), id)
}

// hostName is what an instance calls itself, and the text of its /etc/hosts.
type hostName struct{ Short, Hosts string }

// nameFor gives the name that EC2 derives from the private address (AWS: EC2
// instance hostnames and domains, IP name).
func nameFor(addr netip.Addr, region string) hostName {
	short := "localhost"
	hosts := "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
	if addr.Is4() {
		short = "ip-" + strings.ReplaceAll(addr.String(), ".", "-")
		domain := region + ".compute.internal"
		if region == "us-east-1" {
			domain = "ec2.internal"
		}
		hosts += fmt.Sprintf("%s %s.%s %s\n", addr, short, domain, short)
	}
	return hostName{short, hosts}
}
