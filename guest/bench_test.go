package guest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// envMany asks for the measurement of so many idle instances.
const envMany = "GUEST_TEST_MANY"

// BenchmarkIdleInstances makes 1,000 running instances without user data in each
// mode, and reports time and memory per instance: a process each would show.
func BenchmarkIdleInstances(b *testing.B) {
	for _, as := range modes(b) {
		b.Run(strings.ReplaceAll(as.mode.String(), " ", "-"), func(b *testing.B) {
			dir := as.home(b)
			cmd := as.command(dir)
			cmd.Env = append(cmd.Env, envRoom+"="+filepath.Join(dir, "state"), envMany+"=1000")
			out, err := cmd.CombinedOutput()
			check(b, err)
			var took time.Duration
			var kib, fresh, warm, look float64
			if _, err := fmt.Sscanf(string(out), "%d %f %f %f %f", &took, &kib, &fresh, &warm, &look); err != nil {
				b.Fatalf("%v: %s", err, out)
			}
			b.ReportMetric(took.Seconds(), "s/1000-instances")
			b.ReportMetric(kib, "KiB/instance")
			b.ReportMetric(fresh, "ms/first-exec")
			b.ReportMetric(warm, "ms/exec")
			b.ReportMetric(look, "ms/look-at-1000")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// many is what BenchmarkIdleInstances runs in the room.
func many(count int) {
	t := &complaint{}
	defer func() {
		if recover() != nil {
			fmt.Println(t.text)
		}
		os.Exit(0)
	}()
	g, err := Open(Config{Dir: os.Getenv(envRoom)})
	check(t, err)
	s := newSite(t, g)
	runtime.GC()
	before := available()
	began := time.Now()
	ids := s.launch(count, "")
	s.settle()
	took := time.Since(began)
	memory := before - available()
	began = time.Now()
	s.run(ids[0], "true")
	first := time.Since(began)
	began = time.Now()
	for range 20 {
		s.run(ids[0], "true")
	}
	perExec := time.Since(began)
	began = time.Now()
	for range 10 {
		check(t, g.Prepare(context.Background(), s.State))
		_, err := g.Run(context.Background(), s.State)
		check(t, err)
	}
	look := time.Since(began)
	fmt.Println(int64(took), float64(memory)/1024/float64(count), float64(first.Microseconds())/1000, float64(perExec.Microseconds())/20000, float64(look.Microseconds())/10000)
}

// available is the machine's free memory and what it could free, in bytes.
func available() int64 {
	unix.Sync()
	for line := range strings.Lines(readString("/proc/meminfo")) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "MemAvailable: %d kB", &kib); n == 1 {
			return kib << 10
		}
	}
	return 0
}
