package command

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tombolo/network"
)

// Records keep documents; package store has them.
type Records interface {
	PutRecord(ctx context.Context, kind, key string, doc []byte) error
	DeleteRecord(ctx context.Context, kind, key string) error
	Records(ctx context.Context, kind string) (map[string][]byte, error)
}

// The kinds of our records. A command's key is its ID, an invocation's that, a
// slash, and the instance's ID; an invocation that has not begun has no record.
const (
	kindCommand    = "command"
	kindInvocation = "command-invocation"
)

// stored is a command on record: what was asked for.
type stored struct {
	ID string
	Spec
	On          []network.InstanceID // the targets
	Names       []string             // of the instances in On, then
	Requested   time.Time
	Expires     time.Time
	Cancelled   bool                 `json:",omitempty"`
	CancelledIn []network.InstanceID `json:",omitempty"`
}

// kept is an invocation on record: what became of it.
type kept struct {
	Status Status
	Steps  []Result
}

// blank are the results of steps that have not begun.
func (s stored) blank() []Result {
	out := make([]Result, len(s.Steps))
	for n, step := range s.Steps {
		out[n] = Result{Name: step.Name, Action: action, Path: step.Path, Status: Pending, Code: -1}
	}
	return out
}

func (c *Commands) putCommand(ctx context.Context, s stored) error {
	doc, err := json.Marshal(s)
	if err == nil {
		err = c.Records.PutRecord(ctx, kindCommand, s.ID, doc)
	}
	if err != nil {
		return fmt.Errorf("record command %s: %w", s.ID, err)
	}
	return nil
}

// note records where an invocation is now and shows it; only the goroutine that
// owns the invocation calls it. What can't be recorded is shown all the same,
// being true until the daemon's end, but for a beginning: then nothing may begin.
func (c *Commands) note(e *entry, i *invocation, s Status, steps []Result) bool {
	if steps == nil {
		steps = e.blank()
	}
	now := kept{Status: s, Steps: slices.Clone(steps)}
	doc, err := json.Marshal(now)
	if err == nil {
		// Not even the daemon's end keeps the fact from the disk.
		err = c.Records.PutRecord(context.Background(), kindInvocation, e.ID+"/"+string(i.instance), doc)
	}
	if err != nil {
		c.Log.Error("a command's progress is not on disk", "command", e.ID, "instance", i.instance, "status", s.Details(), "error", err)
	}
	if err == nil || s != InProgress {
		c.mu.Lock()
		i.kept, i.size = now, len(doc)
		c.mu.Unlock()
	}
	return err == nil
}

// load reads what is on record. What ran when the daemon ended has failed: the
// script was hung up with it, and must not run twice.
func (c *Commands) load(ctx context.Context) error {
	commands, err := c.Records.Records(ctx, kindCommand)
	if err != nil {
		return err
	}
	invocations, err := c.Records.Records(ctx, kindInvocation)
	if err != nil {
		return err
	}
	for id, doc := range commands {
		var s stored
		if err := json.Unmarshal(doc, &s); err != nil {
			return fmt.Errorf("command %s: %w", id, err)
		}
		e, err := newEntry(s)
		if err == nil && (s.ID != id || len(s.Names) != len(s.On)) {
			err = errors.New("it does not agree with itself")
		}
		if err != nil {
			return fmt.Errorf("command %s: %w", id, err)
		}
		for _, i := range e.invocations {
			key := id + "/" + string(i.instance)
			doc, begun := invocations[key]
			if !begun {
				continue
			}
			delete(invocations, key)
			i.size = len(doc)
			err := json.Unmarshal(doc, &i.kept)
			if err == nil && (i.Status == 0 || len(i.Steps) != len(e.Steps)) {
				err = errors.New("it does not belong to its command")
			}
			if err != nil {
				return fmt.Errorf("invocation %s: %w", key, err)
			}
			c.interrupted(e, i)
		}
		e.applyCancel()
		c.byID[id] = e
		c.open = append(c.open, e)
	}
	for key := range invocations { // of commands that were being forgotten
		if err := c.Records.DeleteRecord(ctx, kindInvocation, key); err != nil {
			return err
		}
	}
	slices.SortFunc(c.open, func(a, b *entry) int {
		return cmp.Or(a.Requested.Compare(b.Requested), cmp.Compare(a.ID, b.ID))
	})
	return c.retire(ctx)
}

// interrupted ends an invocation that an earlier daemon had begun.
func (c *Commands) interrupted(e *entry, i *invocation) {
	if i.Status != InProgress {
		return
	}
	at := c.now()
	for n := range i.Steps {
		r := &i.Steps[n]
		if r.Status.Ended() {
			continue
		}
		r.Status, r.Ended = Failed, at
		r.Stderr = strings.TrimPrefix(r.Stderr+"\n"+failure+errRestarted.Error(), "\n")
	}
	c.note(e, i, Failed, i.Steps)
}

// retire moves commands that have ended to the history, and forgets what is too
// old or too much of that.
func (c *Commands) retire(ctx context.Context) error {
	c.mu.Lock()
	moved := false
	c.open = slices.DeleteFunc(c.open, func(e *entry) bool {
		if !e.counts().ended() || slices.ContainsFunc(e.invocations, func(i *invocation) bool { return i.busy }) {
			return false
		}
		c.ended = append(c.ended, e)
		c.size += e.size()
		moved = true
		return true
	})
	if moved {
		slices.SortStableFunc(c.ended, func(a, b *entry) int { return a.Requested.Compare(b.Requested) })
	}
	oldest := c.now().Add(-history)
	var gone []*entry
	for len(c.ended) > 0 && (c.size > sizeLimit || c.ended[0].Requested.Before(oldest)) {
		e := c.ended[0]
		gone, c.ended = append(gone, e), c.ended[1:]
		c.size -= e.size()
		delete(c.byID, e.ID)
	}
	c.mu.Unlock()
	var failed error
	for _, e := range gone {
		failed = errors.Join(failed, c.forget(ctx, e))
	}
	return failed
}

// size is about what a command takes, in memory and on disk.
func (e *entry) size() int {
	sum := 1000
	for _, s := range e.Steps {
		sum += 2 * len(s.Script) // once more as a parameter
	}
	for _, i := range e.invocations {
		sum += 500 + i.size
	}
	return sum
}

func (n counts) ended() bool { return n.of(unfinished()...) == 0 }

// forget removes a command's records. The command goes first: without its
// invocations' records it would be taken for one that has not begun.
func (c *Commands) forget(ctx context.Context, e *entry) error {
	if err := c.Records.DeleteRecord(ctx, kindCommand, e.ID); err != nil {
		return fmt.Errorf("forget command %s: %w", e.ID, err)
	}
	for _, i := range e.invocations {
		if err := c.Records.DeleteRecord(ctx, kindInvocation, e.ID+"/"+string(i.instance)); err != nil {
			return fmt.Errorf("forget command %s: %w", e.ID, err)
		}
	}
	return nil
}

// forgetAll removes every record.
func (c *Commands) forgetAll(ctx context.Context) error {
	for _, kind := range []string{kindCommand, kindInvocation} {
		found, err := c.Records.Records(ctx, kind)
		if err != nil {
			return fmt.Errorf("forget commands: %w", err)
		}
		for key := range found {
			if err := c.Records.DeleteRecord(ctx, kind, key); err != nil {
				return fmt.Errorf("forget commands: %w", err)
			}
		}
	}
	return nil
}
