package kernel

import (
	"encoding/binary"
	"fmt"
	"os"
	"syscall"

	"github.com/google/nftables/binaryutil"
	mdl "github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"tombolo/linux"
)

// dumpBuffer is what one answer of the kernel's may be. It makes answers as large as
// the reader can take them, up to 32 KiB; and it walks a set from its beginning for
// every answer, so that small ones make a large set take a second.
const dumpBuffer = 64 << 10

// counted is an element of a set and what it counted.
type counted struct {
	key            []byte
	packets, bytes uint64
}

// dumpCounts lists a set's elements with their counters. It has a socket of its own
// and needs no lock: the set must be one that nothing is added to.
func dumpCounts(ns *os.File, f linux.Family, set string) (out []counted, err error) {
	var fd int
	err = inside(ns, func() (err error) {
		fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open netlink: %w", err)
	}
	defer unix.Close(fd)
	attributes, err := mdl.MarshalAttributes([]mdl.Attribute{
		{Type: unix.NFTA_SET_ELEM_LIST_TABLE, Data: []byte(linux.TableName + "\x00")},
		{Type: unix.NFTA_SET_ELEM_LIST_SET, Data: []byte(set + "\x00")},
	})
	if err != nil {
		return nil, fmt.Errorf("ask for elements of %s: %w", set, err)
	}
	ask := make([]byte, unix.SizeofNlMsghdr, unix.SizeofNlMsghdr+4+len(attributes))
	ask = append(append(ask, byte(table(f).Family), unix.NFNETLINK_V0, 0, 0), attributes...)
	binary.NativeEndian.PutUint32(ask[0:], uint32(len(ask)))
	binary.NativeEndian.PutUint16(ask[4:], unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_GETSETELEM)
	binary.NativeEndian.PutUint16(ask[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	if err := unix.Sendto(fd, ask, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, fmt.Errorf("ask for elements of %s: %w", set, err)
	}
	buf := make([]byte, dumpBuffer)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil {
			return nil, fmt.Errorf("list elements of %s: %w", set, err)
		}
		messages, err := syscall.ParseNetlinkMessage(buf[:n])
		if err != nil {
			return nil, fmt.Errorf("list elements of %s: %w", set, err)
		}
		for _, m := range messages {
			switch {
			case m.Header.Type == unix.NLMSG_DONE:
				return out, nil
			case m.Header.Type == unix.NLMSG_ERROR && len(m.Data) >= 4:
				return nil, fmt.Errorf("list elements of %s: %w", set, unix.Errno(-int32(binary.NativeEndian.Uint32(m.Data))))
			case len(m.Data) >= 4:
				if out, err = elementsOf(m.Data[4:], out); err != nil {
					return nil, fmt.Errorf("list elements of %s: %w", set, err)
				}
			}
		}
	}
}

// elementsOf reads the elements of one message.
func elementsOf(raw []byte, out []counted) ([]counted, error) {
	d, err := mdl.NewAttributeDecoder(raw)
	if err != nil {
		return nil, err
	}
	for d.Next() {
		if d.Type() != unix.NFTA_SET_ELEM_LIST_ELEMENTS {
			continue
		}
		d.Nested(func(list *mdl.AttributeDecoder) error {
			for list.Next() {
				var e counted
				list.Nested(e.decode)
				out = append(out, e)
			}
			return nil
		})
	}
	return out, d.Err()
}

func (e *counted) decode(d *mdl.AttributeDecoder) error {
	for d.Next() {
		switch d.Type() {
		case unix.NFTA_SET_ELEM_KEY:
			d.Nested(func(k *mdl.AttributeDecoder) error {
				for k.Next() {
					if k.Type() == unix.NFTA_DATA_VALUE {
						e.key = k.Bytes()
					}
				}
				return nil
			})
		case unix.NFTA_SET_ELEM_EXPR:
			d.Nested(e.decodeCounter)
		}
	}
	return nil
}

func (e *counted) decodeCounter(d *mdl.AttributeDecoder) error {
	for d.Next() {
		if d.Type() != unix.NFTA_EXPR_DATA {
			continue
		}
		d.Nested(func(c *mdl.AttributeDecoder) error {
			for c.Next() {
				switch c.Type() {
				case unix.NFTA_COUNTER_BYTES:
					e.bytes = binaryutil.BigEndian.Uint64(c.Bytes())
				case unix.NFTA_COUNTER_PACKETS:
					e.packets = binaryutil.BigEndian.Uint64(c.Bytes())
				}
			}
			return nil
		})
	}
	return nil
}
