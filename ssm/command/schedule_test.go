package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tombolo/network"
	"tombolo/store"
)

// launchAll makes n running instances.
func (s *site) launchAll(n int) []network.InstanceID {
	s.t.Helper()
	var ids []network.InstanceID
	for range n {
		ids = append(ids, s.launch(home, nil))
	}
	return ids
}

// after lets time pass until everything has happened that happens by then.
func after(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// staged runs test in a bubble of time, with commands whose scripts are script.
func staged(t *testing.T, script func(context.Context, network.InstanceID) (string, Exit), test func(*testing.T, *site, *Commands, *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, host := newSite(t), &stage{script: script}
		c, quit := running(t, Config{Host: host, State: s.State})
		test(t, s, c, host)
		quit()
	})
}

func TestMaxConcurrency(t *testing.T) {
	for text, most := range map[string]int{"": 12, "3": 3, "25%": 3, "1%": 1, "100%": 12} {
		t.Run(text, func(t *testing.T) {
			var mu sync.Mutex
			now, peak := 0, 0
			script := func(ctx context.Context, id network.InstanceID) (string, Exit) {
				mu.Lock()
				now++
				peak = max(peak, now)
				mu.Unlock()
				defer func() { mu.Lock(); now--; mu.Unlock() }()
				return lasting(time.Minute)(ctx, id)
			}
			staged(t, script, func(t *testing.T, s *site, c *Commands, _ *stage) {
				spec := shell(time.Hour, "", s.launchAll(12)...)
				spec.MaxConcurrency = text
				sent := send(t, c, spec)
				after(20 * time.Minute)
				if got := only(t, c, sent.ID); got.Status != Success || got.Completed != 12 || peak != most {
					t.Errorf("%s, %d completed, %d at once", got.Status, got.Completed, peak)
				}
			})
		})
	}
}

func TestAtMostFiveRunInAnInstance(t *testing.T) {
	staged(t, lasting(time.Minute), func(t *testing.T, s *site, c *Commands, host *stage) {
		id := s.launch(home, nil)
		for range 7 {
			send(t, c, shell(time.Hour, "", id))
		}
		after(30 * time.Second)
		if n := len(host.order()); n != 5 {
			t.Errorf("%d run at once", n)
		}
		after(2 * time.Minute)
		if n := len(host.order()); n != 7 {
			t.Errorf("%d have run", n)
		}
	})
}

func TestMaxErrors(t *testing.T) {
	fails := func(context.Context, network.InstanceID) (string, Exit) { return "", Exit{Code: 1} }
	for _, c := range []struct {
		text     string
		ran      int
		status   Status
		nextOnes Status
	}{
		{"", 1, Failed, Terminated}, {"0", 1, Failed, Terminated}, {"2", 3, Failed, Terminated},
		{"10%", 2, Failed, Terminated}, {"10", 10, Incomplete, Failed}, {"100%", 10, Incomplete, Failed},
	} {
		t.Run(c.text, func(t *testing.T) {
			staged(t, fails, func(t *testing.T, s *site, commands *Commands, host *stage) {
				spec := shell(time.Hour, "", s.launchAll(10)...)
				spec.MaxConcurrency, spec.MaxErrors = "1", c.text
				sent := send(t, commands, spec)
				after(time.Minute)
				got := only(t, commands, sent.ID)
				if got.Status != c.status || got.Errors != c.ran || got.Completed != 10 || len(host.order()) != c.ran {
					t.Errorf("%s, %d errors, %d completed, %d ran", got.Status, got.Errors, got.Completed, len(host.order()))
				}
				if last := look(t, commands, sent.ID, spec.Instances[9]); last.Status != c.nextOnes {
					t.Errorf("the last is %s", last.Status)
				}
			})
		})
	}
}

func TestStoppedInstanceIsWaitedFor(t *testing.T) {
	staged(t, lasting(time.Second), func(t *testing.T, s *site, c *Commands, host *stage) {
		id := s.launch(home, nil)
		s.stop(id)
		spec := shell(time.Hour, "", id)
		spec.Timeout = 10 * time.Minute
		sent := send(t, c, spec)
		if want := spec.Timeout + time.Hour; sent.Expires.Sub(sent.Requested) != want {
			t.Errorf("it expires after %v, want %v", sent.Expires.Sub(sent.Requested), want)
		}
		after(9 * time.Minute)
		if i := look(t, c, sent.ID, id); i.Status != Pending || only(t, c, sent.ID).Status != Pending || len(host.order()) != 0 {
			t.Errorf("while it is stopped: %s", i.Status)
		}
		s.start(id)
		after(2 * time.Second)
		if i := look(t, c, sent.ID, id); i.Status != Success || i.Steps[0].Stdout != "done\n" {
			t.Errorf("once it runs: %s, %+v", i.Status, i.Steps)
		}
	})
}

func TestDeliveryTimesOut(t *testing.T) {
	staged(t, lasting(time.Second), func(t *testing.T, s *site, c *Commands, host *stage) {
		id := s.launch(home, nil)
		s.stop(id)
		spec := shell(time.Hour, "", id)
		spec.Timeout = 30 * time.Second
		sent := send(t, c, spec)
		after(29 * time.Second)
		if i := look(t, c, sent.ID, id); i.Status != Pending {
			t.Errorf("too early: %s", i.Status)
		}
		after(time.Second + poll)
		i, command := look(t, c, sent.ID, id), only(t, c, sent.ID)
		if i.Status != DeliveryTimedOut || i.Status.Name() != "TimedOut" || i.Steps[0].Code != -1 || i.Steps[0].Stdout != "" {
			t.Errorf("%s, %+v", i.Status, i.Steps)
		}
		if command.Status != DeliveryTimedOut || command.DeliveryTimedOut != 1 || command.Errors != 0 || command.Completed != 1 {
			t.Errorf("the command: %+v", command)
		}
		s.start(id)
		after(time.Minute)
		if len(host.order()) != 0 {
			t.Error("it ran after all")
		}
	})
}

func TestTerminatedInstanceIsUndeliverable(t *testing.T) {
	staged(t, lasting(time.Second), func(t *testing.T, s *site, c *Commands, _ *stage) {
		ids := s.launchAll(2)
		s.stop(ids[0])
		sent := send(t, c, shell(time.Hour, "", ids...))
		after(time.Minute)
		s.do(home, network.TerminateInstances{Instances: ids[:1]})
		after(time.Second)
		if i := look(t, c, sent.ID, ids[0]); i.Status != Undeliverable || i.Status.Name() != "Failed" {
			t.Errorf("%s", i.Status)
		}
		// Undeliverable invocations count for nothing (AWS: Understanding command statuses).
		if command := only(t, c, sent.ID); command.Status != Success || command.Errors != 0 || command.Completed != 2 {
			t.Errorf("the command: %+v", command)
		}
	})
}

func TestExecutionTimesOutOnTime(t *testing.T) {
	staged(t, forever, func(t *testing.T, s *site, c *Commands, _ *stage) {
		id := s.launch(home, nil)
		sent := send(t, c, shell(time.Hour, "", id))
		after(time.Hour - time.Second)
		if i := look(t, c, sent.ID, id); i.Status != InProgress {
			t.Errorf("too early: %s", i.Status)
		}
		after(2 * time.Second)
		i, command := look(t, c, sent.ID, id), only(t, c, sent.ID)
		if i.Status != ExecutionTimedOut || command.Status != ExecutionTimedOut || command.Errors != 1 {
			t.Errorf("%s, the command: %+v", i.Status, command)
		}
		if r := i.Steps[0]; r.Ended.Sub(r.Started) != time.Hour {
			t.Errorf("it ran from %v to %v", r.Started, r.Ended)
		}
	})
}

func TestCancel(t *testing.T) {
	t.Run("what waits never runs", func(t *testing.T) {
		staged(t, forever, func(t *testing.T, s *site, c *Commands, host *stage) {
			id := s.launch(home, nil)
			s.stop(id)
			sent := send(t, c, shell(time.Hour, "", id))
			cancel(t, c, sent.ID)
			after(time.Second)
			s.start(id)
			after(time.Minute)
			if i := look(t, c, sent.ID, id); i.Status != Cancelled || i.Steps[0].Status != Cancelled || len(host.order()) != 0 {
				t.Errorf("%s, %+v", i.Status, i.Steps)
			}
		})
	})
	t.Run("in one instance the others go on", func(t *testing.T) {
		staged(t, lasting(time.Minute), func(t *testing.T, s *site, c *Commands, _ *stage) {
			ids := s.launchAll(2)
			sent := send(t, c, shell(time.Hour, "", ids...))
			after(time.Second)
			cancel(t, c, sent.ID, ids[0])
			if i := look(t, c, sent.ID, ids[0]); i.Status != Cancelling && i.Status != Cancelled {
				t.Errorf("at once: %s", i.Status)
			}
			after(2 * time.Minute)
			a, b := look(t, c, sent.ID, ids[0]), look(t, c, sent.ID, ids[1])
			if a.Status != Cancelled || b.Status != Success || only(t, c, sent.ID).Status != Incomplete {
				t.Errorf("%s, %s, the command %s", a.Status, b.Status, only(t, c, sent.ID).Status)
			}
			cancel(t, c, sent.ID) // an ended command stays as it is
			if got := only(t, c, sent.ID).Status; got != Incomplete {
				t.Errorf("cancelled after its end it is %s", got)
			}
		})
	})
	t.Run("nonsense is refused", func(t *testing.T) {
		staged(t, forever, func(t *testing.T, s *site, c *Commands, _ *stage) {
			ids := s.launchAll(2)
			sent := send(t, c, shell(time.Hour, "", ids[0]))
			for want, err := range map[string]error{
				"InvalidCommandId":    c.Cancel(t.Context(), stranger, sent.ID, nil),
				"InvalidInstanceId":   c.Cancel(t.Context(), home, sent.ID, ids[1:]),
				"DuplicateInstanceId": c.Cancel(t.Context(), home, sent.ID, []network.InstanceID{ids[0], ids[0]}),
			} {
				refused(t, err, want)
			}
		})
	})
}

func cancel(t *testing.T, c *Commands, id string, on ...network.InstanceID) {
	t.Helper()
	if err := c.Cancel(t.Context(), home, id, on); err != nil {
		t.Fatal(err)
	}
}

func refused(t *testing.T, err error, code string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("the error is %v, want %s", err, code)
	}
}

func TestTargets(t *testing.T) {
	s := newSite(t)
	web1 := s.launch(home, network.Tags{"role": "web", "stage": "one"})
	web2 := s.launch(home, network.Tags{"role": "web", "stage": "two"})
	db := s.launch(home, network.Tags{"role": "db", "empty": ""})
	gone := s.launch(home, network.Tags{"role": "web"})
	s.do(home, network.TerminateInstances{Instances: []network.InstanceID{gone}})
	theirs := s.launch(stranger, network.Tags{"role": "web"})
	c, _ := running(t, Config{Host: &stage{script: lasting(0)}, State: s.State})
	for name, test := range map[string]struct {
		instances []network.InstanceID
		targets   []Target
		want      []network.InstanceID
		err       string
	}{
		"a tag":                 {nil, []Target{{"tag:role", []string{"web"}}}, []network.InstanceID{web1, web2}, ""},
		"a tag's many values":   {nil, []Target{{"tag:role", []string{"web", "db"}}}, []network.InstanceID{web1, web2, db}, ""},
		"two tags":              {nil, []Target{{"tag:role", []string{"web"}}, {"tag:stage", []string{"two"}}}, []network.InstanceID{web2}, ""},
		"an empty value":        {nil, []Target{{"tag:empty", []string{""}}}, []network.InstanceID{db}, ""},
		"a missing tag's value": {nil, []Target{{"tag:none", []string{""}}}, nil, ""},
		"a tag key":             {nil, []Target{{"tag-key", []string{"stage", "none"}}}, []network.InstanceID{web1, web2}, ""},
		"IDs as targets":        {nil, []Target{{"InstanceIds", []string{string(db)}}}, []network.InstanceID{db}, ""},
		"another's ID":          {nil, []Target{{"InstanceIds", []string{string(theirs)}}}, nil, "InvalidInstanceId"},
		"resource groups":       {nil, []Target{{"resource-groups:Name", []string{"a"}}}, nil, "InvalidTarget"},
		"IDs in their order":    {[]network.InstanceID{db, web1}, nil, []network.InstanceID{db, web1}, ""},
		"an unknown ID":         {[]network.InstanceID{db, "i-0123456789abcdef0"}, nil, nil, "InvalidInstanceId"},
		"a terminated one":      {[]network.InstanceID{gone}, nil, nil, "InvalidInstanceId"},
		"another account's":     {[]network.InstanceID{theirs}, nil, nil, "InvalidInstanceId"},
		"the same twice":        {[]network.InstanceID{db, db}, nil, nil, "DuplicateInstanceId"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := shell(time.Minute, "", test.instances...)
			spec.Targets = test.targets
			sent, err := c.Send(t.Context(), spec)
			if test.err != "" {
				refused(t, err, test.err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if sent.Status != Pending || sent.Targeted != len(test.want) {
				t.Errorf("%s for %d instances", sent.Status, sent.Targeted)
			}
			var got []network.InstanceID
			for _, i := range c.Invocations(Filter{Caller: home, ID: sent.ID}) {
				got = append(got, i.Instance)
			}
			if len(test.instances) == 0 { // those found come in order of ID
				slices.Sort(test.want)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("instances (-want +got):\n%s", diff)
			}
			until(t, "the command ends", func() bool { return only(t, c, sent.ID).Status.Ended() })
			if got := only(t, c, sent.ID).Status; test.want == nil && got != NoInstancesInTag || test.want != nil && got != Success {
				t.Errorf("it ends as %s", got)
			}
		})
	}
	_, err := c.Send(t.Context(), shell(time.Minute, "", theirs, "i-0123456789abcdef0"))
	if want := "InvalidInstanceId: Instances [[" + string(theirs) + ", i-0123456789abcdef0]] not in a valid state for account 123456789012"; err == nil || err.Error() != want {
		t.Errorf("the error is %v", err)
	}
}

func TestListing(t *testing.T) {
	staged(t, lasting(time.Minute), func(t *testing.T, s *site, c *Commands, _ *stage) {
		ids := s.launchAll(2)
		var sent []Command
		for n := range 3 {
			spec := shell(time.Hour, fmt.Sprint(n), ids[:1+n%2]...)
			spec.Document = fmt.Sprint("document-", n)
			sent = append(sent, send(t, c, spec))
			after(50 * time.Second)
		}
		for name, test := range map[string]struct {
			filter Filter
			want   string
		}{
			"all, the newest first": {Filter{}, "2 1 0"},
			"by ID":                 {Filter{ID: sent[1].ID}, "1"},
			"by instance":           {Filter{Instance: ids[1]}, "1"},
			"by status":             {Filter{Statuses: []string{"InProgress"}}, "2"},
			"by stage":              {Filter{Stage: "Complete"}, "1 0"},
			"executing":             {Filter{Stage: "Executing"}, "2"},
			"after":                 {Filter{After: sent[0].Requested}, "2 1"},
			"before":                {Filter{Before: sent[1].Requested}, "0"},
			"by document":           {Filter{Document: "document-1"}, "1"},
			"another account's":     {Filter{Caller: stranger}, ""},
			"another's by ID":       {Filter{Caller: stranger, ID: sent[0].ID}, ""},
		} {
			f := test.filter
			if f.Caller == (network.Caller{}) {
				f.Caller = home
			}
			var got []string
			for _, command := range c.List(f) {
				got = append(got, strings.TrimPrefix(command.Document, "document-"))
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		if n := len(c.Invocations(Filter{Caller: home, Instance: ids[0]})); n != 3 {
			t.Errorf("%d invocations in the first instance", n)
		}
		for _, pair := range [][2]string{{sent[0].ID, string(ids[1])}, {"none", string(ids[0])}, {"", ""}} {
			_, err := c.Invocation(home, pair[0], network.InstanceID(pair[1]))
			refused(t, err, "InvocationDoesNotExist")
		}
		_, err := c.Invocation(stranger, sent[0].ID, ids[0])
		refused(t, err, "InvocationDoesNotExist")
	})
}

func TestHistoryIsThirtyDaysLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, records := newSite(t), new(store.Memory)
		c, quit := running(t, Config{Host: &stage{script: lasting(time.Second)}, State: s.State, Records: records})
		id := s.launch(home, nil)
		send(t, c, shell(time.Hour, "old", id))
		after(29 * 24 * time.Hour)
		young := send(t, c, shell(time.Hour, "young", id))
		if n := len(c.List(Filter{Caller: home})); n != 2 {
			t.Errorf("after 29 days %d are left", n)
		}
		after(2 * 24 * time.Hour)
		if left := c.List(Filter{Caller: home}); len(left) != 1 || left[0].ID != young.ID {
			t.Errorf("after 31 days %d are left", len(left))
		}
		quit()
		for kind, want := range map[string]int{kindCommand: 1, kindInvocation: 1} {
			if got, err := records.Records(t.Context(), kind); err != nil || len(got) != want {
				t.Errorf("%d records of kind %s, %v", len(got), kind, err)
			}
		}
	})
}

// TestMemoryIsBounded: the oldest ended commands make room, those that wait do not.
func TestMemoryIsBounded(t *testing.T) {
	long := func(context.Context, network.InstanceID) (string, Exit) { return strings.Repeat("x", 30_000), Exit{} }
	staged(t, long, func(t *testing.T, s *site, c *Commands, _ *stage) {
		ids := s.launchAll(2)
		s.stop(ids[1])
		waits := send(t, c, shell(time.Hour, "", ids[1]))
		script := strings.Repeat("y", 1<<20)
		var last Command
		for range 40 {
			last = send(t, c, shell(time.Hour, script, ids[0]))
			after(time.Second)
		}
		left := c.List(Filter{Caller: home})
		if n := len(left); n < 20 || n > 33 {
			t.Errorf("%d are left of 41", n)
		}
		if left[0].ID != last.ID || left[len(left)-1].ID != waits.ID {
			t.Error("it is not the oldest that went")
		}
	})
}

func TestTooManyCommandsAreRefused(t *testing.T) {
	staged(t, forever, func(t *testing.T, s *site, c *Commands, host *stage) {
		ids := s.launchAll(30)
		for n := range openLimit {
			send(t, c, shell(time.Hour, "", ids[n%len(ids)]))
		}
		_, err := c.Send(t.Context(), shell(time.Hour, "", ids[0]))
		refused(t, err, "ThrottlingException")
		after(time.Second)
		if n := len(host.order()); n != programLimit {
			t.Errorf("%d run at once", n)
		}
	})
}
