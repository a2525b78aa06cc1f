package wire

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// element is an XML element as any parser sees it.
type element struct {
	Name     string
	Text     string
	Children []element
}

func parse(t testing.TB, text []byte) element {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(text))
	stack := []element{{Name: "root"}}
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		top := len(stack) - 1
		switch token := token.(type) {
		case xml.StartElement:
			stack = append(stack, element{Name: token.Name.Local})
		case xml.EndElement:
			stack[top-1].Children = append(stack[top-1].Children, stack[top])
			stack = stack[:top]
		case xml.CharData:
			stack[top].Text += string(token)
		}
	}
	return stack[0]
}

// awkward is a text with everything in it that XML has to escape.
const awkward = "a<b>&\"c\"'d'\r\n\té€😀]]>"

// fill sets every member, to a value of its own where there is one.
func fill(v reflect.Value, n *int) {
	*n++
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Date(2026, 11, 22, 21, 0, *n%60, 0, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.String:
		v.SetString(fmt.Sprint(awkward, *n))
	case reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Float64:
		v.SetFloat(float64(*n) + 0.5)
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic("a member of a kind that results do not have: " + v.Kind().String())
	}
}

// want is the XML that a result stands for, by reflection over its tags; item is
// what the elements of a list are called.
func want(v reflect.Value, name, item string) []element {
	switch {
	case v.Kind() == reflect.Pointer && v.IsNil(), v.Kind() == reflect.Slice && v.IsNil():
		return nil
	case v.Kind() == reflect.Pointer:
		return want(v.Elem(), name, item)
	case v.Type() == reflect.TypeFor[time.Time]():
		return []element{{Name: name, Text: v.Interface().(time.Time).Format("2006-01-02T15:04:05.000Z")}}
	}
	e := element{Name: name}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			tag := strings.Split(v.Type().Field(i).Tag.Get("ec2"), ",")
			item := "item"
			if len(tag) == 3 {
				item = tag[2]
			}
			e.Children = append(e.Children, want(v.Field(i), tag[1], item)...)
		}
	case reflect.Slice:
		for i := range v.Len() {
			e.Children = append(e.Children, want(v.Index(i), item, "")...)
		}
	default:
		e.Text = fmt.Sprint(v.Interface())
	}
	return []element{e}
}

func TestEveryResultSaysAllThatIsInIt(t *testing.T) {
	for _, r := range results {
		v := reflect.ValueOf(r).Elem()
		if got := string(r.AppendXML(nil)); got != "" {
			t.Errorf("an empty %T is not empty: %s", r, got)
		}
		n := 0
		fill(v, &n)
		got := parse(t, append(append([]byte("<x>"), r.AppendXML(nil)...), "</x>"...))
		if diff := cmp.Diff(want(v, "x", ""), got.Children); diff != "" {
			t.Errorf("%T: %s", r, diff)
		}
	}
}

func TestAnEmptyListIsAnEmptyElementAndAnAbsentOneNone(t *testing.T) {
	v := DescribeVpcsResult{Vpcs: []Vpc{{VpcId: new("vpc-1"), IsDefault: new(false), Tags: []Tag{}}}}
	want := "<vpcSet><item><isDefault>false</isDefault><tagSet></tagSet><vpcId>vpc-1</vpcId></item></vpcSet>"
	if got := string(v.AppendXML(nil)); got != want {
		t.Error(got)
	}
}

func TestTextComesBackAsItWas(t *testing.T) {
	for _, s := range []string{"", awkward, "]]>", "\r", " \n ", "\u0085\u2028", "\U0010FFFF"} {
		got := parse(t, AppendElement(nil, "x", s)).Children[0].Text
		if got != s {
			t.Errorf("%q came back as %q", s, got)
		}
	}
	for _, s := range []string{"\x00", "\x1f", "\xff", "\xed\xa0\x80", "\uFFFE", "\uFFFF"} {
		got := parse(t, AppendElement(nil, "x", s)).Children[0].Text
		if strings.Trim(got, "\uFFFD") != "" || got == "" {
			t.Errorf("%q, which XML cannot carry, became %q", s, got)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add(awkward)
	f.Add("\x00\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := parse(t, AppendElement(nil, "x", s)).Children[0].Text
		if legal(s) && got != s {
			t.Errorf("%q came back as %q", s, got)
		}
	})
}

func BenchmarkDecodeCreateVpc(b *testing.B) {
	const form = "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.1.0.0%2F16&TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=marketing"
	b.ReportAllocs()
	for b.Loop() {
		f, _ := ParseForm(form)
		f = f.Without(func(k string) bool { return k == "Action" || k == "Version" })
		if _, problem := Decode[CreateVpcRequest](f); problem != nil {
			b.Fatal(problem)
		}
	}
}

func BenchmarkEncodeThousandVpcs(b *testing.B) {
	v := DescribeVpcsResult{}
	for range 1000 {
		v.Vpcs = append(v.Vpcs, Vpc{
			VpcId: new("vpc-0123456789abcdef0"), State: new("available"), CidrBlock: new("10.1.0.0/16"), IsDefault: new(false),
			DhcpOptionsId: new("dopt-0123456789abcdef0"), OwnerId: new("123456789012"), InstanceTenancy: new("default"),
			Tags:                    []Tag{{Key: new("Name"), Value: new("marketing")}},
			CidrBlockAssociationSet: []VpcCidrBlockAssociation{{AssociationId: new("vpc-cidr-assoc-0123456789abcdef0"), CidrBlock: new("10.1.0.0/16"), CidrBlockState: &VpcCidrBlockState{State: new("associated")}}},
		})
	}
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = v.AppendXML(buf[:0])
	}
	b.SetBytes(int64(len(buf)))
}
