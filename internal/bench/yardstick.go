package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// measureYardstick measures what there is to compare with where no other server of
// the API can be had: a bare net/http server that reads the request and answers, and
// one that first writes a page to a file and waits for the disk, each request for
// itself, as a server without group commit does. What a durable call of ours takes
// longer than the latter is ours.
func measureYardstick(ctx context.Context) (rows []row, err error) {
	file, err := os.CreateTemp("", "tombolo-bench-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	var mu sync.Mutex
	page := make([]byte, 16<<10)
	fsync := func() error {
		mu.Lock()
		defer mu.Unlock()
		if _, err := file.WriteAt(page, 0); err != nil {
			return err
		}
		return file.Sync()
	}
	for _, y := range []struct {
		name string
		work func() error
	}{{"yardstick: net/http alone", func() error { return nil }}, {"yardstick: net/http and one fsync each", fsync}} {
		more, err := yardstick(ctx, y.name, y.work)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}

func yardstick(ctx context.Context, name string, work func() error) (rows []row, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		if err := work(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, "<r/>") // a client that is gone needs no answer
	})}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	web := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}}
	for _, n := range crowds {
		end := time.Now().Add(period)
		took, err := together(ctx, n, func(int) (bool, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+listener.Addr().String(), strings.NewReader("Action=CreateVpc&CidrBlock=10.0.0.0%2F16"))
			if err != nil {
				return false, err
			}
			res, err := web.Do(req)
			if err != nil {
				return false, err
			}
			_, err = io.Copy(io.Discard, res.Body)
			return time.Now().Before(end), errorOf(err, res.Body.Close())
		})
		if err != nil {
			return nil, err
		}
		r := rated(name, took, period)
		r.Clients = n
		rows = append(rows, r)
	}
	return rows, nil
}

func errorOf(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}
