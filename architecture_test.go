// Package tombolo has no code: this file holds the rules of the house, which
// `go test .` enforces over the whole tree.
package tombolo

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The budgets. To raise one, say why in ARCHITECTURE.md in the same commit.
const (
	module           = "tombolo"
	maxFileLines     = 800
	maxFuncLines     = 100
	maxParams        = 5
	maxPackageLines  = 8000
	maxInterface     = 5
	maxInModule      = 6 // in-module imports of one package, outside cmd
	minCoreTestRatio = 1.0
)

// core packages are pure: no I/O, no clock, no dice, no goroutines.
var core = []string{"network", "flowlog", "reach", "reach/space", "linux", "sigv4", "ssm/channel", "ssm/document"}

// owners names the packages that may import each outside thing.
var owners = map[string][]string{
	"os/exec":                           {"guest", "cmd/tombolo", "internal/testnet", "internal/leakwatch", "internal/bench"},
	"net/http":                          {"gate", "iam", "ec2/server", "ssm", "ssm/session", "control", "probe", "cmd/tombolo", "sigv4", "client", "client/session", "local", "internal/bench", "console"},
	"github.com/coder/websocket":        {"ssm/session", "client/session"},
	"github.com/xtaci/smux":             {"ssm/worker", "client/session"},
	"database/sql":                      {"store"},
	"github.com/google/nftables":        {"linux/kernel"},
	"github.com/vishvananda/netlink":    {"linux/kernel", "internal/testnet"},
	"github.com/cilium/ebpf":            {"linux/kernel"},
	"github.com/spf13/cobra":            {"cmd/tombolo"},
	"github.com/elastic/go-seccomp-bpf": {"guest"},
}

// impure names what the core may not import, and the clock's functions that it may not call.
var (
	impureImports = []string{"os", "os/exec", "net/http", "syscall", "crypto/rand", "math/rand", "math/rand/v2", "database/sql", "golang.org/x/sys/unix"}
	clockCalls    = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}
)

// source is one parsed Go file.
type source struct {
	path, pkg string
	file      *ast.File
	fset      *token.FileSet
	lines     int
	test      bool
	generated bool
}

func TestArchitecture(t *testing.T) {
	may := layers(t)
	sources := parseTree(t)
	for _, s := range sources {
		if s.generated {
			continue
		}
		if s.lines > maxFileLines {
			t.Errorf("%s: %d lines; split it by concept (limit %d)", s.path, s.lines, maxFileLines)
		}
		checkDeclarations(t, s)
		if s.test {
			checkTest(t, s)
			continue
		}
		checkImports(t, s, may)
		if slices.Contains(core, s.pkg) {
			checkPure(t, s)
		}
	}
	checkPackages(t, sources, may)
	checkVariables(t, sources)
}

// checkVariables holds package variables to be errors, expressions and tables that
// are made once: nothing may write to one after it was declared.
func checkVariables(t *testing.T, sources []source) {
	declared := map[string]map[string]bool{} // package → name
	for _, s := range sources {
		if s.test {
			continue
		}
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				for _, name := range spec.(*ast.ValueSpec).Names {
					if declared[s.pkg] == nil {
						declared[s.pkg] = map[string]bool{}
					}
					declared[s.pkg][name.Name] = true
				}
			}
		}
	}
	for _, s := range sources {
		if s.test {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, left := range n.Lhs {
					if n.Tok != token.DEFINE {
						checkWritten(t, s, left, declared[s.pkg])
					}
				}
			case *ast.IncDecStmt:
				checkWritten(t, s, n.X, declared[s.pkg])
			}
			return true
		})
	}
}

// checkWritten complains when what is written to is, or is inside, a package variable.
func checkWritten(t *testing.T, s source, x ast.Expr, variables map[string]bool) {
	for {
		switch e := x.(type) {
		case *ast.IndexExpr:
			x = e.X
			continue
		case *ast.SelectorExpr:
			x = e.X
			continue
		case *ast.StarExpr:
			x = e.X
			continue
		case *ast.ParenExpr:
			x = e.X
			continue
		case *ast.Ident:
			// A name that the parser found a declaration for inside a function is local.
			local := e.Obj != nil && s.file.Scope.Lookup(e.Name) != e.Obj
			if e.Name != "_" && variables[e.Name] && !local {
				t.Errorf("%s: package variable %s is written to", s.fset.Position(e.Pos()), e.Name)
			}
		}
		return
	}
}

// parseTree reads every Go file of the module but those of nested modules.
func parseTree(t *testing.T) []source {
	var out []source
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if _, err := os.Stat(filepath.Join(path, "go.mod")); path != "." && err == nil || d.Name() == "testdata" || d.Name() == "node_modules" {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, src, parser.ParseComments)
		if err != nil {
			return err
		}
		out = append(out, source{path: path, pkg: filepath.Dir(path), file: file, fset: fset,
			lines: strings.Count(string(src), "\n"), test: strings.HasSuffix(path, "_test.go"), generated: ast.IsGenerated(file)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 20 {
		t.Fatalf("only %d Go files found: the walk is broken", len(out))
	}
	return out
}

func checkImports(t *testing.T, s source, may map[string][]string) {
	deps, listed := may[s.pkg]
	if !listed {
		t.Errorf("%s: package %s is not in the import table of ARCHITECTURE.md", s.path, s.pkg)
	}
	for _, spec := range s.file.Imports {
		name := strings.Trim(spec.Path.Value, `"`)
		if ours, ok := strings.CutPrefix(name, module+"/"); ok && !slices.Contains(deps, ours) {
			t.Errorf("%s: %s may not import %s", s.path, s.pkg, ours)
		}
		if who, owned := owners[name]; owned && !slices.Contains(who, s.pkg) {
			t.Errorf("%s: only %v may import %s", s.path, who, name)
		}
	}
}

func checkPure(t *testing.T, s source) {
	for _, spec := range s.file.Imports {
		name := strings.Trim(spec.Path.Value, `"`)
		// sigv4 reads requests, it never sends one.
		if slices.Contains(impureImports, name) && !(s.pkg == "sigv4" && name == "net/http") {
			t.Errorf("%s: the core may not import %s", s.path, name)
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			t.Errorf("%s: goroutine in the core", s.fset.Position(n.Pos()))
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains(clockCalls, n.Sel.Name) {
				t.Errorf("%s: time.%s in the core", s.fset.Position(n.Pos()), n.Sel.Name)
			}
		}
		return true
	})
}

// checkDeclarations holds functions, interfaces, variables and doc comments to the budgets.
func checkDeclarations(t *testing.T, s source) {
	for _, d := range s.file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			checkFunc(t, s, d)
		case *ast.GenDecl:
			checkGen(t, s, d)
		}
	}
}

func checkFunc(t *testing.T, s source, f *ast.FuncDecl) {
	at := s.fset.Position(f.Pos())
	if f.Name.Name == "init" && f.Recv == nil {
		t.Errorf("%s: init function", at)
	}
	if n := s.fset.Position(f.End()).Line - at.Line + 1; n > maxFuncLines && !flat(f) {
		t.Errorf("%s: %s has %d lines (limit %d)", at, f.Name.Name, n, maxFuncLines)
	}
	params, bools := 0, false
	for _, p := range f.Type.Params.List {
		params += max(1, len(p.Names))
		if id, ok := p.Type.(*ast.Ident); ok && id.Name == "bool" {
			bools = true
		}
	}
	if params > maxParams {
		t.Errorf("%s: %s has %d parameters (limit %d)", at, f.Name.Name, params, maxParams)
	}
	if s.test || !f.Name.IsExported() || !exportedReceiver(f) {
		return
	}
	if bools {
		t.Errorf("%s: exported %s takes a bool: name the two cases", at, f.Name.Name)
	}
	if f.Doc == nil && !wellKnown(f) {
		t.Errorf("%s: exported %s has no doc comment", at, f.Name.Name)
	}
}

// wellKnown methods implement interfaces that every reader knows.
func wellKnown(f *ast.FuncDecl) bool {
	return f.Recv != nil && slices.Contains([]string{"String", "Error", "Unwrap", "Close", "Write", "Read", "MarshalJSON", "UnmarshalJSON", "MarshalText", "UnmarshalText", "ServeHTTP", "Len", "Less", "Swap", "Is", "As"}, f.Name.Name)
}

func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	name := f.Recv.List[0].Type
	if star, ok := name.(*ast.StarExpr); ok {
		name = star.X
	}
	if index, ok := name.(*ast.IndexExpr); ok {
		name = index.X
	}
	id, ok := name.(*ast.Ident)
	return !ok || id.IsExported()
}

// flat functions are one big table or switch: their length is no complexity.
func flat(f *ast.FuncDecl) bool {
	if f.Body == nil || len(f.Body.List) > 4 {
		return false
	}
	for _, stmt := range f.Body.List {
		switch stmt := stmt.(type) {
		case *ast.SwitchStmt, *ast.TypeSwitchStmt:
			return true
		case *ast.ReturnStmt:
			for _, e := range stmt.Results {
				if _, ok := e.(*ast.CompositeLit); ok {
					return true
				}
			}
		}
	}
	return false
}

func checkGen(t *testing.T, s source, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			if i, ok := spec.Type.(*ast.InterfaceType); ok && len(i.Methods.List) > maxInterface {
				t.Errorf("%s: interface %s has %d methods (limit %d)", s.fset.Position(spec.Pos()), spec.Name.Name, len(i.Methods.List), maxInterface)
			}
			if !s.test && spec.Name.IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
				t.Errorf("%s: exported %s has no doc comment", s.fset.Position(spec.Pos()), spec.Name.Name)
			}
		case *ast.ValueSpec:
			if !s.test && spec.Names[0].IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
				t.Errorf("%s: exported %s has no doc comment", s.fset.Position(spec.Pos()), spec.Names[0].Name)
			}
		}
	}
}

// checkTest forbids sleeping: tests wait for what they need.
func checkTest(t *testing.T, s source) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Sleep" {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" {
				t.Errorf("%s: time.Sleep in a test", s.fset.Position(n.Pos()))
			}
		}
		return true
	})
}

// checkPackages holds whole packages to their size, comment, imports and test ratio.
func checkPackages(t *testing.T, sources []source, may map[string][]string) {
	code, test, doc := map[string]int{}, map[string]int{}, map[string]bool{}
	imports := map[string]map[string]bool{}
	for _, s := range sources {
		if s.test {
			test[s.pkg] += s.lines
			continue
		}
		doc[s.pkg] = doc[s.pkg] || s.file.Doc != nil
		if s.generated {
			continue
		}
		code[s.pkg] += s.lines
		for _, spec := range s.file.Imports {
			if ours, ok := strings.CutPrefix(strings.Trim(spec.Path.Value, `"`), module+"/"); ok {
				if imports[s.pkg] == nil {
					imports[s.pkg] = map[string]bool{}
				}
				imports[s.pkg][ours] = true
			}
		}
	}
	for pkg, n := range code {
		if n > maxPackageLines {
			t.Errorf("package %s: %d lines (limit %d)", pkg, n, maxPackageLines)
		}
		if !doc[pkg] {
			t.Errorf("package %s has no package comment", pkg)
		}
		if len(imports[pkg]) > maxInModule && !strings.HasPrefix(pkg, "cmd/") && !strings.HasPrefix(pkg, "internal/") {
			t.Errorf("package %s imports %d packages of ours (limit %d)", pkg, len(imports[pkg]), maxInModule)
		}
		if slices.Contains(core, pkg) && float64(test[pkg]) < minCoreTestRatio*float64(code[pkg]) {
			t.Errorf("package %s: %d test lines for %d code lines (at least %.1f : 1)", pkg, test[pkg], code[pkg], minCoreTestRatio)
		}
	}
	for pkg := range may {
		if _, ok := code[pkg]; !ok {
			t.Errorf("ARCHITECTURE.md lists package %s, which does not exist", pkg)
		}
	}
}

// layers reads the ```layers block of ARCHITECTURE.md: "package: may import these".
func layers(t *testing.T) map[string][]string {
	doc, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(doc), "```layers\n")
	block, _, ok := strings.Cut(block, "```")
	if !ok {
		t.Fatal("ARCHITECTURE.md has no layers block")
	}
	may := map[string][]string{}
	for line := range strings.Lines(block) {
		if pkg, deps, ok := strings.Cut(line, ":"); ok {
			may[strings.TrimSpace(pkg)] = strings.Fields(deps)
		}
	}
	return may
}
