package network

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"
)

var applyMethod = regexp.MustCompile(`(?m)^func \(\w+ (\w+)\) apply\(`)

func TestNoRequestIsForgottenByTheTests(t *testing.T) {
	known := map[string]bool{}
	for _, r := range requests {
		known[reflect.TypeOf(r).Name()] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range applyMethod.FindAllStringSubmatch(string(source), -1) {
			if !known[m[1]] {
				t.Errorf("%s in %s is not among requests", m[1], file)
			}
		}
	}
}
