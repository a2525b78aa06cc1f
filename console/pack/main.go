// Command pack compresses the built page (web/dist) into console/assets, where
// package console embeds it, and notes which sources it was built from. With -check
// it writes nothing and fails when what is there is not what was built.
package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	check := flag.Bool("check", false, "compare, and write nothing")
	web := flag.String("web", "web", "the page's sources; the built page is in dist below")
	assets := flag.String("assets", "console/assets", "where the compressed files go")
	flag.Parse()
	work := pack
	if *check {
		work = compare
	}
	if err := work(*web, *assets); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

// note is the file that names the sources.
const note = "SOURCES"

// pack replaces what is in assets.
func pack(web, assets string) error {
	files, err := built(web)
	if err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(assets, "*.gz"))
	if err != nil {
		return err
	}
	for _, f := range old {
		if err := os.Remove(f); err != nil {
			return err
		}
	}
	total := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		c, err := compress(files[name])
		if err != nil {
			return err
		}
		total += len(c)
		if err := os.WriteFile(filepath.Join(assets, name+".gz"), c, 0o644); err != nil {
			return err
		}
	}
	sum, err := digest(web)
	if err != nil {
		return err
	}
	fmt.Printf("%d files, %d bytes compressed\n", len(files), total)
	return os.WriteFile(filepath.Join(assets, note), []byte(sum+"\n"), 0o644)
}

// compare reports what differs between what was built and what is in assets. It
// compares contents: compressors may differ.
func compare(web, assets string) error {
	files, err := built(web)
	if err != nil {
		return err
	}
	packed, err := filepath.Glob(filepath.Join(assets, "*.gz"))
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range packed {
		name := strings.TrimSuffix(filepath.Base(path), ".gz")
		want, ok := files[name]
		delete(files, name)
		got, err := expand(path)
		switch {
		case err != nil:
			errs = append(errs, err)
		case !ok:
			errs = append(errs, fmt.Errorf("%s: the build makes no such file", path))
		case !bytes.Equal(got, want):
			errs = append(errs, fmt.Errorf("%s is not what the build makes", path))
		}
	}
	for name := range files {
		errs = append(errs, fmt.Errorf("%s is missing in %s", name, assets))
	}
	if len(errs) > 0 {
		errs = append(errs, errors.New("run: make web"))
	}
	return errors.Join(errs...)
}

// built are the files of dist: index.html and what is in assets, by name.
func built(web string) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, dir := range []string{"dist", "dist/assets"} {
		entries, err := os.ReadDir(filepath.Join(web, dir))
		if err != nil {
			return nil, fmt.Errorf("%w; build the page first: npm run build", err)
		}
		for _, e := range entries {
			if e.IsDir() {
				continue
			}
			content, err := os.ReadFile(filepath.Join(web, dir, e.Name()))
			if err != nil {
				return nil, err
			}
			if _, twice := out[e.Name()]; twice || (dir == "dist") != (e.Name() == "index.html") {
				return nil, fmt.Errorf("%s/%s: the page is dist/index.html and dist/assets/*, each name once", dir, e.Name())
			}
			out[e.Name()] = content
		}
	}
	return out, nil
}

// digest is of every source of the page, by name and content.
func digest(web string) (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(web, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if path != web && (strings.HasPrefix(name, ".") || d.IsDir() && (name == "node_modules" || name == "dist" || name == "coverage")) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if d.IsDir() {
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(web, path)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		fmt.Fprintf(h, "%s %x\n", filepath.ToSlash(relative), sum)
		return nil
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

func compress(content []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(content); err != nil {
		return nil, err
	}
	err = z.Close()
	return b.Bytes(), err
}

func expand(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return io.ReadAll(z)
}
