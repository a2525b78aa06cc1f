package plugin

import (
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"
)

// proxy stands between client and daemon: 127.0.0.1 instead of [::1], on the same
// port, so that the Host header is one of the daemon's.
type proxy struct {
	mu   sync.Mutex
	open map[net.Conn]bool
}

// cut ends every connection without a word.
func (p *proxy) cut() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.open)
	for c := range p.open {
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
		delete(p.open, c)
	}
	return n
}

func between(t *testing.T, addr string) (*proxy, string) {
	t.Helper()
	_, port, _ := net.SplitHostPort(addr)
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{open: map[net.Conn]bool{}}
	t.Cleanup(func() { l.Close(); p.cut() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", addr)
			if err != nil {
				near.Close()
				continue
			}
			p.mu.Lock()
			p.open[near] = true
			p.mu.Unlock()
			go func() { _, _ = io.Copy(far, near); far.Close() }()
			go func() { _, _ = io.Copy(near, far); near.Close() }()
		}
	}()
	return p, "http://127.0.0.1:" + port
}

// TestConnectionIsCut cuts the websocket while a program counts: nothing is lost.
func TestConnectionIsCut(t *testing.T) {
	t.Parallel()
	d := serveOn(t, os.Getuid(), "[::1]:0")
	p, url := between(t, d.addr)
	d.url = url
	subnet, group := d.subnet("10.0.0.0")
	i := d.run(subnet, group, "one")
	d.booted(i)
	s := d.session(t, i)
	const n = 80
	s.line(fmt.Sprintf(`i=0; while [ $i -lt %d ]; do i=$((i+1)); echo line$i.; sleep 0.1; done; echo DO''NE`, n))
	s.expect(`DO''NE[\r\n]+`)
	stop, done := make(chan struct{}), make(chan int)
	go func() {
		cuts := 0
		tick := time.NewTicker(2 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if p.cut() > 0 {
					cuts++
				}
			case <-stop:
				done <- cuts
				return
			}
		}
	}()
	for i := 1; i <= n; i++ {
		s.expect(fmt.Sprintf(`^[$ ]*line%d\.[\r\n]+`, i))
	}
	s.expect(`^DONE`)
	close(stop)
	if cuts := <-done; cuts < 2 {
		t.Errorf("only %d cuts", cuts)
	}
	s.line("exit")
	s.closes("")
}
