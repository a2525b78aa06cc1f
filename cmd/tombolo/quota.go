package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"tombolo/network"
)

// quotaName is a quota as a flag writes it: vpcs-per-region.
func quotaName(q network.Quota) string {
	return strings.ReplaceAll(strings.ToLower(string(q)), " ", "-")
}

// quotaHelp lists all of them with their defaults.
func quotaHelp() string {
	var lines []string
	for q, n := range network.RaisableQuotas() {
		lines = append(lines, fmt.Sprintf("  --quota %s=%d", quotaName(q), n))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// readQuotas reads the values of --quota.
func readQuotas(flags []string) (map[network.Quota]int, error) {
	var out map[network.Quota]int
	for _, text := range flags {
		name, number, _ := strings.Cut(text, "=")
		n, err := strconv.Atoi(number)
		var found network.Quota
		for q := range network.RaisableQuotas() {
			if quotaName(q) == name {
				found = q
			}
		}
		if err != nil || n < 0 || found == "" {
			return nil, failed(exitUsage, "--quota %s: write NAME=NUMBER, for example vpcs-per-region=5; the names are in: tombolo serve --help", text)
		}
		if out == nil {
			out = map[network.Quota]int{}
		}
		out[found] = n
	}
	return out, nil
}

// setQuotas gives the worlds that exist the quotas of this start; new ones get
// them when they are opened.
func (d *daemon) setQuotas(ctx context.Context) error {
	for w := range d.State().Worlds() {
		if maps.Equal(w.Quotas, d.quotas) {
			continue
		}
		if _, err := d.Do(ctx, network.Caller{Account: w.Owner, Region: w.Region}, "", network.SetQuotas{Quotas: d.quotas}); err != nil {
			return fmt.Errorf("set the quotas of %s in %s: %w", w.Owner, w.Region, err)
		}
	}
	return nil
}
