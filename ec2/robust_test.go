package ec2

import (
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/quick"
)

// everyParameter is, by action, all the parameters that AWS's SDK sends, with
// values that are of the right type and mostly mean nothing.
func everyParameter(t testing.TB) map[string][]string {
	t.Helper()
	raw, err := os.ReadFile("wire/testdata/requests.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for line := range strings.Lines(string(raw)) {
		name, rest, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		for param := range strings.FieldsSeq(rest) {
			key, value, has := strings.Cut(strings.ReplaceAll(param, ".N", ".1"), "=")
			if !has {
				value = "nonsense"
			}
			if key != "DryRun" {
				out[name] = append(out[name], url.QueryEscape(key)+"="+url.QueryEscape(value))
			}
		}
	}
	return out
}

func TestNoCombinationOfParametersIsAnInternalError(t *testing.T) {
	sent := everyParameter(t)
	for _, o := range operations() {
		s, _ := empty(t)
		name, params := o.Name, sent[o.Name]
		try := func(form string) {
			if status, body := ask(s, "Action="+name+"&"+form); status >= 500 || strings.Contains(body, "{") && !strings.Contains(body, "{}!$") {
				t.Errorf("%s&%s: %d %s", name, form, status, body)
			}
		}
		try(strings.Join(params, "&"))
		for _, p := range params {
			key, _, _ := strings.Cut(p, "=")
			try(p)
			try(key + "=")
		}
		// Random halves, so that what is refused does not hide what is not.
		err := quick.Check(func(choice [4]uint64) bool {
			var some []string
			for i, p := range params {
				if choice[i/64%4]>>(i%64)&1 == 1 {
					some = append(some, p)
				}
			}
			try(strings.Join(some, "&"))
			return !t.Failed()
		}, &quick.Config{MaxCount: 8})
		if err != nil {
			t.Error(name, err)
		}
	}
}

func FuzzRequest(f *testing.F) {
	all := everyParameter(f)
	for _, o := range operations() {
		f.Add("Action=" + o.Name + "&" + strings.Join(all[o.Name], "&"))
	}
	f.Fuzz(func(t *testing.T, form string) {
		s, _ := empty(t)
		s.Hosts = []string{host}
		r := unsigned(form)
		status, body := serve(s, r)
		if !slices.Contains([]int{200, 400, 412, 413}, status) {
			t.Errorf("%q: %d %s", form, status, body)
		}
		if !strings.HasPrefix(body, "<?xml") {
			t.Errorf("%q: %s", form, body)
		}
	})
}
