package insight

import (
	"strings"
	"testing"

	"tombolo/ec2/api"
	"tombolo/ec2/api/apitest"
)

// What every filter sees is written down.
func TestWhatEveryFilterSees(t *testing.T) {
	s, who, a, b, _ := office(t)
	one := analyse(t, s, who, "Source", a, "Destination", b, "Protocol", "udp", "DestinationPort", "53",
		"TagSpecification.1.ResourceType", "network-insights-path", "TagSpecification.1.Tag.1.Key", "Name", "TagSpecification.1.Tag.1.Value", "dns")
	analyse(t, s, who, "Source", a, "Protocol", "tcp", "FilterAtSource.SourceAddress", "10.0.1.4", "FilterAtSource.DestinationAddress", "203.0.113.9",
		"FilterAtSource.DestinationPortRange.FromPort", "80", "FilterAtSource.DestinationPortRange.ToPort", "80",
		"FilterAtDestination.SourcePortRange.FromPort", "1024", "FilterAtDestination.SourcePortRange.ToPort", "65535")
	again(t, s, who, *one.NetworkInsightsPathId)
	c := &api.Call{Action: "DescribeThings", Caller: who, State: s.state}
	var out strings.Builder
	apitest.Vocabulary(t, c, &out, "DescribeNetworkInsightsPaths", paths)
	apitest.Vocabulary(t, c, &out, "DescribeNetworkInsightsAnalyses", analyses)
	apitest.CompareFile(t, "testdata/filters.txt", out.String())
}
