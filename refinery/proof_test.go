package refinery

import "testing"

func TestTestFile(t *testing.T) {
	for file, want := range map[string]bool{
		"a_test.go": true, "x/y/a_test.go": true, "a.go": false, "tests/data.txt": true, "x/tests/deep/data.txt": true, "mytests/x.py": false,
		"test_a.py": true, "a_test.py": true, "atest.py": false, "x.test.ts": true, "x.spec.js": true, "spec/a.rb": true, "latest": false,
		"src/main/java/FooTest.java": true, "contest.py": false, "tests": false,
	} {
		if got := TestFile(TestPatterns(), file); got != want {
			t.Errorf("%s: %v", file, got)
		}
	}
	mine := []string{"e2e/cases/**", "check/*.sh"}
	for file, want := range map[string]bool{"e2e/cases/a": true, "x/e2e/cases/a": false, "check/a.sh": true, "check/x/a.sh": false, "a_test.go": false} {
		if got := TestFile(mine, file); got != want {
			t.Errorf("%s: %v", file, got)
		}
	}
}

func TestPrograms(t *testing.T) {
	got := Programs("( npm ci\n) || { echo 'x'; exit 1; }\nA=1 B=\"2\" go test ./... && $RUN | \"tee\" log; if true; then make; fi")
	want := []string{"RUN", "echo", "exit", "fi", "go", "make", "npm", "tee", "true"}
	if len(got) != len(want) {
		t.Fatalf("%q", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%q, want %q", got, want)
		}
	}
}
