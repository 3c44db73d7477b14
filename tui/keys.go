package tui

import (
	"slices"
	"strings"
	"time"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"gastown/beads"
	"gastown/internal/vt"
)

const (
	burstKeys   = 4                     // this many printable keys ...
	burstWindow = 60 * time.Millisecond // ... within this time are no typing
	modeGrace   = 20 * time.Millisecond // keys this soon after a change of mode were queued before it; the bench waits longer (graceOfKeys)
	dialogGrace = 300 * time.Millisecond
	ctrlCWindow = 2 * time.Second
)

// typed guards against keys that were not meant for the board.
type typed struct {
	held   []tea.KeyPressMsg // waiting for the end of the burst window
	seq    int
	recent []stroke
	offer  string    // text that was refused, for the Mayor
	until  time.Time // keys before this belong to the refused burst
	deaf   time.Time // keys before this are dropped
	ctrlC  time.Time
}

type stroke struct {
	at   time.Time
	text string
}

type heldMsg int

// drop forgets what was queued; keys that arrive at once are dropped too.
func (t *typed) drop(now time.Time) {
	t.held, t.recent = nil, nil
	t.deaf = now.Add(modeGrace)
}

// note counts a printable key and reports a burst.
func (t *typed) note(now time.Time, text string) bool {
	keep := t.recent[:0]
	for _, s := range t.recent {
		if now.Sub(s.at) < burstWindow {
			keep = append(keep, s)
		}
	}
	t.recent = append(keep, stroke{now, text})
	same := true
	for _, s := range t.recent {
		same = same && s.text == text
	}
	return len(t.recent) >= burstKeys && !same
}

// textOf is what a key types, "" for shortcuts. Some terminals report Shift and a letter
// without the text.
func textOf(k tea.Key) string {
	if k.Text != "" {
		return k.Text
	}
	if k.Mod == tea.ModShift && k.Code > ' ' && k.Code < 0x7f {
		return string(unicode.ToUpper(k.Code))
	}
	return ""
}

// keyName is the key as the keymap writes it.
func keyName(k tea.Key) string {
	if text := textOf(k); text != "" && text != " " {
		return text
	}
	return k.Keystroke()
}

// lockMods say nothing about what a key means.
const lockMods = tea.ModCapsLock | tea.ModNumLock | tea.ModScrollLock

// defaultTownKeys are free in all agent programs that were looked at.
func defaultTownKeys() []string { return []string{"ctrl+]", "f9"} }

func (m *model) isTownKey(k tea.Key) bool { return isTownKey(m.townKeys, k) }

// isTownKey recognises the town keys, Ctrl-] in every encoding and on every layout.
func isTownKey(keys []string, k tea.Key) bool {
	k.Mod &^= lockMods
	if k.Code == 0x1d || k.Mod == tea.ModCtrl && k.BaseCode == ']' {
		k = tea.Key{Code: ']', Mod: tea.ModCtrl}
	}
	return slices.Contains(keys, k.Keystroke())
}

// townKeyText is the town keys as hints write them: Ctrl-] (or F9).
func (m *model) townKeyText() string {
	out := m.townKey()
	if len(m.townKeys) > 1 {
		out += " (or " + keyText(m.townKeys[1]) + ")"
	}
	return out
}

func (m *model) townKey() string { return keyText(m.townKeys[0]) }

// keyText is a keystroke as people write it: Ctrl-], Shift-Tab, PgDn, F9.
func keyText(stroke string) string {
	mods := ""
	for _, mod := range []struct{ is, text string }{{"ctrl+", "Ctrl-"}, {"alt+", "Alt-"}, {"shift+", "Shift-"}} {
		if rest, ok := strings.CutPrefix(stroke, mod.is); ok && rest != "" {
			mods, stroke = mods+mod.text, rest
		}
	}
	switch {
	case stroke == "pgup":
		return mods + "PgUp"
	case stroke == "pgdown":
		return mods + "PgDn"
	case len(stroke) > 1 || mods != "":
		return mods + strings.ToUpper(stroke[:1]) + stroke[1:]
	}
	return stroke
}

// keyNames are several keys for the same, as people write them.
func keyNames(strokes []string) string {
	out := make([]string, len(strokes))
	for i, s := range strokes {
		out[i] = keyText(s)
	}
	return strings.Join(out, " ")
}

// key is the one way in for keys.
func (m *model) key(k tea.KeyPressMsg) tea.Cmd {
	key := tea.Key(k)
	now := m.now()
	if m.isTownKey(key) {
		m.toggle()
		return nil
	}
	if now.Before(m.typed.deaf) {
		return nil
	}
	if m.mode == typing && len(m.stack) == 0 {
		return m.typeKey(key)
	}
	if o := m.over(); o != nil && o.wantsText() {
		return m.boardKey(key)
	}
	if now.Before(m.typed.until) {
		return m.burst(key)
	}
	text := textOf(key)
	if text == "" && len(m.typed.held) == 0 {
		return m.boardKey(key)
	}
	if text != "" && m.typed.note(now, text) {
		return m.burst(key)
	}
	if len(m.typed.held) == 0 && m.intentOf(key).moves() {
		return m.boardKey(key)
	}
	m.typed.held = append(m.typed.held, k)
	if len(m.typed.held) > 1 {
		return nil
	}
	m.typed.seq++
	return m.after(burstWindow, heldMsg(m.typed.seq))
}

// release runs the held keys: no burst came.
func (m *model) release(seq int) tea.Cmd {
	if seq != m.typed.seq {
		return nil
	}
	held := m.typed.held
	m.typed.held = nil
	var cmds []tea.Cmd
	for _, k := range held {
		mode, top := m.mode, m.over()
		cmds = append(cmds, m.boardKey(tea.Key(k)))
		if now := m.over(); m.mode != mode || now != top && (now == nil || !now.wantsText()) {
			break // the rest was meant for what was there when it was typed
		}
	}
	return tea.Batch(cmds...)
}

// burst refuses keys that came faster than anybody types.
func (m *model) burst(k tea.Key) tea.Cmd {
	var b strings.Builder
	if len(m.typed.held) > 0 {
		for _, h := range m.typed.held {
			b.WriteString(typedText(tea.Key(h)))
		}
		b.WriteString(typedText(k))
	} else {
		b.WriteString(m.typed.offer + typedText(k))
	}
	m.typed.held = nil
	m.typed.seq++
	m.typed.until = m.now().Add(burstWindow)
	m.refusePaste(b.String())
	return nil
}

func typedText(k tea.Key) string {
	if k.Code == tea.KeyEnter {
		return "\n"
	}
	return textOf(k)
}

// refusePaste keeps text that nobody typed and offers it to the Mayor.
func (m *model) refusePaste(text string) {
	m.typed.offer = text
	m.toast = toast{
		keys: []string{"m gives it to " + clean(m.term.name), "Esc drops it"},
		text: beads.Count(len([]rune(text)), "character") + " pasted here, nothing was run",
		mark: '=', sticky: true, seq: m.toast.seq + 1,
	}
}

// paste goes to the terminal, to a text field, or nowhere.
func (m *model) paste(text string) tea.Cmd {
	switch {
	case len(m.stack) > 0:
		if m.over().wantsText() {
			return m.toOverlay(event{text: text})
		}
	case m.mode == typing:
		m.pasteTo(text)
		return nil
	}
	m.refusePaste(text)
	return nil
}

func (m *model) pasteTo(text string) {
	t := m.term.from
	if m.mayorStarts() {
		m.ahead = append(m.ahead, func() { m.pasteTo(text) })
		return
	}
	if !m.term.live || t == nil {
		m.refuse("nothing runs here to paste to")
		return
	}
	if m.frozenTerminal(m.term.key) {
		m.refuseFrozen(m.term.name)
		return
	}
	m.term.scroll = 0
	m.spoke = m.spoke || m.term.name == MayorName
	m.claim()
	m.post(m.term.name, func() error { return t.Paste(text) })
}

// mayorStarts reports whether the Mayor, whose terminal is in the left slot, is not there yet. What is typed is kept
// for it: the screen comes before it does.
func (m *model) mayorStarts() bool {
	return m.term.name == MayorName && !m.term.live && m.facts.view.Mayor.State == "starting" && len(m.ahead) < aheadLimit
}

// typeAhead gives the Mayor what was typed before it was there. Where it did not start, that is dropped.
func (m *model) typeAhead() {
	if len(m.ahead) == 0 || m.mayorStarts() {
		return
	}
	ahead := m.ahead
	m.ahead = nil
	if m.term.name == MayorName && m.term.live {
		for _, f := range ahead {
			f()
		}
	}
}

// toggle is the town key. In a dialog it cancels that and goes to the terminal.
func (m *model) toggle() {
	m.clearToast()
	if len(m.stack) > 0 {
		for _, o := range m.stack {
			m.keep(o)
		}
		m.stack = nil
		m.mode = inTown
	}
	if m.mode == typing {
		m.setMode(inTown)
		m.townHint()
		return
	}
	m.setMode(typing)
}

// typeKey sends a key to the terminal in the left slot.
func (m *model) typeKey(k tea.Key) tea.Cmd {
	if m.toast.sticky {
		m.clearToast()
	}
	t := m.term.from
	if m.mayorStarts() {
		m.ahead = append(m.ahead, func() { m.typeKey(k) })
		return nil
	}
	if !m.term.live || t == nil {
		switch {
		case m.term.name != MayorName:
			m.refuse(clean(m.term.name) + " has ended and reads nothing; " + m.townKey() + " then m goes to the Mayor")
		case k.Code == tea.KeyEnter:
			return m.restartMayor()
		default:
			m.refuse("there is no Mayor to read this; Enter starts it, " + m.townKey() + " goes to the board")
		}
		return nil
	}
	if m.frozenTerminal(m.term.key) {
		m.refuseFrozen(m.term.name)
		return nil
	}
	if m.term.scroll > 0 { // who looks at what is past does not see what the key would answer
		m.scrollByKey(k)
		return nil
	}
	m.claim()
	key := vt.Key{Code: k.Code, Text: textOf(k), Mod: vt.Mod(k.Mod &^ lockMods)}
	if bytes := vt.EncodeKey(key, m.term.frame.Modes); len(bytes) > 0 {
		m.spoke = m.spoke || m.term.name == MayorName
		m.post(m.term.name, func() error { return t.Send(bytes) })
	}
	return nil
}

// scrollByKey scrolls a terminal that was scrolled back by the wheel; a key that does not returns to what is live.
func (m *model) scrollByKey(k tea.Key) {
	page := max(m.layout.slot.h-1, 1)
	switch k.Code {
	case tea.KeyPgUp:
		m.term.back(page)
	case tea.KeyPgDown:
		m.term.back(-page)
	case tea.KeyUp:
		m.term.back(1)
	case tea.KeyDown:
		m.term.back(-1)
	default:
		m.term.scroll = 0
	}
}

// intentOf is what a key means for who is on top.
func (m *model) intentOf(k tea.Key) Intent {
	if o := m.over(); o != nil {
		return lookup(m.keys, keyName(k), o.scope())
	}
	return lookup(m.keys, keyName(k), m.paneScope())
}

func (m *model) paneScope() Scope {
	return [...]Scope{InBeads, InPolecats, InRefinery, InEvents}[m.focus]
}

// boardKey runs a key in TOWN or in a dialog.
func (m *model) boardKey(k tea.Key) tea.Cmd {
	offer := m.typed.offer
	if m.toast.sticky {
		m.clearToast()
	}
	in := m.intentOf(k)
	if offer != "" {
		if in == GoTerminal {
			m.setMode(typing)
			m.pasteTo(offer)
		}
		if in == GoTerminal || in == Back {
			return nil
		}
	}
	if len(m.stack) > 0 {
		return m.toOverlay(event{intent: in, key: k, text: textOf(k)})
	}
	if m.sayFirst(keyName(k), in) {
		return nil
	}
	if cmd, ok := m.onMarked(in); ok {
		return cmd
	}
	return m.run(in)
}
