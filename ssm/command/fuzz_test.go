package command

import (
	"testing"

	"tombolo/network"
	"tombolo/store"
)

// FuzzRecords opens records that nobody wrote: they are refused, or shown;
// nothing panics.
func FuzzRecords(f *testing.F) {
	f.Add(`{"ID":"abc","On":["i-1"],"Names":[""],"Steps":[{"Name":"a"}]}`, `{"Status":"InProgress","Steps":[{"Name":"a","Status":"Pending","Code":-1}]}`)
	f.Add(`{"ID":"abc","On":["i-1","i-1"],"Names":["",""],"Cancelled":true}`, `{"Status":"Success","Steps":[]}`)
	f.Add(`{"ID":"abc","MaxConcurrency":"1%","MaxErrors":"9999999999999999%"}`, `null`)
	f.Fuzz(func(t *testing.T, command, invocation string) {
		records := new(store.Memory)
		for key, doc := range map[[2]string]string{{kindCommand, "abc"}: command, {kindInvocation, "abc/i-1"}: invocation} {
			if err := records.PutRecord(t.Context(), key[0], key[1], []byte(doc)); err != nil {
				t.Fatal(err)
			}
		}
		c, err := Open(t.Context(), Config{Records: records, State: func() network.State { return network.State{} }})
		if err != nil {
			return
		}
		c.find(network.State{}, c.now())
		c.mu.Lock()
		var caller network.Caller
		for _, e := range c.byID {
			caller = e.Caller
		}
		c.mu.Unlock()
		for _, i := range c.Invocations(Filter{Caller: caller}) {
			for _, r := range i.Steps {
				_, _, _ = r.Summary(), r.Status.Name(), i.URL(r, "stdout")
			}
		}
	})
}
