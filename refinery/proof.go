package refinery

import (
	"path"
	"slices"
	"strings"
)

// TestPatterns are the files that count as tests where a rig names none. A pattern without
// a slash is for a file's name; one that ends in /** is for everything below a directory of
// that name, wherever it is.
func TestPatterns() []string {
	return []string{
		"*_test.go", "testdata/**", "test_*.py", "*_test.py", "conftest.py", "*.test.*", "*.spec.*", "*_spec.rb", "*_test.rb",
		"*Test.java", "*Tests.java", "*IT.java", "*Test.kt", "*Tests.cs", "*_test.exs", "*_test.dart", "*_test.c*", "*.bats", "*.t",
		"test/**", "tests/**", "__tests__/**", "spec/**", "specs/**",
	}
}

// TestFile reports whether a file is a test by these patterns.
func TestFile(patterns []string, file string) bool {
	dir, name := path.Split(file)
	for _, p := range patterns {
		below, ok := strings.CutSuffix(p, "/**")
		switch {
		case ok && strings.Contains(below, "/"):
			if strings.HasPrefix(file, below+"/") {
				return true
			}
		case ok:
			if slices.Contains(strings.Split(strings.TrimSuffix(dir, "/"), "/"), below) {
				return true
			}
		case strings.Contains(p, "/"):
			if hit, err := path.Match(p, file); err == nil && hit {
				return true
			}
		default:
			if hit, err := path.Match(p, name); err == nil && hit {
				return true
			}
		}
	}
	return false
}

// Resting reports whether nothing is under way and nothing could be: what is not urgent may
// use the gate's place until there is.
func Resting(q Queue, cfg Config) bool {
	return q.Run == nil && q.Intent == nil && runnable(q, cfg) < 0
}
