// Command tombolo is the whole product in one binary: `tombolo serve` is the
// daemon, everything else is a client of it. This package is wiring: flags,
// construction, printing and shutdown. It holds no rule of the network.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"tombolo/client"
	"tombolo/guest"
	"tombolo/local"
)

// version is set by the build (-ldflags -X main.version=…).
var version = "unknown"

// The exit statuses of every command but exec, connect and probe, which pass on
// what they ran.
const (
	exitNo       = 1 // a negative answer
	exitUsage    = 2
	exitNotFound = 3
	exitNoDaemon = 4
	exitMachine  = 5   // this machine cannot
	exitInternal = 125 // of exec and connect: tombolo itself failed
)

// exitError is an error with the status that the process ends with.
type exitError struct {
	code int
	err  error // nil prints nothing
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// failed makes an error with an exit status.
func failed(code int, format string, args ...any) error {
	return &exitError{code, fmt.Errorf(format, args...)}
}

func main() {
	// A process that was started as a holder or as an instance's first process
	// never comes back from this call.
	guest.Reexec()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	os.Exit(status(err))
}

// status prints err, if it has something to say, and gives the exit status.
func status(err error) int {
	if err == nil {
		return 0
	}
	var exit *exitError
	var api *client.Error
	code := exitNo
	switch {
	case errors.As(err, &exit):
		code = exit.code
		if exit.err == nil {
			return code
		}
	case errors.Is(err, local.ErrNoDaemon), errors.Is(err, syscall.ECONNREFUSED):
		code = exitNoDaemon
		err = fmt.Errorf("%w; start one with: tombolo serve", err)
	case errors.As(err, &api) && api.Status == 400 && isNotFound(api.Code):
		code = exitNotFound
	case errors.Is(err, context.Canceled):
		return 130
	}
	fmt.Fprintln(os.Stderr, "tombolo:", err)
	return code
}
