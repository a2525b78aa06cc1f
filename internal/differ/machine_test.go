package differ_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"testing"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"tombolo/internal/testnet"
	"tombolo/linux"
	"tombolo/network"
)

func TestMain(m *testing.M) { testnet.Main(m) }

// machine is an instance: a namespace whose kernel says nothing by itself, and one
// socket that sends and sees every frame.
type machine struct {
	host  *testnet.Host
	fd    int
	links map[network.ENIID]int // index of the interface's link
	enis  map[int]network.ENIID
}

func newMachine() (*machine, error) {
	host, err := testnet.OpenHost()
	if err != nil {
		return nil, err
	}
	m := &machine{host: host, fd: -1}
	if err := host.Do(m.open); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

func (m *machine) open() error {
	if err := silence(); err != nil {
		return err
	}
	var err error
	m.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, int(everyProtocol))
	if err != nil {
		return fmt.Errorf("open packet socket: %w", err)
	}
	if err := unix.SetsockoptInt(m.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
		return fmt.Errorf("ignore what goes out: %w", err)
	}
	if unix.SetsockoptInt(m.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 8<<20) != nil {
		_ = unix.SetsockoptInt(m.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 8<<20)
	}
	return nil
}

// everyProtocol is ETH_P_ALL in network order.
const everyProtocol = uint16(unix.ETH_P_ALL&0xff)<<8 | unix.ETH_P_ALL>>8

// silence has the calling thread's namespace drop all that its kernel would
// receive or send. Packet sockets stand before and behind that.
func silence() error {
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("open nftables: %w", err)
	}
	drop := nftables.ChainPolicyDrop
	t := c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: "silence"})
	for name, hook := range map[string]*nftables.ChainHook{"in": nftables.ChainHookPrerouting, "out": nftables.ChainHookOutput} {
		c.AddChain(&nftables.Chain{Name: name, Table: t, Type: nftables.ChainTypeFilter, Hooknum: hook, Priority: nftables.ChainPriorityRaw, Policy: &drop})
	}
	if err := c.Flush(); err != nil {
		return fmt.Errorf("silence the kernel: %w", err)
	}
	return nil
}

func (m *machine) close() {
	if m.fd >= 0 {
		_ = unix.Close(m.fd)
	}
	_ = m.host.Close()
}

// find notes which links the machine's interfaces have now.
func (m *machine) find(enis []*network.ENI) error {
	m.links, m.enis = map[network.ENIID]int{}, map[int]network.ENIID{}
	return m.host.Do(func() error {
		for _, e := range enis {
			link, err := net.InterfaceByName("eth" + strconv.Itoa(e.Attachment.Device))
			if err != nil {
				return fmt.Errorf("find the link of %s: %w", e.ID, err)
			}
			m.links[e.ID], m.enis[link.Index] = link.Index, e.ID
		}
		return nil
	})
}

// send sends an IP packet out of an interface, to the router.
func (m *machine) send(e *network.ENI, packet []byte) error {
	etherType := uint16(unix.ETH_P_IP)
	if packet[0]>>4 == 6 {
		etherType = unix.ETH_P_IPV6
	}
	frame := make([]byte, 0, 14+len(packet))
	frame = append(append(frame, linux.RouterMAC[:]...), e.MAC[:]...)
	frame = append(binary.BigEndian.AppendUint16(frame, etherType), packet...)
	err := unix.Sendto(m.fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: m.links[e.ID], Halen: 6})
	if err != nil {
		return fmt.Errorf("send from %s: %w", e.ID, err)
	}
	return nil
}

// arrival is one of our packets that came in.
type arrival struct {
	at       network.ENIID
	flow     uint32
	kind     byte
	src, dst netip.Addr
}

// A packet carries which flow it is of, and which of its packets: behind enough
// zeros to be a valid header of protocols that have one.
var tag = []byte("\x00\x00\x00\x00\x00\x00\x00\x00tombolo:")

const (
	kindRequest = 'q'
	kindAnswer  = 'a'
)

func payload(flow uint32, kind byte) []byte {
	return append(binary.BigEndian.AppendUint32(bytes.Clone(tag), flow), kind)
}

// receive takes what has come in.
func (m *machine) receive(buf []byte, each func(arrival)) error {
	for {
		n, from, err := unix.Recvfrom(m.fd, buf, unix.MSG_DONTWAIT)
		if errors.Is(err, unix.EAGAIN) {
			return m.lost()
		}
		if err != nil && !errors.Is(err, unix.ENETDOWN) { // a link has gone
			return fmt.Errorf("receive: %w", err)
		}
		link, ok := from.(*unix.SockaddrLinklayer)
		if !ok || n < 14+20+len(tag)+5 {
			continue
		}
		at, frame := m.enis[link.Ifindex], buf[:n]
		tail := frame[n-len(tag)-5:]
		if at == "" || !bytes.HasPrefix(tail, tag) {
			continue
		}
		a := arrival{at: at, flow: binary.BigEndian.Uint32(tail[len(tag):]), kind: tail[len(tag)+4]}
		ip := frame[14:]
		if ip[0]>>4 == 6 {
			a.src, a.dst = netip.AddrFrom16([16]byte(ip[8:24])), netip.AddrFrom16([16]byte(ip[24:40]))
		} else {
			a.src, a.dst = netip.AddrFrom4([4]byte(ip[12:16])), netip.AddrFrom4([4]byte(ip[16:20]))
		}
		each(a)
	}
}

// lost fails when the kernel had no room for a packet: then silence proves nothing.
func (m *machine) lost() error {
	stats, err := unix.GetsockoptTpacketStats(m.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return fmt.Errorf("read statistics of the packet socket: %w", err)
	}
	if stats.Drops > 0 {
		return fmt.Errorf("the packet socket lost %d packets", stats.Drops)
	}
	return nil
}

func dup(f *os.File, name string) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}
