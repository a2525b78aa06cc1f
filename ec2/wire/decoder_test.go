package wire

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func decodeText[T any, P Request[T]](t *testing.T, form string) (*T, *Problem) {
	t.Helper()
	f, problem := ParseForm(form)
	if problem != nil {
		t.Fatalf("ParseForm: %v", problem)
	}
	return Decode[T, P](f)
}

func TestListsAreDecodedInOrderOfTheirIndicesWhateverTheOrderSent(t *testing.T) {
	got, problem := decodeText[CreateVpcRequest](t,
		"TagSpecification.1.Tag.10.Key=j&TagSpecification.1.Tag.2.Key=b&CidrBlock=10.0.0.0%2F16"+
			"&TagSpecification.1.Tag.2.Value=2&TagSpecification.1.ResourceType=vpc&DryRun=false")
	if problem != nil {
		t.Fatal(problem)
	}
	want := &CreateVpcRequest{
		CidrBlock: new("10.0.0.0/16"),
		DryRun:    new(false),
		TagSpecifications: []TagSpecification{{
			ResourceType: new("vpc"),
			Tags:         []Tag{{Key: new("b"), Value: new("2")}, {Key: new("j")}},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBadParametersAreNamedAsTheyWereSent(t *testing.T) {
	for _, c := range []struct {
		form string
		want Problem
	}{
		{"CidrBlok=1", Problem{Kind: Unknown, Param: "CidrBlok"}},
		{"CidrBlock.1=1", Problem{Kind: Unknown, Param: "CidrBlock.1"}},
		{"TagSpecification=x", Problem{Kind: Unknown, Param: "TagSpecification"}},
		{"TagSpecification.x.Key=x", Problem{Kind: Unknown, Param: "TagSpecification.x.Key"}},
		{"TagSpecification.1=x", Problem{Kind: Unknown, Param: "TagSpecification.1"}},
		{"TagSpecification.01.ResourceType=x", Problem{Kind: Unknown, Param: "TagSpecification.01.ResourceType"}},
		{"TagSpecification.0.ResourceType=x", Problem{Kind: Unknown, Param: "TagSpecification.0.ResourceType"}},
		{"DryRun=perhaps", Problem{Kind: BadValue, Param: "DryRun", Value: "perhaps", Want: "boolean"}},
		{"Ipv4NetmaskLength=1.5", Problem{Kind: BadValue, Param: "Ipv4NetmaskLength", Value: "1.5", Want: "integer"}},
		{"DryRun=perhaps&Zzz=1", Problem{Kind: Unknown, Param: "Zzz"}},
		{"InstanceTenancy=mine", Problem{Kind: BadValue, Param: "InstanceTenancy", Value: "mine", Want: "enum", Enum: enumTenancy}},
	} {
		_, problem := decodeText[CreateVpcRequest](t, c.form)
		if diff := cmp.Diff(&c.want, problem); diff != "" {
			t.Errorf("%s: %s", c.form, diff)
		}
	}
}

func TestAMissingParameterIsNamedWhereItShouldBe(t *testing.T) {
	_, problem := decodeText[ModifySecurityGroupRulesRequest](t, "GroupId=sg-1&SecurityGroupRule.2.SecurityGroupRule.IpProtocol=tcp")
	want := &Problem{Kind: Missing, Param: "SecurityGroupRule.2.SecurityGroupRuleId"}
	if diff := cmp.Diff(want, problem); diff != "" {
		t.Error(diff)
	}
	if _, problem = decodeText[DeleteVpcRequest](t, ""); problem == nil || problem.Param != "VpcId" {
		t.Errorf("DeleteVpc without VpcId: %v", problem)
	}
}

func TestAnEmptyListIsNotAnAbsentOne(t *testing.T) {
	got, problem := decodeText[DescribeVpcsRequest](t, "VpcId=")
	if problem != nil {
		t.Fatal(problem)
	}
	if got.VpcIds == nil || len(got.VpcIds) != 0 || got.Filters != nil {
		t.Errorf("VpcIds %#v, Filters %#v", got.VpcIds, got.Filters)
	}
}

func TestFormsThatAreNotFormsAreRefused(t *testing.T) {
	for form, kind := range map[string]Kind{
		"a=1&a=2":     Malformed,
		"a=%zz":       Malformed,
		"%zz=a":       Malformed,
		"=a":          Malformed,
		"a=%00":       Illegal,
		"a=%ff":       Illegal,
		"a=%0Aok%":    Malformed,
		"a%08=1":      Illegal,
		"a=%EF%BF%BE": Illegal,
	} {
		if _, problem := ParseForm(form); problem == nil || problem.Kind != kind {
			t.Errorf("%s: %v, want kind %d", form, problem, kind)
		}
	}
}

func TestQueryAndBodyAreOneForm(t *testing.T) {
	f, problem := ParseForm("Action=A&x=1", "y=2&")
	if problem != nil {
		t.Fatal(problem)
	}
	if v, ok := f.Get("y"); !ok || v != "2" {
		t.Errorf("y = %q, %v", v, ok)
	}
	if _, ok := f.Get("z"); ok {
		t.Error("z is there")
	}
}

func TestPathsLoseTheirIndices(t *testing.T) {
	f, _ := ParseForm("TagSpecification.1.Tag.2.Key=x&Value.1=y&Action=z")
	var got []string
	for path := range f.Paths() {
		got = append(got, path)
	}
	if diff := cmp.Diff([]string{"Action", "TagSpecification.Tag.Key", "Value"}, got); diff != "" {
		t.Error(diff)
	}
}
