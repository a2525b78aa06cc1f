package api

import (
	"testing"

	"tombolo/ec2/wire"
)

func TestTheNearestPathDecidesTheClass(t *testing.T) {
	r := Params{
		Enforced: "NetworkInterface Placement.AvailabilityZone",
		Stored:   "Monitoring",
		Refused: []Refuse{
			{Paths: "NetworkInterface.EnaSrdSpecification Placement", Why: "there is none"},
			{Paths: "EbsOptimized", Unless: "false", Why: "there are no volumes"},
		},
	}.rules()
	for path, want := range map[string]class{
		"NetworkInterface.SubnetId":                          enforced,
		"NetworkInterface.EnaSrdSpecification":               refused,
		"NetworkInterface.EnaSrdSpecification.EnaSrdEnabled": refused,
		"Placement.AvailabilityZone":                         enforced,
		"Placement.Tenancy":                                  refused,
		"Monitoring.Enabled":                                 stored,
		"DryRun":                                             enforced,
		"MonitoringX":                                        unclassed,
	} {
		if got := r.of(path).class; got != want {
			t.Errorf("%s: class %d, want %d", path, got, want)
		}
	}
	for form, want := range map[string]string{
		"NetworkInterface.1.SubnetId=a&Placement.AvailabilityZone=b&Monitoring.Enabled=true": "",
		"EbsOptimized=false": "",
		"EbsOptimized=true":  "UnsupportedOperation: The parameter EbsOptimized is not supported: there are no volumes.",
		"NetworkInterface.2.EnaSrdSpecification.EnaSrdEnabled=true": "UnsupportedOperation: The parameter NetworkInterface.2.EnaSrdSpecification.EnaSrdEnabled is not supported: there is none.",
	} {
		f, problem := wire.ParseForm(form)
		if problem != nil {
			t.Fatal(problem)
		}
		got := ""
		if err := r.check(f); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", form, got, want)
		}
	}
}
