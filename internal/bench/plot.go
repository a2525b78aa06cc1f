package main

import (
	"fmt"
	"html"
	"math"
	"os"
	"strings"
)

// plot draws the rates as bars on a logarithmic scale, which is how far they lie
// apart, each with its latency.
func plot(path string, rows []row) error {
	const line, left, width = 18, 430, 520
	var bars []row
	most := 1.0
	for _, r := range rows {
		if r.Unit == "calls/s" && r.Value > 0 {
			bars = append(bars, r)
			most = max(most, r.Value)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="12">`+"\n", left+width+170, line*(len(bars)+2))
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="white"/><text x="8" y="14" font-weight="bold">calls per second (logarithmic), p99</text>`+"\n")
	for i, r := range bars {
		y := line * (i + 2)
		colour := "#2b6cb0"
		if strings.HasPrefix(r.Test, "yardstick") {
			colour = "#a0aec0"
		}
		long := math.Log10(max(r.Value, 1)) / math.Log10(most) * width
		fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="end">%s</text><rect x="%d" y="%d" width="%.0f" height="12" fill="%s"/><text x="%.0f" y="%d">%.0f, %.2f ms</text>`+"\n",
			left-6, y, html.EscapeString(fmt.Sprintf("%s · %d VPCs · %d clients", r.Test, r.Scale, r.Clients)), left, y-11, long, colour, left+long+6, y, r.Value, r.P99)
	}
	b.WriteString("</svg>\n")
	return os.WriteFile(path, []byte(b.String()), 0o644)
}
