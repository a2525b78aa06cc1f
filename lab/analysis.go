package lab

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// asked is one question to the analyzer and its answer.
type asked struct {
	family string
	found  bool
	causes []string
	err    error
}

// ask asks Reachability Analyzer why, for the page over IPv4 and over IPv6. What
// it makes for that it takes away again. A person who plays does the steps as they
// like, so that nothing can be said of what else is in the way then.
func (p *play) ask(ctx context.Context, from, to *department) []asked {
	if !p.alone {
		return nil
	}
	return []asked{
		p.analyse(ctx, "IPv4", from, to),
		p.analyse(ctx, "IPv6", from, to, as("--source-ip "+from.addr6, "SourceIp", from.addr6), as("--destination-ip "+to.addr6, "DestinationIp", to.addr6)),
	}
}

func (p *play) analyse(ctx context.Context, family string, from, to *department, more ...option) (a asked) {
	a.family = family
	path, err := p.quiet(ctx, "create-network-insights-path", append([]option{opt("source", from.instance), opt("destination", to.instance),
		opt("protocol", "tcp"), opt("destination-port", "80")}, more...)...)
	if err != nil {
		return asked{family: family, err: err}
	}
	id := as("", "NetworkInsightsPathId", path.Text("networkInsightsPath.networkInsightsPathId"))
	defer func() {
		if _, err := p.quiet(ctx, "delete-network-insights-path", id); err != nil && a.err == nil {
			a.err = err
		}
	}()
	began, err := p.quiet(ctx, "start-network-insights-analysis", id)
	if err != nil {
		return asked{family: family, err: err}
	}
	analysis := began.Text("networkInsightsAnalysis.networkInsightsAnalysisId")
	defer func() {
		if _, err := p.quiet(ctx, "delete-network-insights-analysis", as("", "NetworkInsightsAnalysisId", analysis)); err != nil && a.err == nil {
			a.err = err
		}
	}()
	ok, err := p.until(ctx, "the analysis", 10*time.Second, func() (bool, error) {
		tree, err := p.quiet(ctx, "describe-network-insights-analyses", as("", "NetworkInsightsAnalysisId.1", analysis))
		if err != nil {
			return false, err
		}
		one := tree.Items("networkInsightsAnalysisSet")[0]
		a.found, a.causes = one.Text("networkPathFound") == "true", nil
		for _, e := range one.Items("explanationSet") {
			a.causes = append(a.causes, e.Text("explanationCode")+" "+e.Text("component.id"))
		}
		return one.Text("status") == "succeeded", nil
	})
	if err == nil && !ok {
		err = fmt.Errorf("%s has not ended", analysis)
	}
	a.err = err
	return a
}

// explained checks that the analyzer says why: all of it, in order.
func (p *play) explained(all []asked, c claim) {
	if len(all) == 0 {
		return
	}
	must := fmt.Sprintf("Reachability Analyzer says why %s does not reach %s: %s", c.from.server, c.to.server, strings.Join(c.left, ", "))
	p.note(verdictOf(must, all, func(a asked) bool { return !a.found && slices.Equal(a.causes, c.left) }))
}

// agreed checks that the analyzer finds the way.
func (p *play) agreed(all []asked, from, to *department) {
	if len(all) == 0 {
		return
	}
	must := fmt.Sprintf("Reachability Analyzer finds the way from %s to %s", from.server, to.server)
	p.note(verdictOf(must, all, func(a asked) bool { return a.found && len(a.causes) == 0 }))
}

// verdictOf is whether all answers are right; those that are not are told.
func verdictOf(must string, all []asked, right func(asked) bool) Check {
	c := Check{Must: must, Seen: "so over IPv4 and IPv6", OK: true}
	var wrong []string
	for _, a := range all {
		switch {
		case a.err != nil:
			wrong = append(wrong, a.family+": "+a.err.Error())
		case !right(a):
			wrong = append(wrong, fmt.Sprintf("%s: path found %v; %s", a.family, a.found, strings.Join(a.causes, ", ")))
		}
	}
	if len(wrong) > 0 {
		c.OK, c.Seen = false, strings.Join(wrong, "; ")
	}
	return c
}
