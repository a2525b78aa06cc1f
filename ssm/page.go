package ssm

import (
	"cmp"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
)

// page cuts what follows a token off a list, at most size of it (fallback when no
// size was asked for), and makes the token for the rest. A token names the last
// row that was given, and what comes before it in the list: rows that come or go
// between two pages make none appear twice or be missed.
//
// The list must be in order of key.
func page[R any](all []R, key func(R) string, token string, size int) ([]R, string, error) {
	if token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		last, ok := strings.CutPrefix(string(raw), "1 ")
		if err != nil || !ok {
			return nil, "", fail("InvalidNextToken", "The specified token is not valid.")
		}
		at, found := slices.BinarySearchFunc(all, last, func(r R, last string) int { return cmp.Compare(key(r), last) })
		if found {
			at++
		}
		all = all[at:]
	}
	if size == 0 || len(all) <= size {
		return all, "", nil
	}
	return all[:size], base64.RawURLEncoding.EncodeToString([]byte("1 " + key(all[size-1]))), nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
