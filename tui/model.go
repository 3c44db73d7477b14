package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"gastown/beads"
	"gastown/internal/api"
)

// mode says where keys go.
type mode int

const (
	typing mode = iota // to the terminal in the left slot
	inTown             // to the board
)

// paneID is one pane of the board.
type paneID int

const (
	paneBeads paneID = iota
	paneCats
	paneRefinery
	paneEvents
	panes
)

// ports is what the model may use beside its own values.
type ports struct {
	ctx   context.Context
	host  Host
	now   func() time.Time
	after func(time.Duration, tea.Msg) tea.Cmd                                 // a message later
	post  func(name string, f func() error)                                    // terminal writes, in order, off Update
	bell  tea.Cmd                                                              // waits for the next change
	guard func(tea.Cmd) tea.Cmd                                                // keeps a panic of a command
	edit  func(text string) (string, error)                                    // the person's editor; may be nil
	file  func(dir, path string) error                                         // the same on a file; may be nil
	shell func(ctx context.Context, d api.Doer, args []string) (string, error) // performs a line as the shell does; may be nil
	opts  map[string][]Option                                                  // of verbs, by their words
	usage map[string]string                                                    // what follows those
}

// model is the Elm model. Bubble Tea calls Update and View from one goroutine.
type model struct {
	ports
	look
	keys    []binding
	profile colorprofile.Profile
	light   bool
	ascii   bool
	probing bool // the answer to the probe of characters is awaited
	version string
	passing bool // the town ends with the screen

	townKeys []string

	layout  layout
	facts   *facts
	clock   time.Time // the time that ages are shown for
	mode    mode
	focus   paneID
	full    bool // the drawer covers the terminal
	lists   [panes]list
	marks   map[beads.ID]bool // beads that the next action is for
	filters [panes]string     // words that the rows of a pane must have
	first   int               // which of the first sentences is selected
	rig     string            // only this one's rows; empty: all
	extra   int               // columns that the person gave the left slot beyond its share
	term    termPane
	stack   []overlay
	opened  time.Time // when the newest overlay came
	toast   toast
	typed   typed
	mouse   pointer
	drawn   []string        // the rows of the last picture
	top     rect            // of the dialog on top in it
	busy    map[string]bool // verbs under way, by label
	sized   map[string]Terminal
	timers  timers
	dirty   bool
	shown   tea.View
	result  Outcome
	leaving bool                // the screen ends as soon as the mouse is up
	said    []string            // of : lines, the newest last
	drafts  map[string][]remark // on diffs by attempt (BEAD/N), not sent yet
	unsent  map[string][]string // what was written in dialogs and not sent, by what it is for
	sending map[string]draft    // by the label of the verb that was called with it
	called  string              // label of the newest call

	grew    time.Time // when one of them needed more
	told    rect      // where the last picture has the toast
	needed  [3]int    // rows that beads, polecats and Refinery were given by
	frame   scroller  // of the dialog on top, where it is longer than the screen
	showGen uint64    // of the last bead that was asked to be shown
	made    beads.ID  // a new bead that the cursor goes to as soon as the view has it

	hinted  bool // what the first starts say of the board was said
	spoke   bool // something was typed to the Mayor
	noMayor bool // the board was opened because there is none to type to

	ahead []func() // what was typed to the Mayor before it was there
}

// timers says which one-shot timers are set.
type timers struct {
	second   bool
	resize   int // number of the newest resize
	toast    int // number of the toast that has one
	settled  Size
	syncHeld bool
}

// The messages of the model itself.
type (
	changedMsg struct{}
	minuteMsg  struct{}
	secondMsg  struct{}
	resizeMsg  int
	syncMsg    struct{}
	leaveMsg   struct{}
	sendErrMsg struct {
		name string
		err  error
	}
	fetchedMsg struct { // text that an overlay asked for
		key   string
		text  string
		value any
		err   error
	}
)

const (
	aheadLimit  = 200                    // keys kept for a Mayor that starts
	resizeDelay = 150 * time.Millisecond // a dragged window edge sends one size
	syncHold    = 100 * time.Millisecond // longest wait for the end of a synchronized update
)

func newModel(p ports, s Screen, profile colorprofile.Profile) *model {
	m := &model{
		ports: p, keys: keymap(), ascii: s.ASCII, version: clean(s.Version), passing: s.Passing, profile: profile,
		busy: map[string]bool{}, sized: map[string]Terminal{}, drafts: map[string][]remark{}, unsent: map[string][]string{}, sending: map[string]draft{}, marks: map[beads.ID]bool{}, mode: typing,
	}
	m.townKeys = s.TownKeys
	if len(m.townKeys) == 0 {
		m.townKeys = defaultTownKeys()
	}
	m.term.attach(MayorName, MayorName)
	m.dress()
	m.clock = p.now()
	m.reload()
	m.resize(Size{s.Cols, s.Rows})
	if m.boardWithoutMayor(); m.noMayor {
		return m
	}
	if v := m.facts.view; v.Starts > 0 && v.Starts <= hintStarts {
		text := m.townKeyText() + " goes to the board; ? there lists keys."
		if m.offering() {
			text = m.townKey() + ", then 1, types the first sentence for you: " + m.firstWords()[0]
		}
		m.toast = toast{text: "Typing to the Mayor. " + text, sticky: true}
	}
	return m
}

// dress chooses colours and characters.
func (m *model) dress() {
	switch {
	case m.profile <= colorprofile.ASCII:
		m.palette = plainPalette()
	case m.profile == colorprofile.ANSI:
		m.palette = ansiPalette()
	case m.light:
		m.palette = lightPalette()
	default:
		m.palette = darkPalette()
	}
	m.charset = unicodeSet()
	if m.ascii {
		m.charset = asciiSet()
	}
	m.term.forget()
	m.dirty = true
}

// Init implements tea.Model.
func (m *model) Init() tea.Cmd {
	return tea.Batch(m.bell, m.minute(), m.second(), m.settleSize(), tea.RequestBackgroundColor, m.after(probeAfter, probeMsg{}))
}

// Update implements tea.Model. It only dispatches.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := m.dispatch(msg)
	if timer := m.toastTimer(); timer != nil {
		return m, tea.Batch(cmd, timer)
	}
	return m, cmd
}

func (m *model) dispatch(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case changedMsg:
		return tea.Batch(m.bell, m.changed())
	case probeMsg:
		return m.probe()
	case tea.CursorPositionMsg:
		return m.probed(msg)
	case minuteMsg:
		m.tick()
		m.fitPanes(true)
		return m.minute()
	case secondMsg:
		m.timers.second = false
		m.tick()
		return m.second()
	case syncMsg:
		m.timers.syncHeld = false
		m.picture(true)
		return nil
	case tea.WindowSizeMsg:
		m.resize(Size{msg.Width, msg.Height})
		return m.debounce()
	case resizeMsg:
		if int(msg) == m.timers.resize {
			return m.settleSize()
		}
		return nil
	case tea.ColorProfileMsg:
		m.profile = msg.Profile
		m.dress()
	case tea.BackgroundColorMsg:
		m.light = !msg.IsDark()
		m.dress()
	default:
		return m.input(msg)
	}
	return nil
}

// input handles what the person does and what comes of it.
func (m *model) input(msg tea.Msg) tea.Cmd {
	if m.leaving {
		return m.awaitRelease(msg)
	}
	was := m.dirty
	m.dirty = true
	switch msg := msg.(type) {
	case tea.KeyPressMsg:
		m.mouse.held = false // a terminal may not tell it
		return m.key(msg)
	case heldMsg:
		return m.release(int(msg))
	case tea.PasteMsg:
		return m.paste(msg.Content)
	case tea.MouseClickMsg:
		return m.click(msg)
	case tea.MouseMotionMsg:
		m.drag(msg)
	case tea.MouseReleaseMsg:
		return m.drop(msg)
	case tea.MouseWheelMsg:
		return m.wheel(msg)
	case doneMsg:
		return m.done(msg)
	case fetchedMsg:
		m.deliver(msg)
	case editMsg:
		return m.edited(msg)
	case writtenMsg:
		m.written(msg)
	case fileMsg:
		return m.fileEdited(msg)
	case toastMsg:
		if int(msg) == m.toast.seq && !m.toast.sticky {
			m.toast = toast{seq: m.toast.seq}
		}
	case sendErrMsg:
		m.fail(clean(msg.name)+": "+clean(msg.err.Error()), "")
	default:
		m.dirty = was
	}
	return nil
}

// tick moves the time that is shown.
func (m *model) tick() {
	m.clock = m.now()
	m.dirty = true
}

func (m *model) minute() tea.Cmd {
	now := m.now()
	return m.after(now.Truncate(time.Minute).Add(time.Minute).Sub(now), minuteMsg{})
}

// second sets a one-second timer while something visible counts seconds.
func (m *model) second() tea.Cmd {
	if m.timers.second || !m.countsSeconds() {
		return nil
	}
	m.timers.second = true
	now := m.now()
	return m.after(now.Truncate(time.Second).Add(time.Second).Sub(now), secondMsg{})
}

// changed takes the newest view and picture.
func (m *model) changed() tea.Cmd {
	var cmds []tea.Cmd
	if m.host.View() != m.facts.view {
		m.reload()
		cmds = append(cmds, m.fitTerminals(), m.second())
		for _, o := range m.stack {
			if w, ok := o.(watcher); ok {
				cmds = append(cmds, w.changed(m))
			}
		}
	}
	cmds = append(cmds, m.picture(false))
	m.boardWithoutMayor()
	return tea.Batch(cmds...)
}

// boardWithoutMayor opens the board, once, when there is no Mayor to type to: its program is missing, or it ended
// before anything was typed to it. The left slot says why.
func (m *model) boardWithoutMayor() {
	v := m.facts.view.Mayor
	ended := v.State == "failed" || v.State == "stopped" || v.State == "none"
	if m.noMayor || m.spoke || m.mode != typing || m.term.name != MayorName || len(m.stack) > 0 || !ended || m.mayorLive() {
		return
	}
	m.noMayor = true
	m.setMode(inTown)
	m.say("No Mayor; the left pane says why, and what helps", '!') // the list of problems has it too
}

// reload derives what is shown from the newest view.
func (m *model) reload() {
	v := m.host.View()
	if v == nil {
		v = &api.View{}
	}
	m.facts = derive(v)
	m.dropMarks()
	m.showAsked()
	m.showMade()
	if m.focus != paneEvents {
		m.lists[paneEvents].chosen = false // the newest stay in sight
	}
	m.followRows()
	m.tick()
	m.fitPanes(false)
}

// picture takes the newest picture of the terminal in the left slot.
func (m *model) picture(late bool) tea.Cmd {
	m.followTry()
	t, ok := m.host.Terminal(m.term.key)
	held, changed := m.term.take(t, ok, late)
	m.typeAhead()
	if changed {
		m.dirty = true
	}
	if held && !m.timers.syncHeld {
		m.timers.syncHeld = true
		return m.after(syncHold, syncMsg{})
	}
	return nil
}

func (m *model) resize(s Size) {
	m.layout = arrangeShare(s.Cols, s.Rows, m.extra)
	m.fitPanes(true)
	if m.layout.event.w == 0 && m.focus == paneEvents {
		m.focusOn(paneBeads)
	}
	m.term.forget()
	m.dirty = true
}

// setMode changes the mode; keys that were queued for the old one are dropped.
func (m *model) setMode(to mode) {
	if m.mode == to {
		return
	}
	m.mode = to
	if to == typing {
		for id := range m.lists {
			m.lists[id].top = 0
		}
	}
	m.typed.drop(m.now())
	m.term.scroll = 0
	m.picture(true) // what was left alone while somebody typed there
}

// View implements tea.Model. The same picture is the same string, which Bubble Tea does not
// write again.
func (m *model) View() tea.View {
	if m.dirty {
		m.shown = m.compose()
		m.dirty = false
	}
	return m.shown
}
