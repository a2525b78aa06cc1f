package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tombolo/client"
)

// Ground is where a person plays the lab: a daemon that may hold anything else.
type Ground struct {
	API *client.Client
	// Run runs a command in an instance, by its ID.
	Run func(ctx context.Context, instance string, line func(string), args ...string) (code int, err error)
	// Drops are the packets dropped so far, by cause.
	Drops func(context.Context) ([]Drop, error)
	// Why is one sentence about a flow that is not answered: HTTP between instances.
	Why func(ctx context.Context, from, to string) string
}

// Guide goes through the lab with a person who plays it: it makes the three
// departments, looks after each step whether what must be seen is seen, and removes
// what it made. It keeps nothing on disk but what the API keeps.
type Guide struct {
	ground Ground

	mu     sync.Mutex // one thing at a time
	agreed map[int]bool
	cut    bool // step 7: it was seen to be cut
}

// NewGuide makes a Guide.
func NewGuide(g Ground) *Guide { return &Guide{ground: g, agreed: map[int]bool{}} }

// Tour is how far a person has come.
type Tour struct {
	Built bool   `json:"built"`
	Steps []Stop `json:"steps"`
	VPCs  []Spot `json:"vpcs"`
}

// Stop is one step of a Tour.
type Stop struct {
	Step  int    `json:"step"`
	Title string `json:"title"`
	Task  string `json:"task"`
	Agree *bool  `json:"agree"` // of the last check; nil before the first
}

// Spot is one department, as it is now.
type Spot struct {
	Name     string `json:"name"`
	VPC      string `json:"vpc"`
	CIDR     string `json:"cidr"`
	Subnet   string `json:"subnet"`
	Instance string `json:"instance"`
	Server   string `json:"server"`
	Address  string `json:"address"`
	Table    string `json:"table"`
	Group    string `json:"group"`
	ACL      string `json:"acl"`
}

// Finding is what a check of one step found.
type Finding struct {
	Step   int    `json:"step"`
	Agree  bool   `json:"agree"`
	Checks []Look `json:"checks"`
	Why    string `json:"why"` // what is missing, when it does not agree
}

// Look is one thing that must be seen, and what was seen.
type Look struct {
	Want  string `json:"want"`
	Seen  string `json:"seen"`
	Agree bool   `json:"agree"`
}

var (
	// ErrNoStep means that the lab has no step of that number.
	ErrNoStep = errors.New("the lab has ten steps, from 1 to 10")
	// ErrNotBuilt means that there is nothing to check yet.
	ErrNotBuilt = errors.New("the lab is not set up, or a part of it was removed; set it up again")
)

// deaf watches nothing.
type deaf struct{}

func (deaf) Step(int, string) {}
func (deaf) Command(string)   {}
func (deaf) Waiting(string)   {}
func (deaf) Checked(Check)    {}

// play is the lab as it stands, for one step.
func (g *Guide) play(step int) *play {
	var p *play
	p = newPlay(World{API: g.ground.API, Drops: g.ground.Drops,
		Run: func(ctx context.Context, server string, line func(string), args ...string) (int, error) {
			for _, d := range p.departments {
				if d.server == server {
					return g.ground.Run(ctx, d.instance, line, args...)
				}
			}
			return 0, fmt.Errorf("there is no %s", server)
		}}, deaf{})
	p.mark, p.cutBefore = "guide", g.cut
	p.steps = []Step{{Number: step}}
	return p
}

// State says how far the person has come.
func (g *Guide) State(ctx context.Context) (Tour, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tour(ctx)
}

func (g *Guide) tour(ctx context.Context) (Tour, error) {
	p := g.play(0)
	built, err := p.find(ctx)
	if err != nil {
		return Tour{}, err
	}
	t := Tour{Built: built, Steps: []Stop{}, VPCs: []Spot{}}
	for i, s := range script {
		stop := Stop{Step: i + 1, Title: s.title, Task: s.task}
		if agree, ok := g.agreed[i+1]; ok {
			stop.Agree = &agree
		}
		t.Steps = append(t.Steps, stop)
	}
	for _, d := range p.departments {
		if built {
			t.VPCs = append(t.VPCs, Spot{d.name, d.vpc, d.cidr, d.subnet, d.instance, d.server, d.address, d.table, d.group, d.acl})
		}
	}
	return t, nil
}

// Setup makes the three departments, in place of those that an earlier Setup made.
func (g *Guide) Setup(ctx context.Context) (Tour, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.reset(ctx); err != nil {
		return Tour{}, err
	}
	if err := g.play(1).raise(ctx); err != nil {
		return Tour{}, err
	}
	return g.tour(ctx)
}

// Reset removes what Setup made, and what was put into it since.
func (g *Guide) Reset(ctx context.Context) (Tour, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.reset(ctx); err != nil {
		return Tour{}, err
	}
	return g.tour(ctx)
}

func (g *Guide) reset(ctx context.Context) error {
	clear(g.agreed)
	g.cut = false
	return g.play(0).clear(ctx)
}

// Check looks, with packets and at what the API says, whether a step was made.
func (g *Guide) Check(ctx context.Context, step int) (Finding, error) {
	if step < 1 || step > len(script) {
		return Finding{}, ErrNoStep
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.play(step)
	built, err := p.find(ctx)
	if err != nil {
		return Finding{}, err
	}
	if !built {
		return Finding{}, ErrNotBuilt
	}
	for _, d := range p.departments {
		if d.state != "running" {
			p.check(d.server+" runs", false, "it is %s", d.state)
		}
	}
	if len(p.steps[0].Checks) == 0 {
		if err := script[step-1].look(p, ctx); err != nil {
			return Finding{}, err
		}
	}
	g.cut = g.cut || p.cutNow
	f := Finding{Step: step, Agree: true, Checks: []Look{}}
	for _, c := range p.steps[0].Checks {
		f.Checks = append(f.Checks, Look{c.Must, c.Seen, c.OK})
		f.Agree = f.Agree && c.OK
	}
	if !f.Agree {
		f.Why = g.missing(ctx, p, step)
	}
	g.agreed[step] = f.Agree
	return f, nil
}

// missing says what a step still lacks.
func (g *Guide) missing(ctx context.Context, p *play, step int) string {
	if p.cutNow {
		return "It is cut off. Now remove the entry, and check again."
	}
	from, to := p.marketing, p.finance
	switch step {
	case 8:
		from = p.developer
	case 9:
		to = p.developer
	}
	why := ""
	if g.ground.Why != nil && from.state == "running" && to.state == "running" {
		why = g.ground.Why(ctx, from.instance, to.instance)
	}
	return cmp.Or(why, script[step-1].task)
}

// bootLimit is how long instances may take to come or to go.
const bootLimit = 30 * time.Second

// lookAround: three servers in three VPCs, and a page to be read in one of them.
func (p *play) lookAround(ctx context.Context) error {
	seen := map[string]bool{}
	for _, d := range p.departments {
		p.check(d.server+" runs in a VPC of its own", d.state == "running" && !seen[d.vpc], "%s at %s in %s", d.state, d.address, d.vpc)
		seen[d.vpc] = true
	}
	p.check("FinanceServer is at 172.31.1.199", p.finance.address == "172.31.1.199", "%s", p.finance.address)
	return p.awaitServer(ctx)
}

// lookNothing: packets alone tell.
func (p *play) lookNothing(ctx context.Context) error {
	return p.claimed(ctx, p.steps[0].Number)
}

func (p *play) lookPeered(ctx context.Context) error {
	p.check("a peering connection of Marketing and Finance is active", p.marketStatus == "active", "%s", p.marketStatus)
	return p.claimed(ctx, 3)
}

// leads checks where a route table leads an address.
func (p *play) leads(from, to *department, peering string) {
	got, state := from.way(to.address)
	p.check(fmt.Sprintf("%s's route table leads %s to the peering connection", from.name, to.address),
		got != "" && got == peering && state == "active", "%s %s", cmp.Or(got, "no such route:"), state)
}

func (p *play) lookThere(ctx context.Context) error {
	p.leads(p.marketing, p.finance, p.marketPeer)
	return p.claimed(ctx, 4)
}

func (p *play) lookBack(ctx context.Context) error {
	p.leads(p.marketing, p.finance, p.marketPeer)
	p.leads(p.finance, p.marketing, p.marketPeer)
	return p.claimed(ctx, 5)
}

// lookCut: it is seen twice, once cut and once not.
func (p *play) lookCut(ctx context.Context) error {
	answers := 0
	for _, t := range p.try(ctx, p.marketing, flows(p.finance)) {
		if t.err != nil {
			return t.err
		}
		if t.code == answered {
			answers++
		}
	}
	if answers > 0 {
		p.check("Finance's network ACL was seen to cut Marketing off", p.cutBefore, "%s", map[bool]string{true: "silent, at an earlier check", false: "not cut off yet"}[p.cutBefore])
		return p.claimed(ctx, 6)
	}
	if err := p.claimed(ctx, 7); err != nil {
		return err
	}
	p.cutNow = true
	for _, c := range p.steps[0].Checks {
		p.cutNow = p.cutNow && c.OK
	}
	p.check("Marketing gets answers again", false, "not yet")
	return nil
}

func (p *play) lookDeveloper(ctx context.Context) error {
	p.check("a peering connection of Developer and Finance is active", p.developStatus == "active", "%s", p.developStatus)
	p.leads(p.developer, p.finance, p.developPeer)
	p.leads(p.finance, p.developer, p.developPeer)
	return p.claimed(ctx, 8)
}

// lookNotTransitive: which component drops depends on the routes that were tried.
func (p *play) lookNotTransitive(ctx context.Context) error {
	cause, at := "no-route", []string{p.marketing.table}
	if peering, _ := p.marketing.way(p.developer.address); peering != "" {
		cause, at = "not-in-peer-cidr", []string{peering, p.marketing.table}
	}
	return p.unreachable(ctx, claim{from: p.marketing, to: p.developer, cause: cause, at: at})
}

func (p *play) lookUnpeered(ctx context.Context) error {
	p.check("no peering connection of Marketing and Finance is active", p.marketStatus != "active" && p.marketPeer != "", "%s", p.marketStatus)
	dead := p.marketing.dead() + p.finance.dead()
	p.check("its routes are blackholes on both sides", p.marketing.dead() > 0 && p.finance.dead() > 0, "%d routes are blackhole", dead)
	if err := p.claimed(ctx, 10); err != nil {
		return err
	}
	p.reachable(ctx, p.developer, p.finance)
	return nil
}
