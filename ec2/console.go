package ec2

import (
	"encoding/base64"

	"tombolo/ec2/wire"
)

func consoleOperations() []operation {
	return []operation{
		op("GetConsoleOutput", getConsoleOutput, params{enforced: "InstanceId Latest"}),
	}
}

// getConsoleOutput always gives the latest output, which AWS gives only when
// asked and some types of instance only.
func getConsoleOutput(c *call, in *wire.GetConsoleOutputRequest) (*wire.GetConsoleOutputResult, error) {
	rows, _, err := instances.rows(c, query{ids: []string{*in.InstanceId}})
	if err != nil {
		return nil, err
	}
	output, at, err := c.backend.Console(c.ctx, rows[0].ID)
	if err != nil {
		return nil, err
	}
	const kept = 64 << 10 // AWS: Instance console output, the most recent 64 KB
	if len(output) > kept {
		output = output[len(output)-kept:]
	}
	out := &wire.GetConsoleOutputResult{InstanceId: in.InstanceId, Output: new(base64.StdEncoding.EncodeToString(output))}
	if !at.IsZero() {
		out.Timestamp = &at
	}
	return out, nil
}
