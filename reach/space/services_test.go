package space

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

func TestServicesAreWhatASetSaysOfAPair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Of(someBoxes.Draw(t, "set")...)
		for _, p := range domain() {
			if s.Services(p.Src, p.Dst).Contains(p) != s.Contains(p) {
				t.Fatalf("%v: of the pair %v, of the set %v", p, s.Services(p.Src, p.Dst).Contains(p), s.Contains(p))
			}
		}
	})
}

func TestServicesKeepTheAlgebra(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := Of(someBoxes.Draw(t, "a")...), Of(someBoxes.Draw(t, "b")...)
		src, dst := addrs4[1], addrs4[2]
		x, y := a.Services(src, dst), b.Services(src, dst)
		for _, c := range []struct {
			name      string
			got, want Services
		}{
			{"union", x.Union(y), a.Union(b).Services(src, dst)},
			{"intersection", x.Intersect(y), a.Intersect(b).Services(src, dst)},
			{"difference", x.Subtract(y), a.Subtract(b).Services(src, dst)},
		} {
			if !c.got.Equal(c.want) {
				t.Fatalf("%s: the services differ from the set's", c.name)
			}
		}
		if x.Empty() != (a.Within(Box{Only(src), Only(dst), AnyProtocol, AnyPort, AnyPort}).Empty()) {
			t.Fatalf("empty: %v", x.Empty())
		}
	})
}

func TestServicesPutBackBetweenAddresses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		boxes := someBoxes.Draw(t, "boxes")
		services := ServicesOf(boxes...)
		for i := range boxes {
			boxes[i].Src, boxes[i].Dst = Only(addrs6[1]), Only(addrs6[2])
		}
		got := services.Between(Only(addrs6[1]), Only(addrs6[2]))
		if !got.Equal(Of(boxes...)) {
			t.Fatalf("%v\nwant\n%v", got, Of(boxes...))
		}
		p, ok := services.Witness(addrs6[1], addrs6[2])
		if ok != !services.Empty() || ok && !got.Contains(p) {
			t.Fatalf("witness %v %v", p, ok)
		}
	})
}

func TestServicesBetweenTwoFamiliesAreNone(t *testing.T) {
	if !EveryService().Between(Only(addrs4[1]), Only(addrs6[1])).Empty() {
		t.Error("IPv4 talks to IPv6")
	}
	if !EveryService().Between(Addrs{addrs4[2], addrs4[1]}, Addrs{}).Empty() {
		t.Error("a range that runs backwards has addresses")
	}
	if !(Services{}).Between(Addrs{}, Addrs{}).Empty() || !EveryService().Between(Addrs{}, Addrs{}).Equal(Everything()) {
		t.Error("between any addresses is something else")
	}
	if !Everything().Services(addrs4[0], addrs6[0]).Empty() || !(Set{}).Services(addrs4[0], addrs4[1]).Empty() {
		t.Error("there are services where nothing is")
	}
	if !Everything().Services(addrs4[0], addrs4[1]).Equal(EveryService()) || !ServicesOf().Empty() || !ServicesOf(All).Equal(EveryService()) {
		t.Error("every service is something else")
	}
}

func TestSourcesAreTheUnionOfEach(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.SliceOfN(rapid.SampledFrom(append(append([]netip.Addr(nil), addrs4...), addrs6...)), 0, 8).Draw(t, "from")
		services := ServicesOf(someBoxes.Draw(t, "services")...)
		var want Set
		for _, a := range from {
			want = want.Union(services.Between(Only(a), Addrs{}))
		}
		got := Sources(from, services)
		if !got.Equal(want) {
			t.Fatalf("%v\nwant\n%v", got, want)
		}
		checkCanonical(t, family4, got.four, 0)
		checkCanonical(t, family6, got.six, 0)
	})
}

func TestPairsOfWhichASetSaysTheSameShareServices(t *testing.T) {
	s := Of(box("10.0.0.0/24", "10.1.0.0/16", OnlyProtocol(6), OnlyPort(80)), box("10.0.1.0/24", "10.1.0.0/16", OnlyProtocol(6), OnlyPort(443)))
	at := func(src string) Services {
		return s.Services(netip.MustParseAddr(src), netip.MustParseAddr("10.1.2.3"))
	}
	if at("10.0.0.1") != at("10.0.0.200") {
		t.Error("two sources of one rule have services of their own: nothing is shared")
	}
	if at("10.0.0.1") == at("10.0.1.1") {
		t.Error("sources of two rules have the same services")
	}
}

func BenchmarkSources(b *testing.B) {
	var from []netip.Addr
	for i := range 10_000 {
		from = append(from, netip.AddrFrom4([4]byte{10, byte(i % 7), byte(i >> 6), byte(i << 2)}))
	}
	web := ServicesOf(box("", "", OnlyProtocol(6), OnlyPort(80)))
	b.ReportAllocs()
	for b.Loop() {
		Sources(from, web)
	}
}
