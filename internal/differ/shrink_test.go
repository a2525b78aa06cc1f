package differ_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"tombolo/internal/randnet"
	"tombolo/network"
	"tombolo/reach"
)

// shrink leaves out operations as long as packets of a flow and the analyzer still
// disagree, chunks of them first and then one by one.
func (f *fabric) shrink(ops []network.Op, flow reach.Flow) ([]network.Op, error) {
	for size := len(ops) / 2; size > 0; size /= 2 {
		for at := 0; at < len(ops); {
			less := slices.Concat(ops[:at], ops[min(at+size, len(ops)):])
			wrong, err := f.disagree(randnet.Replay(less), flow)
			if err != nil {
				return ops, err
			}
			if wrong {
				ops = less
			} else {
				at += size
			}
		}
	}
	return ops, nil
}

// disagree is whether packets and analyzer do about one flow in a State. They must
// do so each time.
func (f *fabric) disagree(s network.State, flow reach.Flow) (bool, error) {
	for _, id := range []network.ENIID{flow.Source, flow.Destination} {
		e := s.ENI(id)
		if id != "" && (e == nil || e.Attachment == nil || id == flow.Source && !s.Instance(e.Attachment.Instance).Runs()) {
			return false, nil
		}
	}
	if err := f.set(s); err != nil {
		return false, nil // the kernel refuses it: another failure than the one looked for
	}
	x := reach.NewIndex(s)
	for range 2 {
		problems, err := f.volley([]*shot{f.shot(x, flow)})
		if err != nil || len(problems) == 0 {
			return false, err
		}
	}
	return true, nil
}

// save makes a disagreement small and writes it down as a scenario.
func (f *fabric) save(t *testing.T, n *randnet.Net, s *shot) {
	t.Helper()
	ops, err := f.shrink(n.Ops(), s.flow)
	if err != nil {
		t.Errorf("shrink: %v", err)
	}
	small := randnet.Replay(ops)
	if err := f.set(small); err != nil {
		t.Errorf("set what was made small: %v", err)
	}
	text := scenarioOf(small, f.shot(reach.NewIndex(small), s.flow))
	path := filepath.Join(os.TempDir(), fmt.Sprintf("tombolo-differ-%s-%d.txt", s.flow.Source, s.flow.Protocol))
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Error(err)
		return
	}
	t.Logf("a disagreement, made small, is in %s:\n%s", path, text)
}
