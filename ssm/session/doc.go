// Package session is the machinery of Session Manager: the service and the agent
// of AWS in one. It keeps the registry of sessions, gives out and checks the tokens
// of their streams, answers on the websocket of each, runs the programs inside the
// instances and decides when a session ends. It does not know HTTP's API (package
// ssm words errors and pages), how the protocol keeps its promises (ssm/channel),
// what a document says (ssm/document) or how an instance is made: a Host starts
// programs.
//
// A session outlives its websockets, not its daemon.
package session

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"syscall"
	"time"

	"tombolo/network"
)

// AgentVersion is the version of AWS's agent that sessions claim: new enough for
// multiplexed port forwarding without keep-alive.
const AgentVersion = "3.3.987.0"

// Program is what to run in an instance.
type Program struct {
	Args     []string
	Env      []string // in addition to what a login of the user has
	Dir      string   // "" is the user's home
	User     string
	Terminal *Size // nil runs without a terminal
	Joined   bool  // without a terminal: standard error goes where standard output goes
}

// Size is a terminal's, in characters.
type Size struct{ Cols, Rows int }

// Exit is how a program ended: by itself with Code, or by Signal.
type Exit struct {
	Code   int
	Signal syscall.Signal
}

// Process is a program that runs in an instance. With a terminal everything that
// it prints is on Stdout and Stderr is nil.
type Process struct {
	Stdin  io.WriteCloser
	Stdout io.Reader
	Stderr io.Reader
	Wait   func() (Exit, error)       // called once
	Signal func(syscall.Signal) error // to the program and what it started in its group
	Resize func(Size) error
	Close  func() // lets go of the streams: reads and writes that wait return
}

// ErrNoUser is a Host's answer to a user that the instance does not have.
var ErrNoUser = errors.New("no such user in the instance")

// Host runs programs in instances.
type Host interface {
	// Start starts a program. The context bounds the start alone.
	Start(ctx context.Context, id network.InstanceID, p Program) (*Process, error)
	// SingleUser says that instances have one uid: everybody in them is root.
	SingleUser() bool
}

// Records keeps documents beside the State.
type Records interface {
	PutRecord(ctx context.Context, kind, key string, doc []byte) error
	DeleteRecord(ctx context.Context, kind, key string) error
	Records(ctx context.Context, kind string) (map[string][]byte, error)
}

// Logs is where session logs go: objects in buckets.
type Logs interface {
	Append(bucket, key string) (io.WriteCloser, error)
}

// Config is what sessions need of the world.
type Config struct {
	Host    Host
	State   func() network.State
	Records Records
	Logs    Logs
	Log     *slog.Logger
	Now     func() time.Time // nil is the clock
	// Worker is the command, inside an instance, of package ssm/worker; nil is
	// what every instance has on its PATH.
	Worker []string
}
