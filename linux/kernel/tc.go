package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	mdl "github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// The two programs of the flow cache are filters of two blocks, which all links
// share: a link needs one message to take part, and another program takes the place
// of both with two, however many links there are.
const (
	arriveBlock = 1
	leaveBlock  = 2

	blockMagic     = 0xffffffff // TCM_IFINDEX_MAGIC_BLOCK: the parent is a block
	clsactHandle   = 0xffff0000 // TC_H_MAKE(TC_H_CLSACT, 0)
	clsactParent   = 0xfffffff1 // TC_H_CLSACT
	tcaKind        = 1
	tcaOptions     = 2
	tcaIngressBlok = 13
	tcaEgressBlock = 14
	bpfFD          = 6
	bpfName        = 7
	bpfFlags       = 8
	bpfID          = 11
	bpfDirect      = 1 // TCA_BPF_FLAG_ACT_DIRECT
	filterPriority = 1
	filterHandle   = 1
)

// tc is traffic control of one network namespace.
type tc struct{ conn *mdl.Conn }

func openTC(ns *os.File) (*tc, error) {
	t := &tc{}
	err := inside(ns, func() (err error) {
		t.conn, err = mdl.Dial(unix.NETLINK_ROUTE, nil)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open traffic control: %w", err)
	}
	return t, nil
}

func (t *tc) close() { _ = t.conn.Close() }

// header is a struct tcmsg.
func tcHeader(ifindex int32, handle, parent, info uint32) []byte {
	out := make([]byte, 20)
	binary.NativeEndian.PutUint32(out[4:], uint32(ifindex))
	binary.NativeEndian.PutUint32(out[8:], handle)
	binary.NativeEndian.PutUint32(out[12:], parent)
	binary.NativeEndian.PutUint32(out[16:], info)
	return out
}

func (t *tc) do(kind uint16, flags mdl.HeaderFlags, header []byte, build func(*mdl.AttributeEncoder)) error {
	e := mdl.NewAttributeEncoder()
	build(e)
	attributes, err := e.Encode()
	if err != nil {
		return err
	}
	_, err = t.conn.Execute(mdl.Message{
		Header: mdl.Header{Type: mdl.HeaderType(kind), Flags: mdl.Request | mdl.Acknowledge | flags},
		Data:   append(header, attributes...),
	})
	return err
}

// attach has a link take part in both blocks.
func (t *tc) attach(link int) error {
	err := t.do(unix.RTM_NEWQDISC, mdl.Create|mdl.Excl, tcHeader(int32(link), clsactHandle, clsactParent, 0), func(e *mdl.AttributeEncoder) {
		e.String(tcaKind, "clsact")
		e.Uint32(tcaIngressBlok, arriveBlock)
		e.Uint32(tcaEgressBlock, leaveBlock)
	})
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("attach link %d to the flow cache: %w", link, err)
	}
	return nil
}

// filterInfo is priority and protocol: all of them.
func filterInfo() uint32 {
	all := binary.NativeEndian.Uint16([]byte{unix.ETH_P_ALL >> 8, unix.ETH_P_ALL & 0xff})
	return filterPriority<<16 | uint32(all)
}

// load puts a program into a block, in the place of the one that is there.
func (t *tc) load(block uint32, program int, name string) error {
	err := t.do(unix.RTM_NEWTFILTER, mdl.Create|mdl.Replace, tcHeader(-1, filterHandle, block, filterInfo()), func(e *mdl.AttributeEncoder) {
		e.String(tcaKind, "bpf")
		e.Nested(tcaOptions, func(o *mdl.AttributeEncoder) error {
			o.Uint32(bpfFD, uint32(program))
			o.String(bpfName, name)
			o.Uint32(bpfFlags, bpfDirect)
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("load program %s of the flow cache: %w", name, err)
	}
	return nil
}

// loaded is the number of the program in a block; 0 when there is none.
func (t *tc) loaded(block uint32) (ebpf.ProgramID, error) {
	list, err := t.conn.Execute(mdl.Message{
		Header: mdl.Header{Type: unix.RTM_GETTFILTER, Flags: mdl.Request | mdl.Dump}, Data: tcHeader(-1, 0, block, 0)})
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINVAL) {
		return 0, nil // nor is there a block
	}
	if err != nil {
		return 0, fmt.Errorf("look for an older flow cache: %w", err)
	}
	for _, m := range list {
		if len(m.Data) < 20 {
			continue
		}
		d, err := mdl.NewAttributeDecoder(m.Data[20:])
		if err != nil {
			return 0, err
		}
		id := uint32(0)
		for d.Next() {
			if d.Type() != tcaOptions {
				continue
			}
			d.Nested(func(o *mdl.AttributeDecoder) error {
				for o.Next() {
					if o.Type() == bpfID {
						id = o.Uint32()
					}
				}
				return nil
			})
		}
		if id != 0 || d.Err() != nil {
			return ebpf.ProgramID(id), d.Err()
		}
	}
	return 0, nil
}

// unload empties a block.
func (t *tc) unload(block uint32) error {
	err := t.do(unix.RTM_DELTFILTER, 0, tcHeader(-1, 0, block, 0), func(*mdl.AttributeEncoder) {})
	if err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("unload the flow cache: %w", err)
	}
	return nil
}
