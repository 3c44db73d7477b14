package vt

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestEncodeKey(t *testing.T) {
	app, kitty, all := Modes{AppCursor: true}, Modes{Kitty: 7}, Modes{Kitty: 8}
	for _, c := range []struct {
		key  Key
		m    Modes
		want string
	}{
		{Key{Code: 'a', Text: "a"}, Modes{}, "a"},
		{Key{Code: 'a', Text: "A", Mod: ModShift}, Modes{}, "A"},
		{Key{Code: 'a', Mod: ModShift}, Modes{}, "A"},
		{Key{Code: 'é', Text: "é"}, kitty, "é"},
		{Key{Code: KeyUp - 1, Text: "你好"}, Modes{}, "你好"},
		{Key{Code: 'c', Mod: ModCtrl}, Modes{}, "\x03"},
		{Key{Code: ' ', Mod: ModCtrl}, Modes{}, "\x00"},
		{Key{Code: '[', Mod: ModCtrl}, Modes{}, "\x1b"},
		{Key{Code: '/', Mod: ModCtrl}, Modes{}, "\x1f"},
		{Key{Code: 'x', Text: "x", Mod: ModAlt}, Modes{}, "\x1bx"},
		{Key{Code: 'c', Mod: ModCtrl | ModAlt}, Modes{}, "\x1b\x03"},
		{Key{Code: 'c', Mod: ModCtrl}, kitty, "\x1b[99;5u"},
		{Key{Code: 'x', Mod: ModAlt}, kitty, "\x1b[120;3u"},
		{Key{Code: 'a', Text: "a"}, all, "\x1b[97u"},
		{Key{Code: KeyEnter}, Modes{}, "\r"},
		{Key{Code: KeyEnter, Mod: ModShift}, Modes{}, "\x1b\r"},
		{Key{Code: KeyEnter, Mod: ModAlt}, Modes{}, "\x1b\r"},
		{Key{Code: KeyEnter, Mod: ModShift}, Modes{ModifyOther: 1}, "\x1b[27;2;13~"},
		{Key{Code: KeyEnter}, kitty, "\r"},
		{Key{Code: KeyEnter, Mod: ModShift}, kitty, "\x1b[13;2u"},
		{Key{Code: KeyTab}, Modes{}, "\t"},
		{Key{Code: KeyTab, Mod: ModShift}, Modes{}, "\x1b[Z"},
		{Key{Code: KeyTab, Mod: ModShift}, kitty, "\x1b[9;2u"},
		{Key{Code: KeyEscape}, Modes{}, "\x1b"},
		{Key{Code: KeyEscape}, kitty, "\x1b[27u"},
		{Key{Code: KeyBackspace}, Modes{}, "\x7f"},
		{Key{Code: KeyBackspace, Mod: ModAlt}, Modes{}, "\x1b\x7f"},
		{Key{Code: KeyBackspace, Mod: ModCtrl}, Modes{}, "\b"},
		{Key{Code: KeyDelete}, Modes{}, "\x1b[3~"},
		{Key{Code: KeyInsert, Mod: ModShift}, Modes{}, "\x1b[2;2~"},
		{Key{Code: KeyUp}, Modes{}, "\x1b[A"},
		{Key{Code: KeyUp}, app, "\x1bOA"},
		{Key{Code: KeyLeft, Mod: ModCtrl}, app, "\x1b[1;5D"},
		{Key{Code: KeyHome}, Modes{}, "\x1b[H"},
		{Key{Code: KeyEnd}, app, "\x1bOF"},
		{Key{Code: KeyPgUp}, Modes{}, "\x1b[5~"},
		{Key{Code: KeyPgDown, Mod: ModShift}, Modes{}, "\x1b[6;2~"},
		{Key{Code: KeyF1}, Modes{}, "\x1bOP"},
		{Key{Code: KeyF1 + 2}, kitty, "\x1b[13~"},
		{Key{Code: KeyF1 + 4}, Modes{}, "\x1b[15~"},
		{Key{Code: KeyF12, Mod: ModAlt}, Modes{}, "\x1b[24;3~"},
		{Key{Code: KeyF12 + 1}, Modes{}, ""},
	} {
		if got := string(EncodeKey(c.key, c.m)); got != c.want {
			t.Errorf("%+v in %+v: got %q, want %q", c.key, c.m, got, c.want)
		}
	}
}

func TestEncodePaste(t *testing.T) {
	if got := string(EncodePaste("a\r\nb\n\tc\x1b[201~\x03d\u009b", true)); got != "\x1b[200~a\rb\r\tc[201~d\x1b[201~" {
		t.Errorf("%q", got)
	}
	if got := string(EncodePaste("a\x1b[201~", false)); got != "a[201~" {
		t.Errorf("%q", got)
	}
	rapid.Check(t, func(t *rapid.T) {
		got := string(EncodePaste(rapid.String().Draw(t, "text"), true))
		inner := strings.TrimSuffix(strings.TrimPrefix(got, "\x1b[200~"), "\x1b[201~")
		if strings.ContainsAny(inner, "\x1b\u009b\n") {
			t.Fatalf("%q", got)
		}
	})
}
