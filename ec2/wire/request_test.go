package wire

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// decodeInto decodes a form by the operation's generated decoder, whichever
// type that is.
func decodeInto[T any, P Request[T]](f Form) (any, *Problem) {
	v, problem := Decode[T, P](f)
	return v, problem
}

// encodeForm is the client's side of the protocol, by reflection: good enough
// to check the generated server's side.
func encodeForm(v reflect.Value, key string, out map[string]string) {
	if v.Kind() == reflect.Pointer {
		if !v.IsNil() {
			encodeForm(v.Elem(), key, out)
		}
		return
	}
	switch x := v.Interface().(type) {
	case []byte:
		if x != nil {
			out[key] = base64.StdEncoding.EncodeToString(x)
		}
		return
	case time.Time:
		out[key] = x.Format("2006-01-02T15:04:05Z")
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("ec2"), ",")
			if key != "" {
				name = key + "." + name
			}
			encodeForm(v.Field(i), name, out)
		}
	case reflect.Slice:
		for i := range v.Len() {
			encodeForm(v.Index(i), key+"."+strconv.Itoa(i+1), out)
		}
	default:
		out[key] = fmt.Sprint(v.Interface())
	}
}

// oracle is the requests of AWS's own SDK with every member set.
func oracle(t *testing.T) map[string]map[string]string {
	t.Helper()
	raw, err := os.ReadFile("testdata/requests.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]string{}
	for line := range strings.Lines(string(raw)) {
		name, rest, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		params := map[string]string{}
		for generic := range strings.FieldsSeq(rest) {
			key, value, has := strings.Cut(generic, "=")
			for _, k := range expand(key) {
				params[k] = value
				if !has {
					params[k] = "text of " + k[strings.LastIndexByte(k, '.')+1:]
				}
			}
		}
		out[name] = params
	}
	return out
}

// expand puts 1 and 2 for every N of a key.
func expand(key string) []string {
	segments := strings.Split(key, ".")
	i := slices.Index(segments, "N")
	if i < 0 {
		return []string{key}
	}
	var out []string
	for _, index := range []string{"1", "2"} {
		segments[i] = index
		out = append(out, expand(strings.Join(segments, "."))...)
	}
	return out
}

func TestEveryRequestOfTheSDKIsUnderstoodCompletely(t *testing.T) {
	requests := oracle(t)
	for _, a := range actions {
		if !a.Typed {
			continue
		}
		sent, ok := requests[a.Name]
		if !ok {
			t.Errorf("%s: not in testdata/requests.txt; run go generate", a.Name)
			continue
		}
		values := url.Values{}
		for k, v := range sent {
			values.Set(k, v)
		}
		f, problem := ParseForm(values.Encode())
		if problem != nil {
			t.Fatalf("%s: %v", a.Name, problem)
		}
		decode, ok := requestDecoders[a.Name]
		if !ok {
			t.Errorf("%s: no decoder in requestDecoders", a.Name)
			continue
		}
		v, problem := decode(f)
		if problem != nil {
			t.Errorf("%s: %v", a.Name, problem)
			continue
		}
		again := map[string]string{}
		encodeForm(reflect.ValueOf(v), "", again)
		if diff := cmp.Diff(sent, again); diff != "" {
			t.Errorf("%s: what was sent and what was understood differ:\n%s", a.Name, diff)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("GroupId=sg-1&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0%2F8&IpPermissions.1.FromPort=22&TagSpecification.1.Tag.1.Key=a")
	f.Add("IpPermissions=&IpPermissions.1=&IpPermissions.1.IpRanges.=&.=&..1=&IpPermissions.999999999.FromPort=x")
	f.Add("IpPermissions.1.FromPort=1&IpPermissions.1=2&IpPermissions.1.FromPort.1=3&DryRun=TRUE")
	f.Fuzz(func(t *testing.T, text string) {
		form, problem := ParseForm(text)
		if problem != nil {
			return
		}
		v, problem := Decode[AuthorizeSecurityGroupIngressRequest](form)
		if problem != nil {
			if problem.Kind == 0 || problem.Kind > Missing {
				t.Errorf("a problem of no kind: %v", problem)
			}
			return
		}
		// What was understood, sent again, is understood the same. (An empty
		// element of a list may go: AWS has none.)
		again := map[string]string{}
		encodeForm(reflect.ValueOf(v), "", again)
		values := url.Values{}
		for k, v := range again {
			values.Set(k, v)
		}
		form, problem = ParseForm(values.Encode())
		if problem != nil {
			t.Fatalf("%q: %v", values.Encode(), problem)
		}
		w, problem := Decode[AuthorizeSecurityGroupIngressRequest](form)
		if problem != nil {
			t.Fatalf("%q: %v", values.Encode(), problem)
		}
		third := map[string]string{}
		encodeForm(reflect.ValueOf(w), "", third)
		if diff := cmp.Diff(again, third); diff != "" {
			t.Error(diff)
		}
	})
}
