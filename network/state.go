package network

import (
	"iter"
	"net/netip"
	"time"
)

// State is everything that exists, at one moment. The zero State is empty and
// ready. A State never changes; every method may be called from any goroutine.
type State struct {
	Generation uint64 // one more with every op that changed something

	worlds      table[*World]
	vpcs        table[*VPC]
	subnets     table[*Subnet]
	enis        table[*ENI]
	instances   table[*Instance]
	routeTables table[*RouteTable]
	peerings    table[*Peering]
	groups      table[*SecurityGroup]
	acls        table[*ACL]
	gateways    table[*InternetGateway]
	egress      table[*EgressGateway]
	addresses   table[*Address]
	optionSets  table[*DHCPOptions]
	keyPairs    table[*KeyPair]
	flowLogs    table[*FlowLog]
	templates   table[*LaunchTemplate]
	tags        table[*TagSet]
	tokens      table[*Token]
	refs        refs
	used        tally
	timers      timers

	insightsPaths    table[*InsightsPath]
	insightsAnalyses table[*InsightsAnalysis]
	accessScopes     table[*AccessScope]
	scopeAnalyses    table[*AccessScopeAnalysis]

	since   uint64 // the generation that changes begin after
	changes []Change
	outcome Outcome
}

// Op is one change: what is asked, by whom, when, and with which dice.
type Op struct {
	Caller  Caller
	At      time.Time
	Seed    Seed
	Token   string // the client's idempotency token, or ""
	Request Request
}

// Request is what an Op asks for. The set is closed: the structs of this
// package that have an apply method.
type Request interface{ apply(e *edit) error }

// Outcome is what an op gives back beside the new State.
type Outcome struct {
	Created []string   // IDs of what was made, in the order that the request's comment names
	Revoked []Rule     // RevokeRules: what was removed
	Unknown []RuleSpec // RevokeRules in a default VPC: what was not there
	Replay  bool       // the op was a repetition of an earlier one with the same token
}

// Change is one row that an op wrote or deleted.
type Change struct {
	Kind string // the table: "vpc", "subnet", …
	Key  string
	Row  any // the new row; nil when deleted
}

// Apply does op. On an error, which is an *Error, the State returned is s.
func (s State) Apply(op Op) (State, error) {
	e := &edit{State: s, op: op, turn: new(turn), mint: mint{seed: op.Seed}}
	defer func() { e.turn.over = true }()
	e.since, e.changes, e.outcome = s.Generation, nil, Outcome{}
	if done, err := e.replay(); err != nil || done {
		if err != nil {
			return s, err
		}
		return e.State, nil
	}
	if err := op.Request.apply(e); err != nil {
		return s, err
	}
	e.remember()
	if len(e.changes) > 0 {
		e.Generation++
	}
	return e.State, nil
}

// Changes are the rows that the op which made this State wrote, in order.
func (s State) Changes() []Change { return s.changes }

// Since is the generation of the State that Changes lead on from.
func (s State) Since() uint64 { return s.since }

// After is s with the changes of all ops since an earlier generation, for a reader
// that saw none of the States in between. Of one row that was written several times
// the last change counts.
func (s State) After(generation uint64, changes []Change) State {
	s.since, s.changes = generation, changes
	return s
}

// Outcome is what the op which made this State gave back.
func (s State) Outcome() Outcome { return s.outcome }

// edit is a State being made by one op.
type edit struct {
	State
	op   Op
	turn *turn
	mint mint
}

// savepoint is the edit as it is now, and stays so: putting it back undoes what
// was done since.
func (e *edit) savepoint() edit {
	if e.turn != nil {
		e.turn.over = true
	}
	now := *e
	now.turn, e.turn = new(turn), new(turn)
	return now
}

// home is where the op's caller makes things.
func (e *edit) home() Home { return Home{Owner: e.op.Caller.Account, Region: e.op.Caller.Region} }

// created notes the ID of something that the op made.
func (e *edit) created(id string) { e.outcome.Created = append(e.outcome.Created, id) }

// put writes v to its table, notes the change and keeps the indexes right.
func put[V row](e *edit, t *table[V], kind string, v V) {
	key := v.key()
	var was indexed
	if old, ok := t.get(key); ok {
		was = old
	}
	e.reindex(key, was, v)
	t.set(e.turn, key, v)
	e.changes = append(e.changes, Change{Kind: kind, Key: key, Row: v})
}

// drop deletes the row with key, and the tags of what it was.
func drop[V row](e *edit, t *table[V], kind, key string) {
	old, ok := t.get(key)
	if !ok {
		return
	}
	e.reindex(key, old, nil)
	t.delete(e.turn, key)
	e.changes = append(e.changes, Change{Kind: kind, Key: key})
	if home, ok := any(old).(interface{ World() string }); ok {
		e.dropTags(home.World(), key)
	}
	e.dropFlowLogs(key)
	e.leaveAddresses(ENIID(key), func(netip.Addr) bool { return true })
}

// reindex keeps what is derived from rows: who links to what, how much of each
// quota is used, and what is due when. Either row may be nil.
func (e *edit) reindex(key string, was, is indexed) {
	var gone, come []string
	if was != nil {
		gone = was.links()
	}
	if is != nil {
		come = is.links()
	}
	e.refs.move(e.turn, key, gone, come)
	e.used.move(e.turn, usesOf(was), usesOf(is))
	if row, ok := was.(timed); ok {
		e.timers.remove(e.turn, key, row.due())
	}
	if row, ok := is.(timed); ok {
		e.timers.add(e.turn, key, row)
	}
}

// Home is where a thing lives: the account that owns it and its Region.
type Home struct {
	Owner  Account
	Region Region
}

// In reports whether caller's account owns it and caller's Region is its own.
func (h Home) In(c Caller) bool { return h.Owner == c.Account && h.Region == c.Region }

// lookup finds a row by its ID for readers: nil when there is none.
func lookup[V row, K ~string](t table[V], id K) V {
	v, _ := t.get(string(id))
	return v
}

// those turns the children of parent into rows.
func those[V row](s State, t table[V], parent, prefix string) iter.Seq[V] {
	return func(yield func(V) bool) {
		for key := range s.refs.children(parent, prefix) {
			if v, ok := t.get(key); ok && !yield(v) {
				return
			}
		}
	}
}
