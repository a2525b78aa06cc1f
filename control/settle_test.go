package control

import (
	"testing"
	"testing/synctest"
	"time"

	"tombolo/network"
)

// requestPeering makes two VPCs and a request to peer them.
func requestPeering(t *testing.T, c *Control) network.PeeringID {
	t.Helper()
	a := must(t, c, marketing, createVPC("10.0.0.0/16")).Outcome().Created[0]
	b := must(t, c, finance, createVPC("10.1.0.0/16")).Outcome().Created[0]
	s := must(t, c, marketing, network.RequestPeering{VPC: network.VPCID(a), PeerVPC: network.VPCID(b), PeerOwner: finance.Account, PeerRegion: finance.Region})
	return network.PeeringID(s.Outcome().Created[0])
}

func TestWhatIsDueAtOnceIsSettledBeforeTheCallReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		c := start(t, Config{Store: d})
		id := requestPeering(t, c)
		if got := c.State().Peering(id).Status; got != network.PeeringPending {
			t.Errorf("requested peering is %v", got)
		}
		commits := d.count()
		must(t, c, finance, network.AcceptPeering{Peering: id})
		if got := c.State().Peering(id).Status; got != network.PeeringActive {
			t.Errorf("accepted peering is %v", got)
		}
		if d.count() != commits+1 {
			t.Errorf("%d transactions, want one for the request and its settling", d.count()-commits)
		}
		if s := c.Status(); s.Obeyed != c.State().Generation {
			t.Errorf("the call returned at generation %d of %d", s.Obeyed, c.State().Generation)
		}
	})
}

func TestPeeringRequestExpiresByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t, Config{})
		id := requestPeering(t, c)
		pass(7*24*time.Hour - time.Second)
		synctest.Wait()
		if got := c.State().Peering(id).Status; got != network.PeeringPending {
			t.Errorf("a second before its end the request is %v", got)
		}
		pass(time.Second + time.Millisecond)
		synctest.Wait()
		if got := c.State().Peering(id).Status; got != network.PeeringExpired {
			t.Errorf("after seven days the request is %v", got)
		}
	})
}

func TestOverdueIsSettledAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		first, stop := run(Config{Store: d})
		id := requestPeering(t, first)
		stop()
		pass(8 * 24 * time.Hour)
		s, err := d.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c := start(t, Config{Store: d, State: s})
		synctest.Wait()
		if got := c.State().Peering(id).Status; got != network.PeeringExpired {
			t.Errorf("the request is %v", got)
		}
	})
}

func TestWhatCannotBeStoredIsSettledLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := new(disk)
		c := start(t, Config{Store: d})
		id := requestPeering(t, c)
		d.set(errFull)
		pass(8 * 24 * time.Hour)
		synctest.Wait()
		if got := c.State().Peering(id).Status; got != network.PeeringPending {
			t.Errorf("on a full disk the request became %v", got)
		}
		d.set(nil)
		pass(storeRetry)
		synctest.Wait()
		if got := c.State().Peering(id).Status; got != network.PeeringExpired {
			t.Errorf("when the disk works again the request is %v", got)
		}
	})
}
