package kernel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	mdl "github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"tombolo/linux"
)

// traceBacklog is how many steps wait for a reader. A probe makes a few dozen.
const traceBacklog = 1024

// tracer is one trace.
type tracer struct {
	trail    linux.Trail
	narrator *linux.Narrator
	rules    *nftables.Conn // its table's owner, and where rules are looked up
	events   *mdl.Conn
	table    *nftables.Table
	known    map[string]map[uint64]ruleAt
	resume   func() // lets packets take the fast path again
}

// ruleAt is where a rule is, by its handle.
type ruleAt struct {
	index int
	tag   string
}

// Trace tells the way of the packets of a trail, there and back, until ctx ends, and
// closes the channel then. Packets that are sent after it has returned are in it. It
// marks them in a table of its own, which goes with it; no rule of ours is touched.
// A reader who is slow loses steps.
func (p *Plane) Trace(ctx context.Context, t linux.Trail) (<-chan linux.TraceStep, error) {
	x, in, out, err := p.tracer(t)
	if err != nil {
		return nil, err
	}
	if err := x.open(p.config.Fabric, fmt.Sprintf("%s-%d-%d", linux.TraceTable, os.Getpid(), p.traces.Add(1)), in, out); err != nil {
		return nil, errors.Join(err, x.close())
	}
	steps := make(chan linux.TraceStep, traceBacklog)
	stop := context.AfterFunc(ctx, func() { _ = x.events.SetReadDeadline(time.Unix(1, 0)) })
	go func() {
		defer close(steps)
		defer func() { _ = x.close() }()
		defer stop()
		for {
			list, err := x.events.Receive()
			if errors.Is(err, unix.ENOBUFS) {
				continue // some reports are lost
			}
			if err != nil {
				return
			}
			for _, m := range list {
				x.tell(m, steps)
			}
		}
	}()
	return steps, nil
}

// tracer takes from the Plane all that a trace needs, so that it needs no lock.
func (p *Plane) tracer(t linux.Trail) (x *tracer, in, out int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.have == nil {
		return nil, 0, 0, errors.New("trace: no network is in force yet")
	}
	for port, id := range p.have.Ports() {
		switch id {
		case t.From:
			in = port
		case t.To:
			out = port
		}
	}
	if in == 0 {
		return nil, 0, 0, fmt.Errorf("trace: interface %s carries no packets", t.From)
	}
	// The kernel reports what packets meet on the slow path.
	resume, err := p.pause()
	if err != nil {
		return nil, 0, 0, fmt.Errorf("trace: %w", err)
	}
	return &tracer{trail: t, narrator: linux.Narrate(t, p.state, p.have, p.book), known: map[string]map[uint64]ruleAt{}, resume: resume}, in, out, nil
}

func (x *tracer) open(ns *os.File, name string, in, out int) error {
	err := inside(ns, func() (err error) {
		if x.rules, err = nftables.New(nftables.AsLasting()); err != nil {
			return err
		}
		if x.events, err = mdl.Dial(unix.NETLINK_NETFILTER, nil); err != nil {
			return err
		}
		_ = x.events.SetReadBuffer(4 << 20)
		return x.events.JoinGroup(unix.NFNLGRP_NFTRACE)
	})
	if err != nil {
		return fmt.Errorf("trace: listen to the kernel: %w", err)
	}
	x.table = x.rules.AddTable(&nftables.Table{Name: name, Family: table(x.trail.Family()).Family})
	chain := x.rules.AddChain(&nftables.Chain{Name: "mark", Table: x.table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityRef(linux.TracePriority)})
	there, back := x.trail, x.trail
	back.Source, back.Dest = x.trail.Dest, x.trail.Source
	x.rules.AddRule(&nftables.Rule{Table: x.table, Chain: chain, Exprs: mark(there, in, 2)})
	x.rules.AddRule(&nftables.Rule{Table: x.table, Chain: chain, Exprs: mark(back, out, 0)})
	if err := x.rules.Flush(); err != nil {
		x.table = nil
		return fmt.Errorf("trace: mark packets: %w", err)
	}
	return nil
}

// mark has the kernel report what a trail's packets meet; port is where the trail's
// port stands in the header above IP, link 0 is any.
func mark(t linux.Trail, link int, port uint32) []expr.Any {
	f := t.Family()
	var out []expr.Any
	if link > 0 {
		out = append(out, &expr.Meta{Key: expr.MetaKeyIIF, Register: firstRegister}, equals(native(uint32(link))))
	}
	out = append(out, payload(f, linux.Source, firstRegister), equals(t.Source.AsSlice()),
		payload(f, linux.Destination, firstRegister), equals(t.Dest.AsSlice()),
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: firstRegister}, equals([]byte{t.Protocol}))
	if t.Port > 0 {
		out = append(out, &expr.Payload{DestRegister: firstRegister, Base: expr.PayloadBaseTransportHeader, Offset: port, Len: 2}, equals(binaryutil.BigEndian.PutUint16(t.Port)))
	}
	return append(out, &expr.Immediate{Register: firstRegister, Data: []byte{1}},
		&expr.Meta{Key: expr.MetaKeyNFTRACE, SourceRegister: true, Register: firstRegister})
}

func (x *tracer) close() error {
	var errs []error
	x.resume()
	if x.table != nil {
		x.rules.DelTable(x.table)
		errs = append(errs, x.rules.Flush())
	}
	if x.events != nil {
		errs = append(errs, x.events.Close())
	}
	if x.rules != nil {
		errs = append(errs, x.rules.CloseLasting())
	}
	return errors.Join(errs...)
}

// tell passes a report on, in the words of the network.
func (x *tracer) tell(m mdl.Message, steps chan<- linux.TraceStep) {
	if m.Header.Type != unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_TRACE || len(m.Data) < 4 {
		return
	}
	e, handle, ours := traceEvent(m.Data[4:])
	if !ours {
		return
	}
	e.Rule, e.Tag = x.rule(e.Chain, handle)
	if s, ok := x.narrator.Step(e); ok {
		select {
		case steps <- s:
		default:
		}
	}
}

// traceEvent reads a report. It is ours if it is of our tables.
func traceEvent(raw []byte) (e linux.TraceEvent, handle uint64, ours bool) {
	d, err := mdl.NewAttributeDecoder(raw)
	if err != nil {
		return e, 0, false
	}
	d.ByteOrder = binary.BigEndian
	for d.Next() {
		switch d.Type() {
		case unix.NFTA_TRACE_TABLE:
			ours = d.String() == linux.TableName
		case unix.NFTA_TRACE_CHAIN:
			e.Chain = d.String()
		case unix.NFTA_TRACE_RULE_HANDLE:
			handle = d.Uint64()
		case unix.NFTA_TRACE_TYPE:
			e.Policy = d.Uint32() == unix.NFT_TRACETYPE_POLICY
		case unix.NFTA_TRACE_POLICY:
			e.Verdict = map[uint32]linux.Verdict{0: {Kind: linux.Drop}, 1: {Kind: linux.Accept}}[d.Uint32()]
		case unix.NFTA_TRACE_VERDICT:
			e.Verdict, _ = decodeVerdict(d.Bytes())
		case unix.NFTA_TRACE_ID:
			e.Packet = d.Uint32()
		case unix.NFTA_TRACE_NETWORK_HEADER:
			e.Source = sourceOf(d.Bytes())
		case unix.NFTA_TRACE_IIF:
			e.In = int(d.Uint32())
		case unix.NFTA_TRACE_OIF:
			e.Out = int(d.Uint32())
		case unix.NFTA_TRACE_MARK:
			e.Mark = d.Uint32()
		}
	}
	return e, handle, ours && d.Err() == nil && e.Chain != ""
}

// sourceOf reads the source address of an IP header.
func sourceOf(header []byte) netip.Addr {
	switch {
	case len(header) >= 20 && header[0]>>4 == 4:
		return netip.AddrFrom4([4]byte(header[12:16]))
	case len(header) >= 40 && header[0]>>4 == 6:
		return netip.AddrFrom16([16]byte(header[8:24]))
	}
	return netip.Addr{}
}

// rule finds a rule of a chain. One that is not known is looked up: chains' rules
// are replaced when the policy turns.
func (x *tracer) rule(chain string, handle uint64) (index int, tag string) {
	if handle == 0 {
		return -1, ""
	}
	if at, ok := x.known[chain][handle]; ok {
		return at.index, at.tag
	}
	rules, err := x.rules.GetRules(table(x.trail.Family()), &nftables.Chain{Name: chain})
	if err != nil {
		return -1, ""
	}
	in := map[uint64]ruleAt{}
	for i, r := range rules {
		tag, _ := userdata.GetString(r.UserData, userdata.TypeComment)
		in[r.Handle] = ruleAt{i, tag}
	}
	x.known[chain] = in
	if at, ok := in[handle]; ok {
		return at.index, at.tag
	}
	return -1, ""
}

// removeTraces removes what a process that died while it traced has left.
func (n *nft) removeTraces() error {
	return n.transact(func(c *nftables.Conn) error {
		tables, err := c.ListTables()
		if err != nil {
			return fmt.Errorf("list tables: %w", err)
		}
		for _, t := range tables {
			if strings.HasPrefix(t.Name, linux.TraceTable+"-") {
				c.DelTable(t)
			}
		}
		return nil
	})
}
