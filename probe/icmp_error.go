package probe

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// icmpError is one entry of a socket's error queue that came from the network.
type icmpError struct {
	name   string
	from   netip.Addr
	tooBig bool
	mtu    int
}

// icmpError reads the error queue, if anything is there. See IP_RECVERR in
// ip(7) and struct sock_extended_err.
func (c *conn) icmpError() (icmpError, bool) {
	raw, err := c.SyscallConn()
	if err != nil {
		return icmpError{}, false
	}
	var found icmpError
	var ok bool
	_ = raw.Control(func(fd uintptr) {
		buf, oob := make([]byte, 64), make([]byte, 512)
		for !ok {
			_, oobn, _, _, err := unix.Recvmsg(int(fd), buf, oob, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
			if err != nil {
				return
			}
			found, ok = parseErrorQueue(oob[:oobn])
		}
	})
	return found, ok
}

func parseErrorQueue(oob []byte) (icmpError, bool) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return icmpError{}, false
	}
	for _, m := range msgs {
		v4 := m.Header.Level == unix.IPPROTO_IP && m.Header.Type == unix.IP_RECVERR
		v6 := m.Header.Level == unix.IPPROTO_IPV6 && m.Header.Type == unix.IPV6_RECVERR
		if v4 || v6 {
			return parseExtendedError(m.Data)
		}
	}
	return icmpError{}, false
}

// parseExtendedError reads struct sock_extended_err (16 bytes: errno, origin,
// type, code, pad, info, data) and the offender's socket address behind it.
func parseExtendedError(b []byte) (icmpError, bool) {
	if len(b) < 16 {
		return icmpError{}, false
	}
	errno := unix.Errno(binary.NativeEndian.Uint32(b))
	origin, typ, code := b[4], b[5], b[6]
	e := icmpError{tooBig: errno == unix.EMSGSIZE, mtu: int(binary.NativeEndian.Uint32(b[8:]))}
	switch offender := b[16:]; {
	case origin == unix.SO_EE_ORIGIN_ICMP && len(offender) >= 8:
		e.name = icmpName(typ, code)
		e.from = netip.AddrFrom4([4]byte(offender[4:8]))
	case origin == unix.SO_EE_ORIGIN_ICMP6 && len(offender) >= 24:
		e.name = icmp6Name(typ, code)
		e.from = netip.AddrFrom16([16]byte(offender[8:24])).Unmap()
	case origin == unix.SO_EE_ORIGIN_LOCAL && e.tooBig:
		// The kernel already knew the path MTU and refused to send.
	default:
		return icmpError{}, false
	}
	return e, true
}

// icmpName names the errors of RFC 792 and RFC 1812 that a host may meet.
func icmpName(typ, code byte) string {
	unreachable := map[byte]string{
		0: "net unreachable", 1: "host unreachable", 2: "protocol unreachable", 3: "port unreachable",
		4: "fragmentation needed", 9: "net prohibited", 10: "host prohibited", 13: "administratively prohibited",
	}
	switch typ {
	case 3:
		if name, ok := unreachable[code]; ok {
			return name
		}
	case 11:
		return "time exceeded"
	case 12:
		return "parameter problem"
	}
	return fmt.Sprintf("icmp type %d code %d", typ, code)
}

// icmp6Name names the errors of RFC 4443.
func icmp6Name(typ, code byte) string {
	unreachable := map[byte]string{
		0: "no route", 1: "administratively prohibited", 2: "beyond scope",
		3: "address unreachable", 4: "port unreachable", 5: "source address failed policy", 6: "reject route",
	}
	switch typ {
	case 1:
		if name, ok := unreachable[code]; ok {
			return name
		}
	case 2:
		return "packet too big"
	case 3:
		return "time exceeded"
	case 4:
		return "parameter problem"
	}
	return fmt.Sprintf("icmpv6 type %d code %d", typ, code)
}
