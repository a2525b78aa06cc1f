package space_test

import (
	"fmt"
	"net/netip"

	"tombolo/reach/space"
)

// What a group allows, less what a network ACL denies.
func Example() {
	subnet := space.In(netip.MustParsePrefix("10.0.1.0/24"))
	server := space.Only(netip.MustParseAddr("172.31.1.199"))
	web := space.Box{Src: subnet, Dst: server, Protocol: space.OnlyProtocol(6), DstPort: space.Ports{From: 80, To: 443}, SrcPort: space.AnyPort}
	ssl := web
	ssl.DstPort = space.OnlyPort(443)
	left := space.Of(web).Subtract(space.Of(ssl))
	fmt.Println(left)
	fmt.Println(left.Witness())
	// Output:
	// 10.0.1.0/24 > 172.31.1.199 protocol 6 ports any > 80-442
	// 10.0.1.0 > 172.31.1.199 protocol 6 ports 49152 > 80 true
}
