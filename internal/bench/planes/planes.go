package planes

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"
)

// Path is a way between two places: on which plane, and how long.
type Path struct {
	Plane    string // bare, slow, nft, ebpf
	Path     string // same-subnet, cross-subnet, peered
	Scale    string // small, large
	From, To Place
	At       netip.Addr // the receiver's
}

// Row is one figure: the median of all rounds.
type Row struct {
	Plane string  `json:"plane"`
	Path  string  `json:"path"`
	Scale string  `json:"scale"`
	Test  string  `json:"test"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	P50   float64 `json:"p50"`   // microseconds, of rr and udp-rr
	P99   float64 `json:"p99"`   //
	Ratio float64 `json:"ratio"` // to bare, in the same round
	Low   float64 `json:"ratio_low"`
	High  float64 `json:"ratio_high"` // a quarter of the rounds is outside of each
	// CPU is the processor's seconds per gigabyte, of stream.
	CPU float64 `json:"cpu_s_per_gb,omitempty"`
}

// Bare is the yardstick's plane.
const Bare = "bare"

// Measure visits all paths with all loads in every round, in random order, and holds
// each against the bare pair of its round. There must be one bare path.
func Measure(paths []Path, rounds int, burst time.Duration, progress io.Writer) ([]Row, error) {
	type cell struct{ path, load int }
	var cells []cell
	bare := -1
	for i, p := range paths {
		if p.Plane == Bare {
			bare = i
		}
		for l := range loads {
			cells = append(cells, cell{i, l})
		}
	}
	if bare < 0 {
		return nil, fmt.Errorf("no bare path to compare with")
	}
	// A loop that waits for the kernel keeps the Go scheduler's place.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	seen := map[cell][]sample{}
	for n := range rounds {
		rand.Shuffle(len(cells), func(i, j int) { cells[i], cells[j] = cells[j], cells[i] })
		for _, c := range cells {
			p := paths[c.path]
			s, err := loads[c.load].run(&run{from: p.From, to: p.To, at: p.At, burst: burst})
			if err != nil {
				return nil, fmt.Errorf("%s on %s, %s, %s: %w", loads[c.load].name, p.Plane, p.Path, p.Scale, err)
			}
			seen[c] = append(seen[c], s)
		}
		fmt.Fprintf(progress, "round %d of %d\n", n+1, rounds)
	}
	var rows []Row
	for i, p := range paths {
		for l, load := range loads {
			r := Row{Plane: p.Plane, Path: p.Path, Scale: p.Scale, Test: load.name, Unit: load.unit}
			r.fill(seen[cell{i, l}], seen[cell{bare, l}])
			rows = append(rows, r)
		}
	}
	return rows, nil
}

func (r *Row) fill(mine, bare []sample) {
	var rates, p50, p99, ratios []float64
	for i, s := range mine {
		rates, p50, p99 = append(rates, s.rate), append(p50, s.p50), append(p99, s.p99)
		ratios = append(ratios, s.rate/bare[i].rate)
	}
	r.Value, r.P50, r.P99 = quantile(rates, 2), quantile(p50, 2), quantile(p99, 2)
	r.Low, r.Ratio, r.High = quantile(ratios, 1), quantile(ratios, 2), quantile(ratios, 3)
	if r.Test == "stream" && r.Value > 0 {
		r.CPU = 8 / r.Value
	}
}

// quantile is the n-th quarter.
func quantile(list []float64, n int) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[(len(list)-1)*n/4]
}

// Table writes rows for people.
func Table(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "plane\tpath\tscale\ttest\tmedian\tunit\tratio to bare\t(middle half)\tp50 µs\tp99 µs\tCPU s/GB\n")
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%.5g\t%s\t%.2f\t%.2f–%.2f\t%s\t%s\t%s\n", r.Plane, r.Path, r.Scale, r.Test, r.Value, r.Unit, r.Ratio, r.Low, r.High,
			blank(r.P50), blank(r.P99), blank(r.CPU))
	}
	return t.Flush()
}

func blank(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", v)
}

// colours are the planes' in the plot.
var colours = []struct{ plane, colour string }{{"slow", "#b0413e"}, {"nft", "#d9a441"}, {"ebpf", "#3b7a57"}}

// Plot draws ratios as bars, a group for each path, scale and test.
func Plot(w io.Writer, rows []Row, title string) error {
	type group struct{ scale, path, test string }
	var groups []group
	at := map[group]map[string]Row{}
	for _, r := range rows {
		g := group{r.Scale, r.Path, r.Test}
		if r.Plane == Bare {
			continue
		}
		if at[g] == nil {
			at[g] = map[string]Row{}
			groups = append(groups, g)
		}
		at[g][r.Plane] = r
	}
	slices.SortStableFunc(groups, func(a, b group) int { return slices.Index(tests(), a.test) - slices.Index(tests(), b.test) })
	const bar, height, left, unit = 14, 18, 230, 420.0
	total := 60
	for _, g := range groups {
		total += bar*len(at[g]) + 10
	}
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="760" height="%d" font-family="sans-serif" font-size="11">`+"\n", total)
	fmt.Fprintf(w, `<rect width="100%%" height="100%%" fill="white"/><text x="10" y="16" font-size="13">%s</text>`+"\n", title)
	for i, c := range colours {
		fmt.Fprintf(w, `<rect x="%d" y="24" width="10" height="10" fill="%s"/><text x="%d" y="33">%s</text>`+"\n", left+i*70, c.colour, left+14+i*70, c.plane)
	}
	fmt.Fprintf(w, `<line x1="%.0f" x2="%.0f" y1="40" y2="%d" stroke="#888" stroke-dasharray="3"/><text x="%.0f" y="33">bare veth = 1</text>`+"\n", left+unit, left+unit, total, left+unit-30)
	y := 30 + height
	for _, g := range groups {
		fmt.Fprintf(w, `<text x="10" y="%d">%s, %s, %s</text>`+"\n", y+10, g.test, g.path, g.scale)
		for _, c := range colours {
			r, ok := at[g][c.plane]
			if !ok {
				continue
			}
			fmt.Fprintf(w, `<rect x="%d" y="%d" width="%.0f" height="%d" fill="%s"/><text x="%.0f" y="%d">%.2f (%.2f–%.2f)</text>`+"\n",
				left, y, r.Ratio*unit, bar-3, c.colour, left+r.Ratio*unit+4, y+10, r.Ratio, r.Low, r.High)
			y += bar
		}
		y += 10
	}
	_, err := fmt.Fprintln(w, "</svg>")
	return err
}

func tests() (names []string) {
	for _, l := range loads {
		names = append(names, l.name)
	}
	return names
}
