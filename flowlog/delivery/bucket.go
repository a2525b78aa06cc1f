package delivery

import (
	"bytes"
	"compress/gzip"
	"fmt"

	"tombolo/bucket"
)

// ToBuckets writes objects to this machine's buckets.
type ToBuckets struct{ Buckets *bucket.Buckets }

// Put writes an object: all of it, or none.
func (t ToBuckets) Put(name, key string, content []byte) error {
	u, err := t.Buckets.Create(name, key)
	if err != nil {
		return err
	}
	if _, err := u.Write(content); err != nil {
		u.Abandon()
		return fmt.Errorf("write object %s/%s: %w", name, key, err)
	}
	return u.Close()
}

func compress(text []byte) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		return nil, fmt.Errorf("compress records: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("compress records: %w", err)
	}
	return b.Bytes(), nil
}
