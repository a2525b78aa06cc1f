package worker

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xtaci/smux"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running is a worker whose streams are pipes.
type running struct {
	in     *io.PipeWriter
	out    *io.PipeReader
	said   *bufio.Reader
	status chan int
	end    func()
}

func run(t *testing.T, args ...string) *running {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	errR, errW := io.Pipe()
	r := &running{in: inW, out: outR, said: bufio.NewReader(errR), status: make(chan int, 1)}
	done := make(chan struct{})
	go func() {
		r.status <- Run(args, inR, outW, errW)
		_ = outW.Close()
		_ = errW.Close()
		close(done)
	}()
	r.end = sync.OnceFunc(func() {
		_ = inW.Close()
		go func() { _, _ = io.Copy(io.Discard, outR) }()
		go func() { _, _ = io.Copy(io.Discard, r.said) }()
		<-done
	})
	t.Cleanup(r.end)
	return r
}

func (r *running) line(t *testing.T) string {
	t.Helper()
	line, err := r.said.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(line, "\n")
}

func (r *running) client(t *testing.T) *smux.Session {
	t.Helper()
	if got := r.line(t); got != Ready {
		t.Fatalf("the worker said %q, not that it is ready", got)
	}
	cfg := smux.DefaultConfig()
	cfg.KeepAliveDisabled = true
	mux, err := smux.Client(struct {
		io.Reader
		io.WriteCloser
	}{r.out, r.in}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mux.Close() })
	return mux
}

func listen(t *testing.T, serve func(net.Conn)) (host, port string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { defer c.Close(); serve(c) })
		}
	})
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	host, port, _ = net.SplitHostPort(l.Addr().String())
	return host, port
}

func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_ = l.Close()
	return port
}

func TestManyConnectionsAtOnce(t *testing.T) {
	content := make([]byte, 300_000)
	_, _ = rand.Read(content)
	want := sha256.Sum256(content)
	host, port := listen(t, func(c net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		_ = req.Body.Close()
		fmt.Fprintf(c, "HTTP/1.0 200 OK\r\n\r\n")
		_, _ = c.Write(content)
	})
	mux := run(t, Multiplexed, host, port).client(t)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			stream, err := mux.OpenStream()
			if err != nil {
				t.Error(err)
				return
			}
			defer stream.Close()
			fmt.Fprintf(stream, "GET / HTTP/1.0\r\n\r\n")
			res, err := http.ReadResponse(bufio.NewReader(stream), nil)
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil || sha256.Sum256(body) != want {
				t.Errorf("%d bytes came, %v", len(body), err)
			}
		})
	}
	wg.Wait()
}

func TestHalfCloseGoesBothWays(t *testing.T) {
	host, port := listen(t, func(c net.Conn) { // answers when its input has ended
		all, _ := io.ReadAll(c)
		_, _ = c.Write(bytes.ToUpper(all))
	})
	mux := run(t, Multiplexed, host, port).client(t)
	stream, err := mux.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	_, _ = io.WriteString(stream, "abc")
	if err := stream.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(stream)
	if err != nil || string(got) != "ABC" {
		t.Errorf("%q came back, %v", got, err)
	}
}

func TestAClosedStreamClosesTheConnection(t *testing.T) {
	over := make(chan error, 1)
	host, port := listen(t, func(c net.Conn) { // never ends by itself
		for {
			if _, err := c.Write(make([]byte, 1024)); err != nil {
				over <- err
				return
			}
		}
	})
	mux := run(t, Multiplexed, host, port).client(t)
	stream, err := mux.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stream, make([]byte, 4096)); err != nil {
		t.Fatal(err)
	}
	_ = stream.Close()
	select {
	case <-over:
	case <-time.After(30 * time.Second):
		t.Error("the far side still sends")
	}
}

func TestARefusedConnectionIsSaidAndTheSessionGoesOn(t *testing.T) {
	r := run(t, Multiplexed, "127.0.0.1", closedPort(t))
	mux := r.client(t)
	for range 2 {
		stream, err := mux.OpenStream()
		if err != nil {
			t.Fatal(err)
		}
		if got := r.line(t); !strings.HasPrefix(got, Refused) {
			t.Errorf("the worker said %q", got)
		}
		if n, err := stream.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the stream gave %d bytes, %v; want its end", n, err)
		}
		_ = stream.Close()
	}
}

func TestForbiddenAddressesEndTheWorker(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "::ffff:127.0.0.1", "localhost"} {
		for _, mode := range []string{Multiplexed, Raw} {
			r := run(t, mode, host, "80", "--deny", "169.254.169.254,127.0.0.1,::1")
			got := r.line(t)
			if !strings.HasPrefix(got, Fatal+"Forwarding to IP address ") || !strings.HasSuffix(got, " is forbidden.") {
				t.Errorf("%s %s: the worker said %q", mode, host, got)
			}
			if status := <-r.status; status != 1 {
				t.Errorf("%s %s: exit status %d", mode, host, status)
			}
		}
	}
}

func TestRawCarriesOneConnection(t *testing.T) {
	host, port := listen(t, func(c net.Conn) {
		fmt.Fprint(c, "SSH-2.0-banner\r\n")
		all, _ := io.ReadAll(c)
		_, _ = c.Write(bytes.ToUpper(all))
	})
	r := run(t, Raw, host, port)
	if got := r.line(t); got != Ready {
		t.Fatalf("the worker said %q", got)
	}
	banner := make([]byte, 16)
	if _, err := io.ReadFull(r.out, banner); err != nil || string(banner) != "SSH-2.0-banner\r\n" {
		t.Errorf("banner %q, %v", banner, err)
	}
	_, _ = io.WriteString(r.in, "abc")
	_ = r.in.Close()
	rest, err := io.ReadAll(r.out)
	if err != nil || string(rest) != "ABC" {
		t.Errorf("%q came back, %v", rest, err)
	}
	if status := <-r.status; status != 0 {
		t.Errorf("exit status %d", status)
	}
}

func TestRawSaysThatNobodyListens(t *testing.T) {
	r := run(t, Raw, "127.0.0.1", closedPort(t))
	if got := r.line(t); !strings.HasPrefix(got, Fatal+"Unable to connect to specified port: ") || !strings.Contains(got, "connection refused") {
		t.Errorf("the worker said %q", got)
	}
	if status := <-r.status; status != 1 {
		t.Errorf("exit status %d", status)
	}
}

func TestTheEndOfInputEndsTheWorker(t *testing.T) {
	host, port := listen(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	r := run(t, Multiplexed, host, port)
	mux := r.client(t)
	if _, err := mux.OpenStream(); err != nil {
		t.Fatal(err)
	}
	_ = r.in.Close()
	if status := <-r.status; status != 0 {
		t.Errorf("exit status %d", status)
	}
}

func TestBytesThatAreNotTheProtocolEndTheWorker(t *testing.T) {
	r := run(t, Multiplexed, "127.0.0.1", "80")
	if got := r.line(t); got != Ready {
		t.Fatal(got)
	}
	_, _ = r.in.Write(bytes.Repeat([]byte("GET /"), 20))
	if got := r.line(t); !strings.HasPrefix(got, Fatal) {
		t.Errorf("the worker said %q", got)
	}
}

func TestArgumentsAreChecked(t *testing.T) {
	for _, args := range [][]string{nil, {"port"}, {"other", "h", "80"}, {"port", "h", "0"}, {"port", "h", "65536"}, {"port", "h", "http"},
		{"ssh", "h", "22", "--deny", "x"}, {"ssh", "h", "22", "--other"}} {
		var said bytes.Buffer
		if status := Run(args, strings.NewReader(""), io.Discard, &said); status != 2 || !strings.HasPrefix(said.String(), Fatal) {
			t.Errorf("%q: exit status %d, %q", args, status, said.String())
		}
	}
}

// FuzzMultiplexed gives the worker what a hostile client might: it ends, whatever
// the bytes are, and dials nothing that it was not told to.
func FuzzMultiplexed(f *testing.F) {
	srv := httptest.NewServer(http.NotFoundHandler())
	defer srv.Close()
	host, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	f.Add([]byte{1, 0, 0, 0, 3, 0, 0, 0, 1, 2, 1, 0, 3, 0, 0, 0, 'x', 1, 1, 0, 0, 3, 0, 0, 0})
	f.Add([]byte{1, 2, 0xff, 0xff, 3, 0, 0, 0})
	f.Add([]byte("GET / HTTP/1.0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		Run([]string{Multiplexed, host, port}, bytes.NewReader(in), io.Discard, io.Discard)
	})
}
