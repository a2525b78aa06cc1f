// Package tfplan reads what `terraform show -json` or `tofu show -json` says of a
// plan, and carries its changes to the network out as calls of the EC2 API, on
// whatever answers them: it is how a plan is rehearsed before it is applied. What
// a plan does not know before it is applied, such as the ID of a VPC that it
// makes, is found by what its configuration refers to. It does no I/O of its own.
package tfplan

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Caller makes one call of the EC2 API: a query such as Action=CreateVpc&…. It
// returns the answer, and an error when the call was refused.
type Caller func(query string) (answer string, err error)

// Plan is the part of a plan that concerns the network.
type Plan struct {
	changes []*change
	made    map[string]map[string]string // by address: what is known of what was made
}

// change is one resource that is made, changed or deleted.
type change struct {
	Address string `json:"address"`
	Mode    string `json:"mode"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	Change  struct {
		Actions []string       `json:"actions"`
		Before  object         `json:"before"`
		After   object         `json:"after"`
		Unknown map[string]any `json:"after_unknown"`
	} `json:"change"`
	expressions map[string]any // nil when the configuration does not have it
	module      string         // "module.a." for what is in module a
}

// object is a resource's attributes.
type object map[string]any

func (c *change) does(action string) bool { return slices.Contains(c.Change.Actions, action) }

// module is a module of the configuration.
type module struct {
	Resources []struct {
		Address     string         `json:"address"`
		Expressions map[string]any `json:"expressions"`
	} `json:"resources"`
	Calls map[string]struct {
		Module module `json:"module"`
	} `json:"module_calls"`
}

// find is the expressions of a resource by its address in the configuration, and
// the module that it is in.
func (m module) find(address, prefix string) (expressions map[string]any, within string) {
	for _, r := range m.Resources {
		if prefix+r.Address == address {
			return r.Expressions, prefix
		}
	}
	for name, c := range m.Calls {
		if found, in := c.Module.find(address, prefix+"module."+name+"."); found != nil {
			return found, in
		}
	}
	return nil, ""
}

// Is reports whether a document looks like a plan in JSON.
func Is(doc string) bool { return strings.HasPrefix(strings.TrimSpace(doc), "{") }

// Read reads a plan. It is an error when the plan changes something of the network
// that is not understood: what is left out would look like what is safe.
func Read(doc []byte) (*Plan, error) {
	var in struct {
		Changes       []*change `json:"resource_changes"`
		Configuration struct {
			Root module `json:"root_module"`
		} `json:"configuration"`
	}
	if err := json.Unmarshal(doc, &in); err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	if in.Changes == nil {
		return nil, errors.New("read plan: there are no resource_changes in it; make it with: terraform show -json FILE")
	}
	p := &Plan{made: map[string]map[string]string{}}
	for _, c := range in.Changes {
		switch {
		case c.Mode != "managed", !c.does("create") && !c.does("update") && !c.does("delete"):
			continue
		case kinds[c.Type].rank == 0 && ofNetwork(c.Type):
			return nil, fmt.Errorf("%s: plans that change a %s are not understood yet", c.Address, c.Type)
		case kinds[c.Type].rank == 0:
			continue // nothing of the network
		case c.does("update") && kinds[c.Type].update == nil:
			if a := c.changed(); a != "" {
				return nil, fmt.Errorf("%s: plans that change %s of a %s in place are not understood yet", c.Address, a, c.Type)
			}
			continue
		}
		c.expressions, c.module = in.Configuration.Root.find(indices.ReplaceAllString(c.Address, ""), "")
		p.changes = append(p.changes, c)
	}
	return p, nil
}

// aside are attributes that make no difference to packets between interfaces.
var aside = []string{"tags", "tags_all", "description", "timeouts", "enable_dns_support", "enable_dns_hostnames", "enable_network_address_usage_metrics",
	"map_public_ip_on_launch", "private_dns_hostname_type_on_launch", "private_dns_name_options", "enable_resource_name_dns_a_record_on_launch",
	"enable_resource_name_dns_aaaa_record_on_launch", "requester", "accepter", "auto_accept", "user_data", "user_data_base64", "user_data_replace_on_change",
	"instance_type", "monitoring", "iam_instance_profile", "metadata_options", "disable_api_termination", "disable_api_stop", "volume_tags",
	"root_block_device", "ebs_block_device", "credit_specification"}

// changed is the first attribute that an update changes and that could matter to
// packets, "" when there is none.
func (c *change) changed() string {
	names := map[string]bool{}
	for name, v := range c.Change.After {
		names[name] = !reflect.DeepEqual(v, c.Change.Before[name])
	}
	for name := range c.Change.Before {
		if _, stays := c.Change.After[name]; !stays {
			names[name] = true
		}
	}
	for name, v := range c.Change.Unknown {
		names[name] = names[name] || v == true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if names[name] && !slices.Contains(aside, name) {
			return name
		}
	}
	return ""
}

// indices are what an address has and the configuration has not.
var indices = regexp.MustCompile(`\[[^\]]*\]`)

// ofNetwork is whether a type that is not understood could change what packets do.
func ofNetwork(kind string) bool {
	if strings.HasPrefix(kind, "aws_route53") {
		return false
	}
	for _, prefix := range []string{"aws_vpc", "aws_subnet", "aws_route", "aws_main_route", "aws_network", "aws_security_group", "aws_default_", "aws_instance",
		"aws_internet_gateway", "aws_egress_only", "aws_nat_", "aws_eip", "aws_ec2_transit", "aws_ec2_managed_prefix", "aws_lb", "aws_launch", "aws_autoscaling"} {
		if strings.HasPrefix(kind, prefix) {
			return true
		}
	}
	return false
}

// Run carries the plan out: deletions first, then what is made, each after what it
// refers to, then changes. The error names the resource.
func (p *Plan) Run(call Caller) error {
	deletions, creations, updates := p.order()
	for _, c := range deletions {
		if err := p.act(c, c.Change.Before, kinds[c.Type].remove, call); err != nil {
			return err
		}
	}
	for len(creations) > 0 {
		var waiting []*change
		var first error
		for _, c := range creations {
			err := p.act(c, c.Change.After, kinds[c.Type].create, call)
			var later *unknown
			if errors.As(err, &later) {
				if first == nil {
					first = err
				}
				waiting = append(waiting, c)
				continue
			}
			if err != nil {
				return err
			}
		}
		if len(waiting) == len(creations) {
			return first
		}
		creations = waiting
	}
	for _, c := range updates {
		if err := p.act(c, c.Change.After, kinds[c.Type].update, call); err != nil {
			return err
		}
	}
	return nil
}

// order divides the changes by what they do.
func (p *Plan) order() (deletions, creations, updates []*change) {
	for _, c := range p.changes {
		if c.does("delete") {
			deletions = append(deletions, c)
		}
		if c.does("create") {
			creations = append(creations, c)
		}
		if c.does("update") {
			updates = append(updates, c)
		}
	}
	slices.SortStableFunc(deletions, func(a, b *change) int { return kinds[b.Type].rank - kinds[a.Type].rank })
	for _, list := range [][]*change{creations, updates} {
		slices.SortStableFunc(list, func(a, b *change) int { return kinds[a.Type].rank - kinds[b.Type].rank })
	}
	return deletions, creations, updates
}

// act is one change of one resource.
func (p *Plan) act(c *change, of object, do func(*work), call Caller) error {
	if do == nil {
		return nil
	}
	w := &work{plan: p, change: c, of: of, call: call}
	if do(w); w.err != nil {
		return fmt.Errorf("%s: %w", c.Address, w.err)
	}
	return nil
}

// unknown is a value that nothing known so far gives.
type unknown struct{ attribute, refers string }

func (u *unknown) Error() string {
	if u.refers == "" {
		return u.attribute + " is known only after the plan is applied"
	}
	return fmt.Sprintf("%s is known only after the plan is applied, and what it refers to (%s) is nothing that this plan makes in the network", u.attribute, u.refers)
}
