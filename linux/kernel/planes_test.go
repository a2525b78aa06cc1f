package kernel_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"testing"
	"time"

	"tombolo/internal/bench/planes"
	"tombolo/internal/testnet"
	"tombolo/linux"
	"tombolo/network"
)

// benchOut is where figures are written.
const benchOut = "../../bench/out"

// BenchmarkPlanes compares every plane with a bare veth pair, on three paths of a
// small network (3 VPCs) and of a large one (200 VPCs, 1,000 interfaces), all of them
// measured by turns. Every group has 50 rules, every network ACL 20 entries each way.
// It prints a table and writes bench/out/planes.json and .svg.
// TOMBOLO_BENCH_ROUNDS and _SCALES ("small") make it shorter.
func BenchmarkPlanes(b *testing.B) {
	rounds, _ := strconv.Atoi(cmp.Or(os.Getenv("TOMBOLO_BENCH_ROUNDS"), "9"))
	bare, there := testnet.NewHost(b), testnet.NewHost(b)
	testnet.Link(b, testnet.End{Host: bare, Name: "eth0", Addrs: []netip.Prefix{cidr("10.9.0.1/24")}}, testnet.End{Host: there, Name: "eth0", Addrs: []netip.Prefix{cidr("10.9.0.2/24")}})
	paths := []planes.Path{{Plane: planes.Bare, Path: "same-subnet", Scale: "small", From: bare, To: there, At: addr("10.9.0.2")}}
	scales := map[string]int{"small": 0, "large": 197}
	if os.Getenv("TOMBOLO_BENCH_SCALES") == "small" {
		delete(scales, "large")
	}
	inUse := map[string]linux.FastPath{}
	for scale, more := range scales {
		for _, p := range fastPaths() {
			w := newSiteOn(b, p)
			paths = append(paths, w.benchPaths(scale, more)...)
			inUse[planeName(p)], _ = w.plane.FastPath()
		}
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it would wait for loops that wait for the kernel
	for b.Loop() {
		rows, err := planes.Measure(paths, rounds, 200*time.Millisecond, os.Stderr)
		if err != nil {
			b.Fatal(err)
		}
		fmt.Printf("kernel %s, processor %s, planes %v, %d rounds\n", planes.Kernel(), planes.Processor(), inUse, rounds)
		slices.SortStableFunc(rows, func(x, y planes.Row) int {
			return cmp.Or(cmp.Compare(x.Test, y.Test), -cmp.Compare(x.Scale, y.Scale), cmp.Compare(x.Path, y.Path), cmp.Compare(x.Ratio, y.Ratio))
		})
		if err := planes.Table(os.Stdout, rows); err != nil {
			b.Fatal(err)
		}
		writeFigures(b, rows)
	}
}

func writeFigures(b *testing.B, rows []planes.Row) {
	text, err := json.MarshalIndent(rows, "", " ")
	if err == nil {
		err = os.MkdirAll(benchOut, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(benchOut, "planes.json"), append(text, '\n'), 0o644)
	}
	var f *os.File
	if err == nil {
		f, err = os.Create(filepath.Join(benchOut, "planes.svg"))
	}
	if err == nil {
		defer f.Close()
		err = planes.Plot(f, rows, "Ratios to a bare veth pair, Linux "+planes.Kernel()+", "+planes.Processor())
	}
	if err != nil {
		b.Fatal(err)
	}
}

func planeName(p linux.FastPath) string {
	if p == linux.NoCache {
		return "slow"
	}
	return string(p)
}

// benchPaths are three paths of a network that has more VPCs of five interfaces
// beside its own three.
func (w *site) benchPaths(scale string, more int) []planes.Path {
	old := home
	defer func() { home = old }()
	servers := []*server{}
	var vpcs []network.VPCID
	for i := range 3 {
		v := network.VPCID(w.do(network.CreateVPC{CIDR: cidr(fmt.Sprintf("10.%d.0.0/16", i)), Amazon6: true}))
		g := w.group(v, "bench")
		w.benchRules(v, g)
		vpcs = append(vpcs, v)
		for _, block := range []string{"1", "1", "2", "2", "3"} {
			n := w.subnetOnce(v, fmt.Sprintf("10.%d.%s.0/24", i, block))
			servers = append(servers, w.server(n, "", g))
		}
	}
	p := w.peer(vpcs[0], vpcs[1])
	w.routeBoth(vpcs[0], vpcs[1], p)
	w.routeBoth(vpcs[1], vpcs[0], p)
	if more > 0 {
		w.crowd(more, 5)
	}
	w.obey()
	var out []planes.Path
	for _, x := range []struct {
		name string
		to   *server
	}{{"same-subnet", servers[1]}, {"cross-subnet", servers[2]}, {"peered", servers[5]}} {
		out = append(out, planes.Path{Plane: planeName(w.fast), Path: x.name, Scale: scale, From: servers[0].host, To: x.to.host, At: x.to.addr})
	}
	return out
}

// subnetOnce makes a subnet where there is none yet.
func (w *site) subnetOnce(v network.VPCID, block string) network.SubnetID {
	w.Helper()
	for n := range w.SubnetsIn(v) {
		if n.CIDR == cidr(block) {
			return n.ID
		}
	}
	return w.subnet(v, block)
}

// benchRules fill a group and its VPC's network ACL: what matches comes last.
func (w *site) benchRules(v network.VPCID, g network.GroupID) {
	w.Helper()
	for k := range 49 {
		w.allow(g, network.TCP, network.PortRange{From: 2000 + k*10, To: 2005 + k*10}, fmt.Sprintf("172.16.%d.0/24", k))
	}
	w.allow(g, network.AnyProtocol, network.AnyPort, "10.0.0.0/8")
	for k := range 18 {
		for _, egress := range []bool{true, false} {
			w.do(network.CreateACLEntry{ACL: w.VPC(v).DefaultACL, Entry: network.ACLEntry{Number: 1 + k, Egress: egress, Protocol: network.TCP,
				CIDR: cidr(fmt.Sprintf("172.16.%d.0/24", k)), Ports: network.PortRange{From: 1000 + k, To: 1000 + k}}})
		}
	}
}
