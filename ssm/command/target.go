package command

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tombolo/network"
)

// targets are the instances that a spec selects, in order: those named in the
// order of their naming, those found by tags in order of ID.
func (s Spec) targets(state network.State) ([]network.InstanceID, error) {
	if len(s.Instances) > 0 {
		return named(state, s.Caller, s.Instances)
	}
	found, first := []network.InstanceID(nil), true
	for _, t := range s.Targets {
		ids, err := t.instances(state, s.Caller)
		if err != nil {
			return nil, err
		}
		if first {
			found, first = ids, false
			continue
		}
		// An instance is a target when all keys select it.
		found = slices.DeleteFunc(found, func(id network.InstanceID) bool { return !slices.Contains(ids, id) })
	}
	return found, nil
}

// named are instances that must be the caller's and not be gone (AWS:
// InvalidInstanceId: valid states are running, pending, stopped and stopping).
func named(state network.State, caller network.Caller, ids []network.InstanceID) ([]network.InstanceID, error) {
	var seen, bad []network.InstanceID
	for _, id := range ids {
		if slices.Contains(seen, id) {
			return nil, &Error{"DuplicateInstanceId", fmt.Sprintf("Instance ID %s is specified more than once", id)}
		}
		seen = append(seen, id)
		if i := state.Instance(id); i == nil || !ours(i, caller) || !manageable(i) {
			bad = append(bad, id)
		}
	}
	if len(bad) > 0 {
		return nil, &Error{"InvalidInstanceId", fmt.Sprintf("Instances [%s] not in a valid state for account %s", list(bad), caller.Account)}
	}
	return seen, nil
}

func list(ids []network.InstanceID) string {
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(id))
	}
	return "[" + b.String() + "]"
}

func ours(i *network.Instance, c network.Caller) bool {
	return i.Owner == c.Account && i.Region == c.Region
}

func manageable(i *network.Instance) bool {
	return i.State != network.InstanceShuttingDown && i.State != network.InstanceTerminated
}

func (t Target) instances(state network.State, caller network.Caller) ([]network.InstanceID, error) {
	if t.Key == "InstanceIds" {
		ids := make([]network.InstanceID, len(t.Values))
		for i, v := range t.Values {
			ids[i] = network.InstanceID(v)
		}
		return named(state, caller, ids)
	}
	tag, byTag := strings.CutPrefix(t.Key, "tag:")
	if !byTag && t.Key != "tag-key" {
		return nil, &Error{"InvalidTarget", fmt.Sprintf("Target key %s is not supported: use InstanceIds, tag:KEY or tag-key", t.Key)}
	}
	var found []network.InstanceID
	for i := range state.InstancesOf(caller) {
		tags := state.Tags(caller, string(i.ID))
		selected := false
		if byTag {
			value, has := tags[tag]
			selected = has && slices.Contains(t.Values, value)
		} else {
			selected = slices.ContainsFunc(t.Values, func(key string) bool { _, has := tags[key]; return has })
		}
		if selected && manageable(i) {
			found = append(found, i.ID)
		}
	}
	return found, nil
}

// rate is a number or a percentage of n. Percentages are rounded down (AWS: Using
// targets and rate controls): 10% of 15 errors stop at the second.
func rate(text string, n, otherwise int) (int, error) {
	if text == "" {
		return otherwise, nil
	}
	digits, percent := strings.CutSuffix(text, "%")
	v, err := strconv.Atoi(digits)
	if err != nil || v < 0 || percent && v > 100 {
		return 0, &Error{"ValidationException", fmt.Sprintf("%s is neither a number nor a percentage", text)}
	}
	if percent {
		return v * n / 100, nil
	}
	return v, nil
}
