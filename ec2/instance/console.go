package instance

import (
	"encoding/base64"

	"tombolo/ec2/api"
	"tombolo/ec2/wire"
)

func consoleOperations() []api.Operation {
	return []api.Operation{
		api.Op("GetConsoleOutput", getConsoleOutput, api.Params{Enforced: "InstanceId Latest"}),
	}
}

// getConsoleOutput always gives the latest output, which AWS gives only when
// asked and some types of instance only.
func getConsoleOutput(c *api.Call, in *wire.GetConsoleOutputRequest) (*wire.GetConsoleOutputResult, error) {
	rows, _, err := instances.Rows(c, api.Query{IDs: []string{*in.InstanceId}})
	if err != nil {
		return nil, err
	}
	output, at, err := c.Backend.Console(c.Ctx, rows[0].ID)
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
