package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is embedded was built from the sources that are here, and is small.
func TestAssetsAreOfTheseSources(t *testing.T) {
	const web, assets = "../../web", "../assets"
	want, err := digest(web)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(assets, note))
	if err != nil || strings.TrimSpace(string(got)) != want {
		t.Errorf("console/assets was not built from what is in web; run: make web (%v)", err)
	}
	packed, err := filepath.Glob(filepath.Join(assets, "*.gz"))
	if err != nil || len(packed) == 0 {
		t.Fatal(packed, err)
	}
	total := int64(0)
	for _, p := range packed {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		total += info.Size()
	}
	const most = 1_500_000
	if total > most {
		t.Errorf("the page is %d bytes compressed, more than %d", total, most)
	}
}

func TestPackAndCompare(t *testing.T) {
	web, assets := t.TempDir(), t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(web, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("dist/index.html", "page")
	write("dist/assets/a.js", "script")
	write("src/a.ts", "source")
	if err := pack(web, assets); err != nil {
		t.Fatal(err)
	}
	if err := compare(web, assets); err != nil {
		t.Fatal(err)
	}
	before, err := digest(web)
	if err != nil {
		t.Fatal(err)
	}
	write("node_modules/x/y.js", "not a source")
	write(".cache", "nor this")
	if after, _ := digest(web); after != before {
		t.Error("what is no source counts")
	}
	write("src/a.ts", "changed")
	if after, _ := digest(web); after == before {
		t.Error("a change of a source does not count")
	}
	write("dist/assets/a.js", "another")
	write("dist/assets/b.js", "new")
	err = compare(web, assets)
	for _, word := range []string{"a.js.gz is not what the build makes", "b.js is missing", "make web"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q is not in %v", word, err)
		}
	}
	write("dist/other.txt", "")
	if err := pack(web, assets); err == nil {
		t.Error("a file beside index.html is packed")
	}
	if err := pack(t.TempDir(), assets); err == nil || !strings.Contains(err.Error(), "npm run build") {
		t.Errorf("without a build: %v", err)
	}
}
