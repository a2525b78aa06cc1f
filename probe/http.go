package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// HTTP gets a URL (http only) and waits for the response's first bytes. Any
// status is an answer; redirects are not followed.
//
// It speaks over a connection of its own instead of an http.Client, because a
// client dials in another goroutine and so in whatever network namespace that
// goroutine's thread happens to be.
func HTTP(ctx context.Context, rawURL string, o Options) (Result, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return Result{}, fmt.Errorf("read URL %q: want http://HOST[:PORT]/PATH", rawURL)
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	peer, err := resolve(ctx, net.JoinHostPort(u.Hostname(), port), o)
	if err != nil {
		return Result{}, err
	}
	sent := time.Now()
	c, r, err := connectTCP(ctx, peer, o)
	if err != nil || r.Verdict != Answered {
		return r, err
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(ctx, o.timeout())
	defer cancel()
	return get(ctx, c, u, sent)
}

func get(ctx context.Context, c *conn, u *url.URL, sent time.Time) (Result, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return Result{}, err
	}
	req.Close = true
	req.Header.Set("User-Agent", "tombolo-probe")
	if deadline, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(deadline); err != nil {
			return Result{}, err
		}
	}
	if err := req.Write(c); err != nil {
		return judgeHTTP(c, err, sent)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), req)
	if err != nil {
		return judgeHTTP(c, err, sent)
	}
	defer resp.Body.Close()
	rtt := time.Since(sent)
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if err != nil && len(body) == 0 && resp.ContentLength != 0 {
		return judgeHTTP(c, err, sent)
	}
	r := Result{Verdict: Answered, From: c.peer.Addr(), RTT: rtt, Status: resp.StatusCode, Body: body}
	if seen, err := netip.ParseAddrPort(resp.Header.Get(seenHeader)); err == nil {
		r.Seen = seen
	}
	return r, nil
}

// judgeHTTP: a server that hangs up without an answer has refused.
func judgeHTTP(c *conn, err error, sent time.Time) (Result, error) {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return Result{Verdict: Refused, Refusal: "closed", From: c.peer.Addr(), RTT: time.Since(sent)}, nil
	}
	r, _, fail := c.judge(err, sent)
	if fail != nil {
		return r, fmt.Errorf("get from %s: %w", c.peer, fail)
	}
	return r, nil
}
