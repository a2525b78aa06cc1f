package main

import (
	"os"
	"slices"
	"testing"

	"tombolo/network"
	"tombolo/reach"
	"tombolo/why"
)

// TestATerraformPlanIsRehearsed: what a plan would open, before it is applied.
func TestATerraformPlanIsRehearsed(t *testing.T) {
	doc, err := os.ReadFile("../../tfplan/testdata/peer.json")
	if err != nil {
		t.Fatal(err)
	}
	var s network.State
	after, err := rehearse(t.Context(), s, network.Caller{Account: "123456789012", Region: "us-east-1"}, []string{string(doc)})
	if err != nil {
		t.Fatal(err)
	}
	var opened []string
	for _, d := range why.Differences(s, after, reach.Compare(s, after)) {
		opened = append(opened, d.Source.Name+" > "+d.Destination.Name+": "+d.Opened+d.Closed)
	}
	// The ACL lets TCP's answers out and nothing else: not those of a ping.
	if want := []string{"web > db: tcp 5432 from client ports 1024-65535"}; !slices.Equal(opened, want) {
		t.Errorf("opened %q, want %q", opened, want)
	}
	if after.Generation == 0 || s.Generation != 0 {
		t.Errorf("generations %d and %d", s.Generation, after.Generation)
	}
}
