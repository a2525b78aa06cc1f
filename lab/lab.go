// Package lab is the founding scenario as a program: three departments' VPCs, two
// peerings, and a Finance server that stays closed until peering, both routes and
// the security group allow it. It changes the network through the EC2 API alone,
// sends real packets from inside the instances, and says for every step what must
// be seen and what was seen. It decides nothing: the network under test does.
package lab

import (
	"context"
	"fmt"
	"time"

	"tombolo/client"
)

// World is what the lab plays in: one daemon with nothing in it.
type World struct {
	API *client.Client
	// Run runs a command in the instance with this Name tag; each line that it
	// prints goes to line as it comes.
	Run func(ctx context.Context, instance string, line func(string), args ...string) (code int, err error)
	// Drops are the packets dropped so far, by cause.
	Drops func(context.Context) ([]Drop, error)
}

// Drop counts packets that one component dropped for one cause.
type Drop struct {
	Cause     string `json:"cause"`
	At        string `json:"at"`
	Direction string `json:"direction"`
	Packets   uint64 `json:"packets"`
}

// Check is one thing that must be seen.
type Check struct {
	Must string        `json:"must"`
	Seen string        `json:"seen"`
	OK   bool          `json:"ok"`
	Took time.Duration `json:"took_ns"`
}

// Step is one row of the lab's table.
type Step struct {
	Number   int      `json:"step"`
	Title    string   `json:"title"`
	Commands []string `json:"commands"` // as a person would type them
	Checks   []Check  `json:"checks"`
}

// Report is how it went.
type Report struct {
	OK    bool          `json:"ok"`
	Took  time.Duration `json:"took_ns"`
	Steps []Step        `json:"steps"`
	Error string        `json:"error,omitempty"` // why it could not go on, if it could not
}

// Watcher is told what happens while it happens.
type Watcher interface {
	Step(number int, title string)
	Command(line string)
	Waiting(what string) // something takes a moment: a probe's time-out, a boot
	Checked(Check)
}

// play is a lab being run.
type play struct {
	w     World
	watch Watcher
	steps []Step
	alone bool // the lab plays itself, step by step as in the script

	departments []*department
	marketing   *department
	developer   *department
	finance     *department
	marketPeer  string // peering Marketing – Finance
	developPeer string // peering Developer – Finance
	mark        string // the tag that what is made gets beside its Name, or ""

	// Of the guided lab: what a person has made.
	marketStatus, developStatus string
	cutBefore, cutNow           bool // step 7
}

// department is one VPC with one server.
type department struct {
	name, cidr, subnetCIDR, address   string
	vpc, cidr6, subnet, table, group  string
	acl, instance, eni, server, addr6 string

	state  string         // of the instance, as the guided lab found it
	routes []*client.Node // of the table, likewise
}

func newPlay(w World, watch Watcher) *play {
	p := &play{w: w, watch: watch,
		marketing: &department{name: "Marketing", cidr: "10.0.0.0/16", subnetCIDR: "10.0.1.0/24", server: "MarketingServer"},
		developer: &department{name: "Developer", cidr: "192.168.0.0/20", subnetCIDR: "192.168.1.0/24", server: "DeveloperServer"},
		finance:   &department{name: "Finance", cidr: "172.31.0.0/16", subnetCIDR: "172.31.1.0/24", server: "FinanceServer", address: "172.31.1.199"},
	}
	p.departments = []*department{p.marketing, p.developer, p.finance}
	return p
}

// Run plays the ten steps. It stops early only when the API refuses what the lab
// needs to go on.
func Run(ctx context.Context, w World, watch Watcher) Report {
	start := time.Now()
	p := newPlay(w, watch)
	p.alone = true
	rep := Report{OK: true}
	for i, s := range script {
		p.steps = append(p.steps, Step{Number: i + 1, Title: s.title})
		watch.Step(i+1, s.title)
		if err := s.do(p, ctx); err != nil {
			rep.OK, rep.Error = false, fmt.Sprintf("step %d: %v", i+1, err)
			break
		}
	}
	rep.Steps, rep.Took = p.steps, time.Since(start)
	for _, s := range p.steps {
		for _, c := range s.Checks {
			rep.OK = rep.OK && c.OK
		}
	}
	return rep
}

// check notes whether what was seen is what must be seen.
func (p *play) check(must string, ok bool, seen string, args ...any) {
	p.note(Check{Must: must, Seen: fmt.Sprintf(seen, args...), OK: ok})
}

func (p *play) note(c Check) {
	s := &p.steps[len(p.steps)-1]
	s.Checks = append(s.Checks, c)
	p.watch.Checked(c)
}
