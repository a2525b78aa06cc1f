package main

import (
	"context"
	"strings"
	"testing"

	"tombolo/lab"
)

// mute is a watcher that shows nothing.
type mute struct{}

func (mute) Step(int, string)  {}
func (mute) Command(string)    {}
func (mute) Waiting(string)    {}
func (mute) Checked(lab.Check) {}

// TestLabSeesANetworkThatIsWrong plays the lab where every probe ends the same
// way, whatever the network says: the lab must not agree with either.
func TestLabSeesANetworkThatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name  string
		code  int
		line  string
		wrong []string // beginnings of what must be seen and is not
	}{
		{"everything answers", 0, "answered", []string{"MarketingServer hears nothing", "DeveloperServer hears nothing", "the established connection is cut"}},
		{"nothing answers, and nobody says why", 1, "silent", []string{"MarketingServer hears nothing", "MarketingServer gets answers"}},
		{"everything refuses", 10, "refused", []string{"MarketingServer hears nothing", "MarketingServer gets answers"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := bare(t)
			api, err := i.site.api(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			report := lab.Run(t.Context(), lab.World{API: api,
				Run: func(_ context.Context, _ string, line func(string), args ...string) (int, error) {
					if args[len(args)-1] == "http://127.0.0.1/" || args[0] == "sudo" {
						return 0, nil // the server itself is well
					}
					line(c.line)
					return c.code, nil
				},
				Drops: func(context.Context) ([]lab.Drop, error) { return nil, nil },
			}, mute{})
			if report.OK {
				t.Error("the lab agrees")
			}
			for _, begin := range c.wrong {
				found := false
				for _, s := range report.Steps {
					for _, check := range s.Checks {
						found = found || !check.OK && strings.HasPrefix(check.Must, begin)
					}
				}
				if !found {
					t.Errorf("%q is not among what is wrong", begin)
				}
			}
		})
	}
}
