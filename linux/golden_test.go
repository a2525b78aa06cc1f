package linux

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tombolo/network"
)

// rewrite makes the goldens say what is compiled. Read the difference as you
// would read a change of the compiler.
var rewrite = flag.Bool("rewrite", false, "write what is compiled into testdata/*.golden")

// A golden is one behaviour: a network, and the part of what follows from it
// that shows the behaviour.
type golden struct {
	name  string
	says  string   // what a reader shall see in the file
	show  []string // how the names of the units begin that are shown; none is all
	build func(*site)
}

// text is what is compared: the comment and the units, with the test's names.
func (g golden) text(w *site, d *Desired) string {
	var o Objects
	for _, name := range slices.Sorted(mapKeys(d.units, w.rename)) {
		for id, u := range d.units {
			if w.rename(id) == name && g.shows(name) {
				o.add(w.renamed(u.Objects))
			}
		}
	}
	var b strings.Builder
	b.WriteString("# " + strings.Join(strings.Split(g.says, "\n"), "\n# ") + "\n\n")
	o.writeLinks(&b)
	b.WriteString(o.Nft())
	text := b.String()
	for _, f := range []Family{V4, V6, ARP} {
		text = strings.ReplaceAll(text, "table "+f.String()+" "+TableName+" {\n}\n", "")
	}
	return text
}

func (g golden) shows(name string) bool {
	return len(g.show) == 0 || slices.ContainsFunc(g.show, func(p string) bool { return strings.HasPrefix(name, p) })
}

func mapKeys[V any](m map[string]V, rename func(string) string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(rename(k)) {
				return
			}
		}
	}
}

// renamed is objects with the test's names, so that they are sorted by them.
func (w *site) renamed(o Objects) Objects {
	var out Objects
	out.add(o)
	for i := range out.Links {
		out.Links[i].ENI = network.ENIID(w.rename(string(out.Links[i].ENI)))
		out.Links[i].Instance = network.InstanceID(w.rename(string(out.Links[i].Instance)))
	}
	for i := range out.Counters {
		out.Counters[i].Name = w.rename(out.Counters[i].Name)
	}
	for i := range out.Sets {
		out.Sets[i].Name = w.rename(out.Sets[i].Name)
	}
	for i := range out.Elements {
		e := &out.Elements[i]
		e.Set, e.Note, e.Verdict.Chain = w.rename(e.Set), w.rename(e.Note), w.rename(e.Verdict.Chain)
	}
	for i, c := range out.Chains {
		rules := slices.Clone(c.Rules)
		for k := range rules {
			rules[k].Text = w.rename(rules[k].Text)
		}
		out.Chains[i].Name, out.Chains[i].Rules = w.rename(c.Name), rules
	}
	return out
}

func (g golden) file() string { return filepath.Join("testdata", g.name+".golden") }

func TestWhatIsCompiled(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			w := newSite(t)
			g.build(w)
			got := g.text(w, Compile(w.State))
			if *rewrite {
				if err := os.WriteFile(g.file(), []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(g.file())
			if err != nil {
				t.Fatalf("read golden: %v; -rewrite makes it", err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("%s\n(-golden +compiled; if the change is meant, -rewrite)\n%s", g.says, diff)
			}
		})
	}
}

// A golden that nobody compares is a lie in waiting.
func TestEveryGoldenFileBelongsToATest(t *testing.T) {
	files, err := filepath.Glob("testdata/*.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !slices.ContainsFunc(goldens, func(g golden) bool { return g.file() == file }) {
			t.Errorf("%s belongs to no test", file)
		}
	}
	for _, g := range goldens {
		if !slices.Contains(files, g.file()) {
			t.Errorf("%s does not exist", g.file())
		}
	}
}

// What is printed is nft's syntax, and nft finds nothing wrong with it: no
// overlaps, no jump to nowhere, no wrong type.
func TestNftAcceptsWhatIsCompiled(t *testing.T) {
	nft, err := exec.LookPath("nft")
	if err != nil {
		t.Skipf("nft is not installed: %v", err)
	}
	// Several in one go, each in tables of its own, spare two dozen namespaces. An
	// ordinary user's socket takes one.
	var texts []string
	batch := 4
	if os.Geteuid() != 0 {
		batch = 1
	}
	for i, g := range goldens {
		w := newSite(t)
		g.build(w)
		table := " " + TableName + "-" + g.name + " {\n"
		text := strings.ReplaceAll(Compile(w.State).objects().Nft(), " "+TableName+" {\n", table)
		// nft 1.0.6 can't set a field of eight bits from a map ("Value 8 exceeds valid
		// range 0-0"); the kernel can.
		// Nor can it read a number among the fields of a key that a packet adds, or in a set.
		text = regexp.MustCompile(`(?m)^\t\tadd @flows.*\n`).ReplaceAllString(text, "")
		text = regexp.MustCompile(` 0x[0-9a-f]+ @epoch`).ReplaceAllString(text, "")
		text = strings.NewReplacer("\t\tip ttl set ip ttl map @hops\n", "", "\t\tip6 hoplimit set ip6 hoplimit map @hops\n", "").Replace(text)
		if i%batch == 0 {
			texts = append(texts, "")
		}
		texts[len(texts)-1] += text
	}
	args := []string{"-n", nft, "-c", "-f", "-"}
	if os.Geteuid() != 0 {
		args = slices.Insert(args, 0, "-U", "-r")
	}
	check := func(text string) (string, error) {
		cmd := exec.Command("unshare", args...)
		cmd.Stdin = strings.NewReader(text)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for _, text := range texts {
		if out, err := check(text); err != nil {
			t.Errorf("nft refuses what is compiled: %v\n%.3000s", err, out)
		}
	}
	// The check can fail: a jump to a chain that is not there, and an overlap.
	overlap := "table ip t { set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 10.1.0.0/16 }; }; }\n"
	if _, err := check(overlap); err == nil {
		t.Error("nft accepts overlapping elements")
	}
	if _, err := check(strings.Replace(texts[0], "\t\tjump edge\n", "\t\tjump nowhere\n", 1)); err == nil {
		t.Error("nft accepts a jump to nowhere")
	}
}
