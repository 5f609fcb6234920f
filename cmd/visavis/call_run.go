package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// callRun is a call in progress: events on one side, a person's lines on the
// other.
type callRun struct {
	call     *peer.Call
	out      screen
	std      streams
	cfg      peer.Config
	duration time.Duration
	ask      bool

	lines    <-chan string // nil until somebody may type
	waiting  []string      // lines of a script whose time has not come
	door     []uint16      // slots that knock, oldest first
	leave    <-chan time.Time
	muted    bool
	words    bool // there are words to compare
	held     bool // the call has taken place, or was ended for good
	rejected bool // the password was wrong
	recorded bool // the other side says that it records
	music    bool // the other side plays in music mode
	files    fileList
}

// waitingMax bounds the lines that wait; more are not read until one is taken.
const waitingMax = 64

// loop runs until the call has ended and returns what its end means.
func (r *callRun) loop(ctx context.Context) error {
	for {
		select {
		case e, ok := <-r.call.Events():
			if !ok {
				return nil // not reached: Ended comes before the end of the channel
			}
			if ended, ok := e.(peer.Ended); ok {
				return r.ended(ended)
			}
			r.event(ctx, e)
			r.out.event(e)
			r.takeWaiting()
		case line, ok := <-r.wanted():
			if !ok {
				r.lines = nil
				continue
			}
			if r.early(line) {
				r.waiting = append(r.waiting, line)
				continue
			}
			r.line(line)
		case <-r.leave:
			r.call.Hangup()
		}
	}
}

// wanted is where the next line comes from.
func (r *callRun) wanted() <-chan string {
	if len(r.waiting) >= waitingMax {
		return nil
	}
	return r.lines
}

// early reports whether a script's line has to wait for what it answers: its y
// would be spent before the knock, its chat before the call. Commands act at
// once. So do all lines of a person, or an old y would let in whoever comes next.
func (r *callRun) early(line string) bool {
	if isTerminal(r.std.in) {
		return false
	}
	switch {
	case line == "":
		return false
	case line == "/match" || line == "/differ":
		return !r.words
	case isCommand(line, "/accept", "/decline"):
		return r.files.asked() == nil
	case isCommand(line, "/send"):
		return !r.held
	case strings.HasPrefix(line, "/") && !strings.HasPrefix(line, "//"):
		return false
	case len(r.door) > 0 && isAnswer(line):
		return false
	}
	return !r.held
}

// takeWaiting does what the lines say whose time has come.
func (r *callRun) takeWaiting() {
	var still []string
	for _, line := range r.waiting {
		if r.early(line) {
			still = append(still, line)
			continue
		}
		r.line(line)
	}
	r.waiting = still
}

func isTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (r *callRun) ended(e peer.Ended) error {
	if r.rejected && e.Code == "" {
		e.Code = wrongPassword
	}
	r.out.event(e)
	if err := outcome(e, r.cfg.Origin, r.held); err != nil {
		return err
	}
	return r.fileOutcome()
}

func (r *callRun) event(ctx context.Context, e peer.Event) {
	switch e := e.(type) {
	case peer.PhaseChanged:
		r.phase(ctx, e.Phase)
	case peer.Knocked:
		if r.ask {
			r.door = append(r.door, e.Slot)
		}
	case peer.KnockGone:
		r.door = slices.DeleteFunc(r.door, func(slot uint16) bool { return slot == e.Slot })
	case peer.MediaStateChanged:
		if e.Recording != r.recorded {
			r.recorded = e.Recording
			r.out.note(recordingSentence(e.Recording))
		}
		if e.Music != r.music {
			r.music = e.Music
			r.out.note(musicSentence(e.Music))
		}
	case peer.PasswordWrong:
		if !r.cfg.Link.Host() {
			r.password(e)
		}
	case peer.Words:
		r.words = true
	case peer.Connected:
		r.held = true
		if r.duration > 0 && r.leave == nil {
			r.leave = time.After(r.duration)
		}
		r.sendNext()
	default:
		r.fileEvent(e)
	}
}

// phase starts to listen to the keyboard once no password can be asked for any
// more: two readers of one terminal would take each other's lines.
func (r *callRun) phase(ctx context.Context, p peer.Phase) {
	switch p {
	case peer.PhaseAlone, peer.PhaseKnocking, peer.PhaseJoining:
		if r.lines == nil {
			r.lines = readLines(ctx, r.std.in, r.call.Done())
		}
	}
}

// password asks for another one, or gives up where there is nobody to ask.
func (r *callRun) password(peer.PasswordWrong) {
	r.rejected = true
	if r.lines != nil || !isTerminal(r.std.in) {
		r.call.Hangup()
		return
	}
	r.out.note("That password is wrong. The host lets you try five times.")
	password, err := askPassword(r.std)
	if err != nil {
		r.call.Hangup()
		return
	}
	r.rejected = false
	if r.call.SetPassword(password) != nil {
		r.rejected = true
		r.call.Hangup()
	}
}

func (r *callRun) line(line string) {
	if len(r.door) > 0 && r.answer(line) || r.fileCommand(line) {
		return
	}
	switch line {
	case "":
	case "/leave":
		r.call.Hangup()
	case "/end":
		r.held = r.held || r.cfg.Link.Host()
		r.call.End()
	case "/more":
		r.call.AllowMore()
	case "/match":
		r.call.Verify(sealed.VerdictMatch)
	case "/differ":
		r.call.Verify(sealed.VerdictDiffer)
	case "/mute", "/unmute":
		r.muted = line == "/mute"
		r.call.SetMedia(!r.muted, true)
	default:
		r.chat(line)
	}
}

// chat sends the line. What looks like a mistyped command is not for the other
// person's eyes.
func (r *callRun) chat(line string) {
	text, escaped := strings.CutPrefix(line, "//")
	switch {
	case escaped:
		r.call.Chat("/" + text)
	case strings.HasPrefix(line, "/"):
		command, _, _ := strings.Cut(line, " ")
		fmt.Fprintf(r.std.err, "visavis: unknown command %s; // sends a line that begins with /\n", command)
	default:
		r.call.Chat(line)
	}
}

// isCommand reports whether the line is one of these, with or without an argument.
func isCommand(line string, commands ...string) bool {
	word, _, _ := strings.Cut(line, " ")
	return slices.Contains(commands, word)
}

// isAnswer reports whether the line answers a knock.
func isAnswer(line string) bool {
	word, _, _ := strings.Cut(line, " ")
	return slices.Contains([]string{"y", "yes", "n", "no", "h", "hold"}, strings.ToLower(word))
}

// answer takes the line for the visitor who has waited longest.
func (r *callRun) answer(line string) bool {
	slot := r.door[0]
	word, rest, _ := strings.Cut(line, " ")
	switch strings.ToLower(word) {
	case "y", "yes":
		r.call.Admit(slot)
	case "n", "no":
		r.call.Refuse(slot, rest)
	case "h", "hold":
		r.call.Hold(slot, rest)
		return true // still at the door
	default:
		return false
	}
	r.door = r.door[1:]
	return true
}

// readLines reads standard input until it ends. A read cannot be interrupted, so
// the goroutine may outlive the call; the process then ends.
func readLines(ctx context.Context, in io.Reader, done <-chan struct{}) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(in)
		scanner.Buffer(nil, 4*sealed.LimitChat)
		for scanner.Scan() {
			select {
			case lines <- strings.TrimSpace(scanner.Text()):
			case <-done:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}
