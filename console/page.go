package console

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// The page as `make web` built and compressed it: index.html.gz and what it loads.
//
//go:embed assets/*.gz
var built embed.FS

// file is one file of the page.
type file struct {
	compressed []byte
	kind       string // media type
}

// kinds are the media types of what a page is made of; the machine's own table is
// not asked.
var kinds = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml", ".png": "image/png", ".woff2": "font/woff2", ".json": "application/json", ".txt": "text/plain; charset=utf-8",
}

const index = "index.html"

// embedded are the files by their names.
func embedded() map[string]file {
	out := map[string]file{}
	entries, err := fs.ReadDir(built, "assets")
	for _, e := range entries {
		content, bad := fs.ReadFile(built, "assets/"+e.Name())
		name := strings.TrimSuffix(e.Name(), ".gz")
		kind := kinds[path.Ext(name)]
		if bad != nil || kind == "" {
			panic("unreachable: the build embeds files of known kinds: " + e.Name())
		}
		out[name] = file{content, kind}
	}
	if err != nil || out[index].compressed == nil {
		panic(fmt.Sprint("unreachable: the build embeds a page: ", err))
	}
	return out
}

// page answers with a file of the page. Whatever has no extension is a place within
// the page, which reads the address itself.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	if name, ok := strings.CutPrefix(r.URL.Path, Prefix+"assets/"); ok {
		f, ok := s.files[name]
		if !ok || name == index {
			s.missing(w, r)
			return
		}
		// Their names change with their content.
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		send(w, r, f)
		return
	}
	if path.Ext(r.URL.Path) != "" {
		s.missing(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-cache")
	send(w, r, s.files[index])
}

func (s *Server) missing(w http.ResponseWriter, r *http.Request) {
	refuse(w, &Problem{http.StatusNotFound, "NotFound", "There is nothing at " + r.URL.Path + "."})
}

// send sends a file as it is, compressed, or plain to who cannot read that.
func send(w http.ResponseWriter, r *http.Request, f file) {
	w.Header().Set("Content-Type", f.kind)
	w.Header().Set("Vary", "Accept-Encoding")
	content := f.compressed
	if accepts(r.Header.Get("Accept-Encoding")) {
		w.Header().Set("Content-Encoding", "gzip")
	} else {
		content = plain(content)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content) // the browser may have gone
}

// accepts reports whether gzip is among the encodings that a header offers.
func accepts(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(part, ";")
		if strings.TrimSpace(name) == "gzip" {
			w := strings.ReplaceAll(weight, " ", "")
			return w != "q=0" && w != "q=0.0" && w != "q=0.00" && w != "q=0.000"
		}
	}
	return false
}

func plain(compressed []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		panic("unreachable: the build embeds gzip files")
	}
	out, err := io.ReadAll(z)
	if err != nil {
		panic("unreachable: the build embeds whole gzip files")
	}
	return out
}
