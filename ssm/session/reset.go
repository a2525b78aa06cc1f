package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Reset ends every session and forgets all that there were.
func (a *Sessions) Reset(ctx context.Context) error {
	a.mu.Lock()
	active := slices.Collect(maps.Values(a.active))
	a.mu.Unlock()
	for _, s := range active {
		s.end(ended())
		select {
		case <-s.over:
		case <-ctx.Done():
			return fmt.Errorf("end session: %w", ctx.Err())
		}
	}
	a.mu.Lock()
	ids := slices.Collect(maps.Keys(a.history))
	clear(a.history)
	a.mu.Unlock()
	var errs []error
	for _, id := range ids {
		errs = append(errs, a.cfg.Records.DeleteRecord(ctx, recordKind, id))
	}
	return errors.Join(errs...)
}
