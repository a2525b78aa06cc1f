package wire

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Request is what a generated request is: a pointer to T that reads itself from
// a form.
type Request[T any] interface {
	*T
	decode(cursor, *decoder)
}

// Response is what a generated result is: something that writes its members.
type Response interface {
	AppendXML([]byte) []byte
}

// Decode reads the form as a T. Of several problems it reports the most basic.
func Decode[T any, P Request[T]](f Form) (*T, *Problem) {
	v := new(T)
	var d decoder
	P(v).decode(cursor{ps: f.params}, &d)
	return v, d.problem
}

// cursor is the part of a form that belongs to one structure, list or scalar:
// parameters that share the first off bytes of their keys. The cursor of a
// scalar holds one parameter, whose key ends before off.
type cursor struct {
	ps  []Param
	off int
}

func (c *cursor) more() bool { return len(c.ps) > 0 }

// next cuts off the parameters with the same next segment.
func (c *cursor) next() (name string, sub cursor) {
	first := c.ps[0].Key
	if c.off > len(first) {
		// A value where a structure was expected: "Tag.1=x".
		sub, c.ps = *c, nil
		return "", sub
	}
	name, _, _ = strings.Cut(first[c.off:], ".")
	end := c.off + len(name)
	n := 1
	for n < len(c.ps) && within(c.ps[n].Key, first[:end]) {
		n++
	}
	sub = cursor{ps: c.ps[:n], off: end + 1}
	c.ps = c.ps[n:]
	return name, sub
}

func within(key, prefix string) bool {
	return strings.HasPrefix(key, prefix) && (len(key) == len(prefix) || key[len(prefix)] == '.')
}

// prefix is what stands before the name of a member here: "Tag.1." or nothing.
func (c *cursor) prefix() string {
	if len(c.ps) == 0 || c.off > len(c.ps[0].Key) {
		return ""
	}
	return c.ps[0].Key[:c.off]
}

// scalar returns the one parameter of a scalar; ok is false, and the problem
// noted, when there is more below it.
func (c cursor) scalar(d *decoder) (p Param, ok bool) {
	for _, p := range c.ps {
		if c.off <= len(p.Key) {
			d.note(&Problem{Kind: Unknown, Param: p.Key})
			return Param{}, false
		}
	}
	return c.ps[0], true
}

// decoder keeps the worst problem met so far, so that generated code needs no
// error handling.
type decoder struct {
	problem *Problem
}

func (d *decoder) note(p *Problem) {
	if d.problem == nil || p.Kind < d.problem.Kind {
		d.problem = p
	}
}

func (d *decoder) unknown(c cursor) {
	d.note(&Problem{Kind: Unknown, Param: c.ps[0].Key})
}

func (d *decoder) need(prefix, name string, present bool) {
	if !present {
		d.note(&Problem{Kind: Missing, Param: prefix + name})
	}
}

func (d *decoder) text(c cursor) *string {
	p, ok := c.scalar(d)
	if !ok {
		return nil
	}
	return &p.Value
}

func (d *decoder) enum(c cursor, values []string) *string {
	p, ok := c.scalar(d)
	if !ok {
		return nil
	}
	if _, ok := slices.BinarySearch(values, p.Value); !ok {
		// Some names are taken in capitals too: AWS's own pages send the protocol TCP
		// (AWS: Reachability Analyzer, Getting started using the AWS CLI).
		if lower := strings.ToLower(p.Value); slices.Contains(values, lower) {
			return &lower
		}
		d.note(&Problem{Kind: BadValue, Param: p.Key, Value: p.Value, Want: "enum", Enum: values})
	}
	return &p.Value
}

func (d *decoder) boolean(c cursor) *bool {
	p, ok := c.scalar(d)
	if !ok {
		return nil
	}
	switch {
	case strings.EqualFold(p.Value, "true"):
		return new(true)
	case strings.EqualFold(p.Value, "false"):
		return new(false)
	}
	d.note(&Problem{Kind: BadValue, Param: p.Key, Value: p.Value, Want: "boolean"})
	return nil
}

func (d *decoder) integer(c cursor) *int64 {
	p, ok := c.scalar(d)
	if !ok {
		return nil
	}
	n, err := strconv.ParseInt(p.Value, 10, 64)
	if err != nil {
		d.note(&Problem{Kind: BadValue, Param: p.Key, Value: p.Value, Want: "integer"})
		return nil
	}
	return &n
}

func (d *decoder) time(c cursor) *time.Time {
	p, ok := c.scalar(d)
	if !ok {
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, p.Value)
	if err != nil {
		d.note(&Problem{Kind: BadValue, Param: p.Key, Value: p.Value, Want: "timestamp"})
		return nil
	}
	return &t
}

func (d *decoder) blob(c cursor) []byte {
	p, ok := c.scalar(d)
	if !ok {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(p.Value)
	if err != nil {
		d.note(&Problem{Kind: BadValue, Param: p.Key, Value: p.Value, Want: "base64"})
	}
	return b
}

func (d *decoder) textList(c cursor) []string {
	return decodeItems(c, d, func(item cursor, list []string) []string {
		if s := d.text(item); s != nil {
			list = append(list, *s)
		}
		return list
	})
}

func (d *decoder) enumList(c cursor, values []string) []string {
	return decodeItems(c, d, func(item cursor, list []string) []string {
		if s := d.enum(item, values); s != nil {
			list = append(list, *s)
		}
		return list
	})
}

func decodeStruct[T any](c cursor, d *decoder, decode func(*T, cursor, *decoder)) *T {
	v := new(T)
	decode(v, c, d)
	return v
}

func decodeList[T any](c cursor, d *decoder, decode func(*T, cursor, *decoder)) []T {
	return decodeItems(c, d, func(item cursor, list []T) []T {
		var v T
		decode(&v, item, d)
		return append(list, v)
	})
}

// decodeItems walks "Name.1", "Name.2", …: lists are flattened in the EC2
// protocol, whatever the model calls their members. "Name=" alone is the empty
// list.
func decodeItems[T any](c cursor, d *decoder, add func(cursor, []T) []T) []T {
	list := []T{}
	for c.more() {
		name, item := c.next()
		if name == "" && item.ps[0].Value == "" && len(item.ps) == 1 {
			continue
		}
		if _, ok := index(name); !ok {
			d.unknown(item)
			continue
		}
		list = add(item, list)
	}
	return list
}
