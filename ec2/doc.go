// Package ec2 answers AWS's EC2 query API: it turns forms into network.Requests
// and the State into XML, in AWS's words. It verifies who calls (sigv4), decodes
// and encodes with generated code (ec2/wire), and holds no rule of a network and
// no state of its own; whoever implements Backend has those.
//
// This package puts the parts together: api is the frame of every action, vpc and
// instance hold the actions, server speaks HTTP.
//
// # To add an operation
//
//  1. If ec2/wire has no request structure for it, add its name to
//     ec2/wire/gen/operations.txt and run go generate ./ec2/wire.
//  2. In the file of its noun, in vpc or instance, write a handler: read the
//     parameters into a network.Request, do it, show what is there now. createVpc
//     in vpc/vpc.go is the pattern for what changes something, describeVpcs for
//     what lists. The readers of parameters (c.CIDR4, c.Tags, …) note what is wrong
//     in the call, and c.Do refuses to act on it, so a handler has one place for
//     errors.
//  3. Register it in the noun's …Operations list: api.Op for one with a result,
//     api.Void for one that answers true.
//  4. Give every parameter of AWS's model a class in its Params: enforced, stored
//     or refused. TestEveryParameterHasAClass names those without. Nothing that
//     concerns the network may be stored.
//  5. If the core breaks a rule with a Code that AWS words differently here, add
//     a line to wordings in api/words.go.
//  6. Run go generate ./ec2, which writes docs/coverage.md.
//
// In requests and results a nil pointer or slice is absent. Write new(x) for a
// value, api.Text(id) for a string that is left out when empty, and a list that is
// never nil where AWS writes an empty element.
package ec2

//go:generate go test -run TestCoverageTable -update .
