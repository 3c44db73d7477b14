package vt

import "testing"

func TestEncodeMouse(t *testing.T) {
	all := Modes{Mouse: true, MouseMotion: true, MouseSGR: true}
	old := Modes{Mouse: true}
	for _, c := range []struct {
		ev   Mouse
		m    Modes
		want string
	}{
		{Mouse{X: 4, Y: 2}, all, "\x1b[<0;5;3M"},
		{Mouse{Action: MouseRelease, X: 4, Y: 2}, all, "\x1b[<0;5;3m"},
		{Mouse{Action: MouseMove, X: 4, Y: 2, Mod: ModCtrl}, all, "\x1b[<48;5;3M"},
		{Mouse{Button: MouseWheelDown, X: 0, Y: 0}, all, "\x1b[<65;1;1M"},
		{Mouse{Button: MouseWheelDown, Action: MouseRelease}, all, ""},
		{Mouse{X: 4, Y: 2}, old, "\x1b[M %#"},
		{Mouse{Action: MouseRelease, Button: MouseRight, X: 4, Y: 2}, old, "\x1b[M#%#"},
		{Mouse{X: 300, Y: 2}, old, ""},
		{Mouse{Action: MouseMove}, old, ""},
		{Mouse{}, Modes{}, ""},
		{Mouse{X: -1}, all, ""},
	} {
		if got := string(EncodeMouse(c.ev, c.m)); got != c.want {
			t.Errorf("EncodeMouse(%+v, %+v) = %q, want %q", c.ev, c.m, got, c.want)
		}
	}
}
