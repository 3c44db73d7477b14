package proc

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// The test binary is its own shim and its own child: "helper MODE ARGS".
func TestMain(m *testing.M) {
	ShimMain()
	if len(os.Args) > 2 && os.Args[1] == "helper" {
		helper(os.Args[2], os.Args[3:])
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func helper(mode string, args []string) {
	switch mode {
	case "exit":
		code, _ := strconv.Atoi(args[0])
		os.Exit(code)
	case "stubborn": // ignores everything that can be ignored
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
		announce(args[0], "stubborn")
		linger()
	case "flood":
		announce(args[0], "flood")
		for {
			_, _ = os.Stdout.WriteString("all work and no play makes jack a dull boy\r\n")
		}
	case "leak": // leaves a grandchild that holds stdout
		spawn(&syscall.SysProcAttr{Setsid: true}, os.Environ(), "stubborn", args[0])
		await(args[0], "stubborn")
	case "tree":
		helperTree(args[0], args[1])
	case "fork2": // the middle of a double fork
		env := os.Environ()
		if args[1] == "empty" {
			env = []string{}
		}
		spawn(&syscall.SysProcAttr{Setsid: true}, env, "stubborn", args[0])
	case "host":
		helperHost(args[0], args[1])
	case "winch":
		helperWinch()
	case "runner": // runs a helper that writes to our terminal, which stops background jobs that do
		t, _ := unix.IoctlGetTermios(1, getTermios)
		t.Lflag |= unix.TOSTOP
		_ = unix.IoctlSetTermios(1, setTermios, t)
		code, err := Run(context.Background(), Cmd{Argv: []string{"sh", "-c", "echo from the helper"}, Env: os.Environ(), Stdout: os.Stdout})
		fmt.Println("code", code, err)
	case "editor": // gives its terminal to a program that reads a line from it, and is not hurt by its Ctrl-C
		signal.Ignore(syscall.SIGTTOU)
		err := RunForeground(context.Background(), Cmd{Argv: []string{"sh", "-c", "echo ready; read line; echo edited $line"}, Env: os.Environ()}, os.Stdin)
		fmt.Println("first", err, foreground())
		err = RunForeground(context.Background(), Cmd{Argv: []string{"sh", "-c", "echo again; read line"}, Env: os.Environ()}, os.Stdin)
		fmt.Println("second", err, foreground())
	case "flags":
		for fd := range 3 {
			fl, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
			fmt.Printf("%d nonblock=%t tty=%t err=%v\n", fd, fl&unix.O_NONBLOCK != 0, isTTY(fd), err)
		}
	default:
		fmt.Fprintln(os.Stderr, "no such helper:", mode)
		os.Exit(99)
	}
}

// foreground reports whether this process has its terminal.
func foreground() bool {
	pgrp, err := unix.IoctlGetInt(0, unix.TIOCGPGRP)
	return err == nil && pgrp == unix.Getpgrp()
}

// helperTree leaves one descendant of the given kind behind and ends on SIGUSR1 only.
func helperTree(dir, kind string) {
	quit := make(chan os.Signal, 1)
	signal.Notify(quit, syscall.SIGUSR1)
	signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT)
	switch kind {
	case "plain":
		spawn(nil, os.Environ(), "stubborn", dir)
	case "group":
		spawn(&syscall.SysProcAttr{Setpgid: true}, os.Environ(), "stubborn", dir)
	case "setsid":
		spawn(&syscall.SysProcAttr{Setsid: true}, os.Environ(), "stubborn", dir)
	case "double":
		spawn(&syscall.SysProcAttr{Setsid: true}, os.Environ(), "fork2", dir, "full")
	case "double-empty":
		spawn(&syscall.SysProcAttr{Setsid: true}, []string{}, "fork2", dir, "empty")
	case "itself":
		announce(dir, "stubborn")
	}
	announce(dir, "main")
	select {
	case <-quit:
	case <-time.After(5 * time.Minute):
	}
}

// helperHost starts a tree as a host would and waits to be killed.
func helperHost(dir, kind string) {
	p, err := Start(Spec{Argv: helperArgv("tree", dir, kind), Dir: dir, Env: os.Environ()})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	b, _ := json.Marshal(p.ID())
	_ = os.WriteFile(filepath.Join(dir, "id.tmp"), b, 0o600)
	_ = os.Rename(filepath.Join(dir, "id.tmp"), filepath.Join(dir, "id"))
	linger()
}

// helperWinch prints every size change, and on "q" how many there were.
func helperWinch() {
	winch := make(chan os.Signal, 16)
	signal.Notify(winch, syscall.SIGWINCH)
	quit := make(chan struct{})
	go func() {
		b := make([]byte, 1)
		_, _ = io.ReadFull(os.Stdin, b)
		close(quit)
	}()
	fmt.Println("ready")
	for n := 0; ; {
		select {
		case <-winch:
			n++
			ws, _ := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ)
			fmt.Printf("winch %d is %dx%d\n", n, ws.Col, ws.Row)
		case <-quit:
			fmt.Printf("total %d\n", n)
			return
		}
	}
}

// linger waits to be killed, and gives up some time after the test has.
func linger() { <-time.After(5 * time.Minute) }

func isTTY(fd int) bool {
	_, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ)
	return err == nil
}

func helperArgv(args ...string) []string {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return append([]string{exe, "helper"}, args...)
}

func spawn(attr *syscall.SysProcAttr, env []string, args ...string) {
	argv := helperArgv(args...)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.SysProcAttr, cmd.Stdout = env, attr, os.Stdout
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// announce writes this process's pid to dir/name.
func announce(dir, name string) {
	tmp := filepath.Join(dir, fmt.Sprintf("%s.%d", name, os.Getpid()))
	_ = os.WriteFile(tmp, []byte(strconv.Itoa(os.Getpid())), 0o600)
	_ = os.Rename(tmp, filepath.Join(dir, name))
}

// await waits for an announcement and returns the pid; 0 if none came.
func await(dir, name string) int {
	var pid int
	waitUntil(20*time.Second, func() bool {
		b, _ := os.ReadFile(filepath.Join(dir, name))
		pid, _ = strconv.Atoi(string(b))
		return pid > 0
	})
	return pid
}

func mustAwait(t *testing.T, dir, name string) int {
	t.Helper()
	pid := await(dir, name)
	if pid == 0 {
		t.Fatalf("%s never came up", name)
	}
	return pid
}

func start(t *testing.T, spec Spec) *Proc {
	t.Helper()
	if spec.Dir == "" {
		spec.Dir = t.TempDir()
	}
	if spec.Env == nil {
		spec.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=0")
	}
	p, err := Start(spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Stop(context.Background(), StopPlan{})
		_ = p.Close()
	})
	return p
}

func wait(t *testing.T, p *Proc) Exit {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(30 * time.Second):
		t.Fatalf("still running: %v", p.Tree())
	}
	return p.Exit()
}

func output(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func text(t *testing.T, f *os.File) string {
	t.Helper()
	b, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
