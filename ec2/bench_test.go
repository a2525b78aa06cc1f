package ec2

import (
	"fmt"
	"testing"

	"tombolo/network"
)

// crowd is a world with a thousand instances, each in a reservation of its own.
func crowd(tb testing.TB) *port {
	tb.Helper()
	w := &settling{}
	s := openServer(&w.world)
	s.api.Backend = w
	must := func(form string) string {
		status, body := ask(s, form)
		if status != 200 {
			tb.Fatalf("%s: %s", form, body)
		}
		return body
	}
	if _, err := w.Do(tb.Context(), network.Caller{Account: "123456789012", Region: "us-east-1"}, "", network.OpenWorld{Zones: []string{"us-east-1a"}}); err != nil {
		tb.Fatal(err)
	}
	for i := range 10 {
		must(fmt.Sprintf("Action=RunInstances&ImageId=ami-0123456789abcdef0&InstanceType=t3.micro&MinCount=100&MaxCount=100&ClientToken=%d", i))
	}
	return s
}

// BenchmarkDescribe is the describing of a thousand of the larger rows.
func BenchmarkDescribe(b *testing.B) {
	s := crowd(b)
	for _, action := range []string{"DescribeInstances", "DescribeNetworkInterfaces", "DescribeInstanceStatus", "DescribeInstances&Filter.1.Name=private-ip-address&Filter.1.Value.1=172.31.0.*"} {
		b.Run(action, func(b *testing.B) {
			for b.Loop() {
				if status, body := ask(s, "Action="+action); status != 200 {
					b.Fatal(body)
				}
			}
		})
	}
}
