package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the module's name, the prefix of its import paths.
const module = "gastown"

// mayImport is who may import whom: a package's directory and the packages of this module that it
// may use. It points down only. A new package is added here first; .golangci.yml says the same to editors.
func mayImport() map[string][]string {
	return map[string][]string{
		// level 0
		"internal/fault": {},
		"internal/vt":    {},
		"internal/proc":  {},
		// level 1
		"beads":        {},
		"internal/git": {"internal/proc", "internal/fault"},
		// level 2, which decides
		"agents":   {"beads"},
		"refinery": {"beads"},
		"worktree": {"beads", "internal/git", "internal/fault"},
		// level 3, which does
		"agents/run":      {"agents", "beads", "internal/proc", "internal/vt", "internal/fault"},
		"refinery/run":    {"refinery", "beads", "internal/git", "internal/proc", "internal/fault"},
		"beads/store":     {"beads", "agents", "refinery", "internal/fault"},
		"internal/api":    {"beads", "agents", "refinery", "internal/fault"},
		"internal/config": {"beads", "agents", "refinery", "internal/fault"},
		// level 4: the host, and the clients of the verbs
		"internal/town": {
			"beads", "beads/store", "agents", "agents/run", "refinery", "refinery/run", "worktree",
			"internal/api", "internal/config", "internal/git", "internal/proc", "internal/vt", "internal/wire", "internal/fault",
		},
		"internal/wire":     {"beads", "internal/api", "internal/fault"},
		"internal/cli":      {"beads", "agents", "refinery", "internal/api", "internal/wire", "internal/config", "internal/fault"},
		"internal/mcp":      {"beads", "refinery", "internal/api", "internal/fault"},
		"internal/scripted": {"beads", "refinery", "internal/api", "internal/proc", "internal/fault"},
		"internal/demo":     {"beads", "refinery", "internal/api", "internal/proc", "internal/fault"},
		"internal/bench":    {"beads", "internal/proc", "internal/vt"},
		"internal/capture":  {"agents/run", "internal/proc"},
		"tui":               {"beads", "agents", "refinery", "internal/api", "internal/vt", "internal/fault"},
		// level 5
		".": {
			"beads", "agents", "refinery", "tui", "internal/api", "internal/cli", "internal/config", "internal/demo", "internal/fault",
			"internal/git", "internal/mcp", "internal/proc", "internal/scripted", "internal/town", "internal/vt", "internal/wire",
		},
	}
}

// doors are the imports that only some packages may have.
func doors() map[string][]string {
	return map[string][]string{
		"os/exec":                                {"internal/proc"},
		"github.com/creack/pty":                  {"internal/proc"},
		"go.etcd.io/bbolt":                       {"beads/store"},
		"charm.land/bubbletea/v2":                {"tui"},
		"charm.land/bubbles/v2":                  {"tui"},
		"github.com/charmbracelet/x/vt":          {"internal/vt"},
		"github.com/spf13/cobra":                 {"internal/cli"},
		"github.com/modelcontextprotocol/go-sdk": {"internal/mcp"},
	}
}

// pure are the packages that decide and touch nothing: no import of these, and no clock.
func pure() (packages, never []string) {
	return []string{"beads", "agents", "refinery"}, []string{"os", "os/exec", "os/signal", "net", "net/http", "syscall"}
}

// source is one file of the product; tests are free to use what they test with.
type source struct {
	dir  string // of its package, with slashes, from the root
	name string
	file *ast.File
	fset *token.FileSet
}

func (s source) imports() []string {
	var out []string
	for _, spec := range s.file.Imports {
		if p, err := strconv.Unquote(spec.Path.Value); err == nil {
			out = append(out, p)
		}
	}
	return out
}

func (s source) at(n ast.Node) string {
	return path.Join(s.dir, s.name) + ":" + strconv.Itoa(s.fset.Position(n.Pos()).Line)
}

// sources parses every Go file of the product, whatever system it is for.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if p != "." && (name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(fset, p, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		out = append(out, source{filepath.ToSlash(filepath.Dir(p)), name, file, fset})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestImportsPointDown(t *testing.T) {
	table := mayImport()
	missing := map[string]bool{}
	for _, s := range sources(t) {
		allowed, ok := table[s.dir]
		if !ok {
			missing[s.dir] = true
			continue
		}
		for _, imp := range s.imports() {
			if rest, ours := strings.CutPrefix(imp, module+"/"); ours && !slices.Contains(allowed, rest) {
				t.Errorf("%s/%s imports %s, which the table in arch_test.go does not allow", s.dir, s.name, rest)
			}
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(missing)) {
		t.Errorf("package %s is not in the table in arch_test.go", dir)
	}
}

// TestTableHasNoCycle keeps the table itself pointing down.
func TestTableHasNoCycle(t *testing.T) {
	table := mayImport()
	state := map[string]int{} // 1: on the way, 2: done
	var visit func(dir string, trail []string)
	visit = func(dir string, trail []string) {
		switch trail = append(trail, dir); state[dir] {
		case 1:
			t.Errorf("the table has a cycle: %s", strings.Join(trail, " -> "))
			return
		case 2:
			return
		}
		state[dir] = 1
		for _, next := range table[dir] {
			if _, ok := table[next]; !ok {
				t.Errorf("%s may import %s, which is not in the table", dir, next)
			}
			visit(next, trail)
		}
		state[dir] = 2
	}
	for _, dir := range slices.Sorted(maps.Keys(table)) {
		visit(dir, nil)
	}
}

func TestDangerousThingsHaveOneDoor(t *testing.T) {
	for _, s := range sources(t) {
		for _, imp := range s.imports() {
			for what, who := range doors() {
				if (imp == what || strings.HasPrefix(imp, what+"/")) && !slices.Contains(who, s.dir) {
					t.Errorf("%s/%s imports %s; only %s may", s.dir, s.name, imp, strings.Join(who, ", "))
				}
			}
		}
		if s.dir == "internal/git" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if at := namesGit(n); at != nil {
				t.Errorf("%s names the program git; only internal/git runs it", s.at(at))
			}
			return true
		})
	}
}

// namesGit finds "git" where it is a program: the first element of a list of arguments, or an
// argument of a function that starts or looks up programs.
func namesGit(n ast.Node) ast.Node {
	var candidates []ast.Expr
	switch n := n.(type) {
	case *ast.CompositeLit:
		if list, ok := n.Type.(*ast.ArrayType); ok && len(n.Elts) > 0 {
			if elem, ok := list.Elt.(*ast.Ident); ok && elem.Name == "string" {
				candidates = n.Elts[:1]
			}
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.SelectorExpr); ok && slices.Contains([]string{"Command", "CommandContext", "LookPath", "Lookup", "Run", "Start", "StartProcess"}, f.Sel.Name) {
			candidates = n.Args
		}
	}
	for _, c := range candidates {
		if lit, ok := c.(*ast.BasicLit); ok && lit.Value == `"git"` {
			return lit
		}
	}
	return nil
}

func TestDecidingPackagesTouchNothing(t *testing.T) {
	packages, never := pure()
	for _, s := range sources(t) {
		if !slices.Contains(packages, s.dir) {
			continue
		}
		for _, imp := range s.imports() {
			if slices.Contains(never, imp) {
				t.Errorf("%s/%s imports %s", s.dir, s.name, imp)
			}
			if first, _, _ := strings.Cut(imp, "/"); strings.Contains(first, ".") {
				t.Errorf("%s/%s imports %s; it may use the standard library and beads alone", s.dir, s.name, imp)
			}
		}
		for _, n := range calls(s, "time", "Now", "Since", "Until", "After", "NewTimer", "NewTicker", "Tick") {
			t.Errorf("%s reads the clock", s.at(n))
		}
	}
}

func TestNothingHappensByItself(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s is a func init", s.at(f))
			}
		}
		for _, n := range calls(s, "time", "Sleep") {
			t.Errorf("%s sleeps; wait for a fact, with a timer and a context", s.at(n))
		}
		if s.dir == "." {
			continue
		}
		for _, n := range calls(s, "os", "Exit") {
			if !slices.Contains([]string{"internal/bench", "internal/capture", "internal/proc"}, s.dir) { // programs of their own
				t.Errorf("%s exits; only main does", s.at(n))
			}
		}
	}
}

// calls finds the uses of a package's names in a file that imports it under its own name.
func calls(s source, pkg string, names ...string) []ast.Node {
	var out []ast.Node
	if !slices.Contains(s.imports(), pkg) {
		return nil
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && slices.Contains(names, sel.Sel.Name) {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == pkg {
				out = append(out, sel)
			}
		}
		return true
	})
	return out
}
