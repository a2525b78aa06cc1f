package insight

import (
	"bytes"
	"encoding/json"
	"fmt"

	"tombolo/ec2/wire"
	"tombolo/network"
)

// document is what is kept of an analysis: AWS's own shapes, whose names never
// change.
type document struct {
	Forward, Return []wire.PathComponent
	Explanations    []wire.Explanation
	Suggested       []string
}

// encode writes a document without what it does not say: an explanation alone has
// some fifty fields.
func encode(v any) (network.Document, error) {
	full, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode analysis: %w", err)
	}
	read := json.NewDecoder(bytes.NewReader(full))
	read.UseNumber()
	var tree any
	if err := read.Decode(&tree); err != nil {
		return nil, fmt.Errorf("encode analysis: %w", err)
	}
	short, err := json.Marshal(said(tree))
	if err != nil {
		return nil, fmt.Errorf("encode analysis: %w", err)
	}
	return short, nil
}

// said takes away every member that is null.
func said(tree any) any {
	switch t := tree.(type) {
	case map[string]any:
		for key, value := range t {
			if value == nil {
				delete(t, key)
				continue
			}
			t[key] = said(value)
		}
	case []any:
		for i := range t {
			t[i] = said(t[i])
		}
	}
	return tree
}

func decode[T any](d network.Document) (T, error) {
	var out T
	if len(d) == 0 {
		return out, nil
	}
	if err := json.Unmarshal(d, &out); err != nil {
		return out, fmt.Errorf("decode analysis: %w", err)
	}
	return out, nil
}
