package ec2

import (
	"context"
	"slices"

	"tombolo/ec2/api"
	"tombolo/ec2/insight"
	"tombolo/ec2/instance"
	"tombolo/ec2/server"
	"tombolo/ec2/vpc"
)

// What a user of this package needs of the others.
type (
	// Config is what a Server is made of.
	Config = server.Config
	// Server answers the EC2 query API. It is a gate.Service.
	Server = server.Server
	// Backend is all that the API needs of the rest of the program.
	Backend = api.Backend
)

// NewServer makes a Server that answers every operation that there is.
func NewServer(c Config) *Server {
	c.Operations = operations()
	return server.New(c)
}

// Resume ends what an earlier run of the program left undone.
func Resume(ctx context.Context, b Backend) error { return insight.Resume(ctx, b) }

func operations() []api.Operation {
	return slices.Concat(vpc.Operations(), instance.Operations(), insight.Operations())
}
