package ssm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tombolo/network"
	"tombolo/ssm/document"
)

// library keeps the documents of every account in every Region, and those that
// everybody has. What it answers is on disk.
type library struct {
	records Records
	builtin map[string]document.Record

	mu  sync.Mutex // held while a change is written: changes come one after another
	own map[network.Caller]map[string]document.Record
}

// recordKind is the kind of our records. A key is account/Region/name.
const recordKind = "ssm-document"

// maxDocuments is AWS's quota of documents for one account and Region.
const maxDocuments = 500

func newLibrary(records Records) *library {
	l := &library{records: records, builtin: map[string]document.Record{}, own: map[network.Caller]map[string]document.Record{}}
	for _, r := range document.Builtin() {
		l.builtin[r.Name] = r
	}
	return l
}

func recordKey(c network.Caller, name string) string {
	return string(c.Account) + "/" + string(c.Region) + "/" + name
}

func (l *library) load(ctx context.Context) error {
	docs, err := l.records.Records(ctx, recordKind)
	if err != nil {
		return err
	}
	for key, doc := range docs {
		parts := strings.SplitN(key, "/", 3)
		var r document.Record
		if err := json.Unmarshal(doc, &r); err != nil || len(parts) != 3 || len(r.Versions) == 0 {
			return errors.Join(fmt.Errorf("read document %s", key), err)
		}
		l.put(network.Caller{Account: network.Account(parts[0]), Region: network.Region(parts[1])}, r)
	}
	return nil
}

func (l *library) put(c network.Caller, r document.Record) {
	if l.own[c] == nil {
		l.own[c] = map[string]document.Record{}
	}
	l.own[c][r.Name] = r
}

// find finds the document that a caller means by a name or an ARN.
func (l *library) find(c network.Caller, name string) (document.Record, error) {
	n, err := document.ParseName(name)
	if err != nil {
		return document.Record{}, err
	}
	if n.Region != "" && n.Region != string(c.Region) || n.Account != "" && n.Account != string(c.Account) {
		return document.Record{}, document.NotFound(name)
	}
	if r, ok := l.builtin[n.Name]; ok {
		return r, nil
	}
	l.mu.Lock()
	r, ok := l.own[c][n.Name]
	l.mu.Unlock()
	if ok {
		return r, nil
	}
	if n.Name == document.RunShell {
		return document.DefaultRunShell(string(c.Account)), nil
	}
	return document.Record{}, document.NotFound(name)
}

// all are the documents that a caller sees, by name.
func (l *library) all(c network.Caller) []document.Record {
	out := document.Builtin()
	l.mu.Lock()
	for _, r := range l.own[c] {
		out = append(out, r)
	}
	_, preferences := l.own[c][document.RunShell]
	l.mu.Unlock()
	if !preferences {
		out = append(out, document.DefaultRunShell(string(c.Account)))
	}
	slices.SortFunc(out, func(a, b document.Record) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// create adds a document. The account's preferences are there before they are
// made: making them replaces the default ones, as on AWS the console's first save.
func (l *library) create(ctx context.Context, c network.Caller, r document.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, there := l.own[c][r.Name]; there {
		return fail("DocumentAlreadyExists", "Document with same name %s already exists", r.Name)
	}
	if len(l.own[c]) >= maxDocuments {
		return fail("DocumentLimitExceeded", "The account has %d documents in this Region, which is the most that it can have.", maxDocuments)
	}
	return l.write(ctx, c, r)
}

// change replaces one of the caller's own documents by what f makes of it.
func (l *library) change(ctx context.Context, c network.Caller, name string, f func(document.Record) (document.Record, error)) (document.Record, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.own[c][name]
	switch _, amazons := l.builtin[name]; {
	case amazons:
		return r, fail(string(document.InvalidDocument), "Document %s is owned by Amazon and can't be changed.", name)
	case !ok && name == document.RunShell:
		r = document.DefaultRunShell(string(c.Account))
	case !ok:
		return r, document.NotFound(name)
	}
	r, err := f(r)
	if err != nil {
		return r, err
	}
	return r, l.write(ctx, c, r)
}

func (l *library) write(ctx context.Context, c network.Caller, r document.Record) error {
	doc, err := json.Marshal(r)
	if err == nil {
		// What was begun is finished: a caller that hangs up leaves no doubt.
		err = l.records.PutRecord(context.WithoutCancel(ctx), recordKind, recordKey(c, r.Name), doc)
	}
	if err != nil {
		return fmt.Errorf("store document %s: %w", r.Name, err)
	}
	l.put(c, r)
	return nil
}

// remove deletes a document with all its versions.
func (l *library) remove(ctx context.Context, c network.Caller, name string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, amazons := l.builtin[name]; amazons {
		return fail(string(document.InvalidDocument), "Document %s is owned by Amazon and can't be deleted.", name)
	}
	if _, ok := l.own[c][name]; !ok {
		return document.NotFound(name)
	}
	if err := l.records.DeleteRecord(context.WithoutCancel(ctx), recordKind, recordKey(c, name)); err != nil {
		return fmt.Errorf("delete document %s: %w", name, err)
	}
	delete(l.own[c], name)
	return nil
}

// reset forgets every document that an account made.
func (l *library) reset(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for c, documents := range l.own {
		for name := range documents {
			errs = append(errs, l.records.DeleteRecord(ctx, recordKind, recordKey(c, name)))
		}
	}
	l.own = map[network.Caller]map[string]document.Record{}
	return errors.Join(errs...)
}

// Reset forgets every document that an account made. Sessions and commands have
// Resets of their own.
func (s *Service) Reset(ctx context.Context) error { return s.library.reset(ctx) }

// stamp is a time as it is stored and shown.
func (s *Service) stamp() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }
