package run

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"gastown/internal/proc"
)

// The test binary is its own shim and its own agent: "helper MODE ARGS".
func TestMain(m *testing.M) {
	proc.ShimMain()
	if len(os.Args) > 2 && os.Args[1] == "helper" {
		helper(os.Args[2], os.Args[3:])
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func helper(mode string, args []string) {
	switch mode {
	case "exit":
		fmt.Println("goodbye")
		code, _ := strconv.Atoi(args[0])
		os.Exit(code)
	case "echo":
		in := bufio.NewScanner(os.Stdin)
		for fmt.Println("ready"); in.Scan(); {
			fmt.Printf("you said %s\n", in.Text())
		}
	case "exchange":
		helperExchange(args[0], args[1])
	case "deaf": // reads nothing
		raw()
		fmt.Print("ready")
		<-time.After(5 * time.Minute)
	case "winch":
		helperWinch()
	case "query": // asks what it talks to, and says what it heard
		raw()
		fmt.Print("\x1b[6n\x1b[c")
		in := bufio.NewReader(os.Stdin)
		cpr, _ := in.ReadString('R')
		da1, _ := in.ReadString('c')
		fmt.Printf("heard %q %q\r\n", cpr, da1)
	case "paste":
		raw()
		fmt.Print("\x1b[?2004hready")
		in := bufio.NewReader(os.Stdin)
		got, _ := in.ReadString('!')
		fmt.Printf("\r\nheard %q\r\n", got)
	case "tree": // ignores SIGTERM, and so does what it leaves behind
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP)
		if len(args) > 0 {
			argv := helperArgv("tree")
			_, err := syscall.ForkExec(argv[0], argv, &syscall.ProcAttr{Env: []string{}, Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true}})
			fmt.Println("child", err)
		} else {
			fmt.Println("ready")
		}
		<-time.After(5 * time.Minute)
	}
}

// helperExchange prints out bytes while it reads in bytes, from the first one on, and tells what it read.
func helperExchange(in, out string) {
	raw()
	read, _ := strconv.Atoi(in)
	write, _ := strconv.Atoi(out)
	fmt.Print("ready")
	var both sync.WaitGroup
	sum := sha256.New()
	_, _ = io.CopyN(sum, os.Stdin, 1)
	both.Go(func() { _, _ = io.CopyN(sum, os.Stdin, int64(read-1)) })
	both.Go(func() {
		line := strings.Repeat("0123456789", 100)
		for n := 0; n < write; n += len(line) {
			fmt.Print(line)
		}
	})
	both.Wait()
	fmt.Printf("\r\nsum %x\r\n", sum.Sum(nil)[:6])
}

func helperWinch() {
	winch := make(chan os.Signal, 16)
	signal.Notify(winch, syscall.SIGWINCH)
	fmt.Println("ready")
	for n := 1; ; n++ {
		<-winch
		ws, _ := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ)
		fmt.Printf("winch %d %dx%d\n", n, ws.Col, ws.Row)
	}
}

// raw switches off line editing, echo and signals, as agents do.
func raw() {
	t, err := unix.IoctlGetTermios(0, getTermios)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	t.Iflag &^= unix.ICRNL | unix.IXON
	t.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(0, setTermios, t); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func helperArgv(args ...string) []string {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return append([]string{exe, "helper"}, args...)
}

// watched is a session with a channel that is rung when it changed.
type watched struct {
	*Session
	rung chan struct{}
}

func start(t *testing.T, size proc.Size, args ...string) watched {
	t.Helper()
	return startWith(t, Options{Size: size}, args...)
}

func startWith(t *testing.T, o Options, args ...string) watched {
	t.Helper()
	rung := make(chan struct{}, 1)
	o.Name = args[0]
	o.Spec = proc.Spec{Argv: helperArgv(args...), Dir: t.TempDir(), Env: append(os.Environ(), "GORACE=atexit_sleep_ms=0")}
	o.OnChange = func() {
		select {
		case rung <- struct{}{}:
		default:
		}
	}
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(t.Context(), 0); <-s.Done() })
	return watched{s, rung}
}

// see waits until text is somewhere in the session's last lines. Blanks and line ends do not count: the terminal may be
// narrow.
func (w watched) see(t *testing.T, text string) {
	t.Helper()
	seen := func() bool {
		all := strings.ReplaceAll(strings.Join(w.Tail(200), ""), " ", "")
		return strings.Contains(all, strings.ReplaceAll(text, " ", ""))
	}
	limit := time.NewTimer(2 * time.Minute)
	defer limit.Stop()
	for {
		if seen() {
			return
		}
		select {
		case <-w.rung:
		case <-w.Done():
			if !seen() {
				t.Fatalf("ended (%v) without %q:\n%s", w.Exit(), text, strings.Join(w.Tail(50), "\n"))
			}
		case <-limit.C:
			t.Fatalf("no %q in:\n%s", text, strings.Join(w.Tail(50), "\n"))
		}
	}
}
