package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestALogBeginsAnewWhenItIsFull(t *testing.T) {
	l := &logFile{path: filepath.Join(t.TempDir(), "host.log"), most: 10}
	if err := l.open(); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"first line\n", "second\n", "third line, long\n", "fourth\n"} {
		if _, err := l.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{l.path: "fourth\n", l.path + ".1": "second\nthird line, long\n"} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; want %q", filepath.Base(name), got, err, want)
		}
	}
}
