package kernel

import (
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"tombolo/flowlog"
	"tombolo/linux"
)

// firstRegister is the first of nftables' sixteen 4-byte registers: keys are
// put together in neighbouring ones.
const firstRegister = unix.NFT_REG32_00

func native(n uint32) []byte { return binaryutil.NativeEndian.PutUint32(n) }

// expressions are a rule in the kernel's terms.
func expressions(f linux.Family, r linux.Rule) ([]expr.Any, error) {
	var out []expr.Any
	for _, s := range r.Statements {
		x, err := statement(f, s)
		if err != nil {
			return nil, err
		}
		out = append(out, x...)
	}
	return out, nil
}

func statement(f linux.Family, s linux.Statement) ([]expr.Any, error) {
	switch s := s.(type) {
	case linux.OfDirection, linux.OfState, linux.OfFlowMark, linux.OfMark, linux.OfPrefix, linux.OfProtocol, linux.OfPorts, linux.OfICMP, linux.OfHops:
		return match(f, s), nil
	case linux.In:
		return append(load(f, s.Fields), &expr.Lookup{SourceRegister: firstRegister, SetName: s.Set, Invert: s.Not}), nil
	case linux.By:
		// Register 0 is the verdict's.
		return append(load(f, s.Fields), &expr.Lookup{SourceRegister: firstRegister, SetName: s.Map, IsDestRegSet: true}), nil
	case linux.MarkBy:
		return append(load(f, s.Fields),
			&expr.Lookup{SourceRegister: firstRegister, SetName: s.Map, DestRegister: firstRegister, IsDestRegSet: true},
			&expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: firstRegister}), nil
	case linux.ChangeMark:
		return []expr.Any{
			&expr.Meta{Key: expr.MetaKeyMARK, Register: firstRegister},
			masked(s.Keep, s.Set),
			&expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: firstRegister},
		}, nil
	case linux.SetMark:
		return []expr.Any{
			&expr.Immediate{Register: firstRegister, Data: native(s.Value)},
			&expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: firstRegister},
		}, nil
	case linux.SetFlowMark:
		return []expr.Any{
			&expr.Ct{Key: expr.CtKeyMARK, Register: firstRegister},
			masked(^s.Mask, s.Value),
			&expr.Ct{Key: expr.CtKeyMARK, SourceRegister: true, Register: firstRegister},
		}, nil
	case linux.InEpoch:
		return []expr.Any{&expr.Immediate{Register: firstRegister, Data: native(s.Epoch)}, &expr.Lookup{SourceRegister: firstRegister, SetName: linux.EpochSet}}, nil
	case linux.SetZone:
		return []expr.Any{
			&expr.Immediate{Register: firstRegister, Data: binaryutil.NativeEndian.PutUint16(s.Zone)},
			&expr.Ct{Key: expr.CtKeyZONE, SourceRegister: true, Register: firstRegister},
		}, nil
	case linux.SetHops:
		return []expr.Any{&expr.Immediate{Register: firstRegister, Data: []byte{s.Hops}}, writeHops(f)}, nil
	case linux.SetHopsBy:
		return []expr.Any{payload(f, linux.Hops, firstRegister),
			&expr.Lookup{SourceRegister: firstRegister, SetName: s.Map, DestRegister: firstRegister, IsDestRegSet: true}, writeHops(f)}, nil
	case linux.Tally:
		return tally(f, s), nil
	case linux.Count:
		return []expr.Any{&expr.Objref{Type: int(nftables.ObjTypeCounter), Name: s.Counter}}, nil
	case linux.Verdict:
		return []expr.Any{verdict(s)}, nil
	}
	return nil, fmt.Errorf("statement %T is not known", s)
}

func verdict(v linux.Verdict) *expr.Verdict {
	kind := map[linux.VerdictKind]expr.VerdictKind{
		linux.Accept: expr.VerdictAccept, linux.Drop: expr.VerdictDrop, linux.Return: expr.VerdictReturn,
		linux.Jump: expr.VerdictJump, linux.Goto: expr.VerdictGoto,
	}[v.Kind]
	return &expr.Verdict{Kind: kind, Chain: v.Chain}
}

// masked is register = register & mask ^ xor.
func masked(mask, xor uint32) *expr.Bitwise {
	return &expr.Bitwise{SourceRegister: firstRegister, DestRegister: firstRegister, Len: 4, Mask: native(mask), Xor: native(xor)}
}

func equals(data []byte) *expr.Cmp {
	return &expr.Cmp{Op: expr.CmpOpEq, Register: firstRegister, Data: data}
}

func match(f linux.Family, s linux.Statement) []expr.Any {
	switch s := s.(type) {
	case linux.OfDirection:
		reply := byte(0)
		if s.Reply {
			reply = 1
		}
		return []expr.Any{&expr.Ct{Key: expr.CtKeyDIRECTION, Register: firstRegister}, equals([]byte{reply})}
	case linux.OfState:
		return []expr.Any{
			&expr.Ct{Key: expr.CtKeySTATE, Register: firstRegister}, masked(uint32(s.States), 0),
			&expr.Cmp{Op: expr.CmpOpNeq, Register: firstRegister, Data: native(0)},
		}
	case linux.OfFlowMark:
		return []expr.Any{&expr.Ct{Key: expr.CtKeyMARK, Register: firstRegister}, masked(s.Mask, 0), equals(native(s.Value))}
	case linux.OfMark:
		return []expr.Any{&expr.Meta{Key: expr.MetaKeyMARK, Register: firstRegister}, masked(s.Mask, 0), equals(native(s.Value))}
	case linux.OfPrefix:
		addr := s.Prefix.Addr().AsSlice()
		mask := make([]byte, len(addr))
		for i := range s.Prefix.Bits() {
			mask[i/8] |= 0x80 >> (i % 8)
		}
		return []expr.Any{
			payload(f, s.Field, firstRegister),
			&expr.Bitwise{SourceRegister: firstRegister, DestRegister: firstRegister, Len: uint32(len(addr)), Mask: mask, Xor: make([]byte, len(addr))},
			equals(addr),
		}
	case linux.OfHops:
		return []expr.Any{payload(f, linux.Hops, firstRegister), equals([]byte{s.Hops})}
	case linux.OfProtocol:
		return []expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: firstRegister}, equals([]byte{s.Number})}
	case linux.OfPorts:
		return within(&expr.Payload{DestRegister: firstRegister, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
			binaryutil.BigEndian.PutUint16(s.From), binaryutil.BigEndian.PutUint16(s.To))
	case linux.OfICMP:
		at := uint32(0)
		if s.Code {
			at = 1
		}
		return within(&expr.Payload{DestRegister: firstRegister, Base: expr.PayloadBaseTransportHeader, Offset: at, Len: 1},
			[]byte{s.From}, []byte{s.To})
	}
	panic("unreachable: statement only sends matches here")
}

// within loads something and compares it with a range.
func within(what expr.Any, from, to []byte) []expr.Any {
	if string(from) == string(to) {
		return []expr.Any{what, equals(from)}
	}
	return []expr.Any{what,
		&expr.Cmp{Op: expr.CmpOpGte, Register: firstRegister, Data: from},
		&expr.Cmp{Op: expr.CmpOpLte, Register: firstRegister, Data: to}}
}

// load puts fields into neighbouring registers.
func load(f linux.Family, fields []linux.Field) []expr.Any {
	var out []expr.Any
	register := uint32(firstRegister)
	for _, x := range fields {
		out = append(out, field(f, x, register))
		register += uint32(fieldBytes(f, x)+3) / 4
	}
	return out
}

func fieldBytes(f linux.Family, x linux.Field) int {
	switch x {
	case linux.EtherSource:
		return 6
	case linux.Source, linux.Destination:
		return f.Bytes()
	}
	return 4
}

func field(f linux.Family, x linux.Field, register uint32) expr.Any {
	switch x {
	case linux.InPort:
		return &expr.Meta{Key: expr.MetaKeyIIF, Register: register}
	case linux.OutPort:
		return &expr.Meta{Key: expr.MetaKeyOIF, Register: register}
	case linux.Mark:
		return &expr.Meta{Key: expr.MetaKeyMARK, Register: register}
	case linux.Protocol:
		return &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: register}
	}
	return payload(f, x, register)
}

// payload loads a field out of a header: base, offset and length are those of
// Ethernet, RFC 791, RFC 8200 and RFC 826.
func payload(f linux.Family, x linux.Field, register uint32) expr.Any {
	p := &expr.Payload{DestRegister: register, Base: expr.PayloadBaseNetworkHeader, Len: uint32(f.Bytes())}
	v6 := f == linux.V6
	switch x {
	case linux.EtherSource:
		p.Base, p.Offset, p.Len = expr.PayloadBaseLLHeader, 6, 6
	case linux.Source:
		p.Offset = pick(v6, 8, 12)
	case linux.Destination:
		p.Offset = pick(v6, 24, 16)
	case linux.Hops:
		p.Offset, p.Len = pick(v6, 7, 8), 1
	case linux.First:
		p.Base, p.Offset, p.Len = expr.PayloadBaseTransportHeader, 0, 2
	case linux.Second:
		p.Base, p.Offset, p.Len = expr.PayloadBaseTransportHeader, 2, 2
	case linux.ARPTarget:
		p.Offset, p.Len = 24, 4
	}
	return p
}

func pick(v6 bool, six, four uint32) uint32 {
	if v6 {
		return six
	}
	return four
}

// writeHops writes a register to the header, and to IPv4's checksum of it.
func writeHops(f linux.Family) *expr.Payload {
	at := payload(f, linux.Hops, firstRegister).(*expr.Payload)
	write := &expr.Payload{OperationType: expr.PayloadWrite, SourceRegister: firstRegister, Base: at.Base, Offset: at.Offset, Len: 1}
	if f == linux.V4 {
		write.CsumType, write.CsumOffset = expr.CsumTypeInet, 10
	}
	return write
}

// tcpFlags are the flags of TCP's fourteenth byte that flow logs speak of: FIN,
// SYN, RST and ACK.
const tcpFlags = 0x17

// tally puts the key that linux.FlowOf reads into the registers, in its order.
// What a packet has no value for is zero.
func tally(f linux.Family, s linux.Tally) []expr.Any {
	var out []expr.Any
	register := uint32(firstRegister)
	put := func(bytes int, x ...expr.Any) {
		out = append(out, x...)
		register += uint32(bytes+3) / 4
	}
	if s.Fate == flowlog.Lost {
		put(4, field(f, linux.Mark, register))
	} else {
		put(4, &expr.Immediate{Register: register, Data: native(uint32(s.Fate))})
	}
	for _, x := range []linux.Field{linux.InPort, linux.OutPort, linux.Source, linux.Destination, linux.Protocol} {
		put(fieldBytes(f, x), field(f, x, register))
	}
	if s.Ports {
		put(4, &expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 4})
	} else {
		put(4, &expr.Immediate{Register: register, Data: make([]byte, 4)})
	}
	if s.Flags {
		put(4, &expr.Payload{DestRegister: register, Base: expr.PayloadBaseTransportHeader, Offset: 13, Len: 1},
			&expr.Bitwise{SourceRegister: register, DestRegister: register, Len: 4, Mask: []byte{tcpFlags, 0, 0, 0}, Xor: make([]byte, 4)})
	} else {
		put(4, &expr.Immediate{Register: register, Data: make([]byte, 4)})
	}
	// To add what is there already is to add to its count.
	return append(out, &expr.Dynset{SrcRegKey: firstRegister, SetName: s.Set, Operation: uint32(unix.NFT_DYNSET_OP_ADD), Exprs: []expr.Any{&expr.Counter{}}})
}
