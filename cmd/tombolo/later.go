package main

import (
	"context"
	"log/slog"

	"golang.org/x/sync/errgroup"
)

// laterIn runs what takes longer than a caller waits, one piece of work after the
// other, so that none keeps the machine from its packets. The group waits for the
// last one; what fails is logged and done again by the next start, if it matters.
func laterIn(ctx context.Context, all *errgroup.Group, log *slog.Logger) func(func(context.Context) error) {
	turn := make(chan struct{}, 1)
	return func(work func(context.Context) error) {
		all.Go(func() error {
			select {
			case turn <- struct{}{}:
			case <-ctx.Done():
				return nil
			}
			defer func() { <-turn }()
			if err := work(ctx); err != nil && ctx.Err() == nil {
				log.Error("work in the background failed", "err", err)
			}
			return nil
		})
	}
}

// Later is what package ec2 needs for its long analyses.
func (d *daemon) Later(work func(context.Context) error) { d.later(work) }
