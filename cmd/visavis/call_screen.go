package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/peer/quality"
	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// screen is where a call shows what happens: for people or for machines.
type screen interface {
	event(peer.Event)
	note(text string)
	// failed shows an error that kept a call from starting, and returns it.
	failed(err error) error
}

// jsonScreen prints one object per event. The names are stable.
type jsonScreen struct{ out io.Writer }

type fields = map[string]any

func (s jsonScreen) note(string) {}

func (s jsonScreen) failed(err error) error {
	s.event(peer.Ended{Reason: peer.EndError, Code: codeIn(err)})
	return err
}

func (s jsonScreen) event(e peer.Event) {
	if ended, ok := e.(peer.Ended); ok {
		s.print(endedLine(ended))
		return
	}
	if line := jsonLine(e); line != nil {
		s.print(line)
	}
}

// print loses the line if nobody reads any more; the call goes on.
func (s jsonScreen) print(line any) { _ = json.NewEncoder(s.out).Encode(line) }

func jsonLine(e peer.Event) fields {
	switch e := e.(type) {
	case peer.PhaseChanged:
		return fields{"type": "phase", "phase": e.Phase}
	case peer.Greeted:
		return fields{"type": "hello", "name": e.Name, "title": e.Title}
	case peer.Knocked:
		f := fields{"type": "knock", "slot": e.Slot, "name": e.Name, "note": e.Note, "lang": e.Lang}
		if e.Tested != nil {
			f["tested"] = e.Tested
		}
		return f
	case peer.KnockGone:
		return fields{"type": "knock_gone", "slot": e.Slot}
	case peer.Held:
		return fields{"type": "held", "message": e.Message}
	case peer.Words:
		return fields{"type": "words", "words": e.Names, "digits": e.Digits}
	case peer.Rekeyed:
		return fields{"type": "rekeyed", "epoch": e.Epoch}
	case peer.PasswordWrong:
		return fields{"type": "password_wrong", "left": e.Left}
	case peer.Connected:
		return fields{"type": "live", "path": e.Path, "over": e.Over, "family": e.Family, "setup_ms": e.Setup.Milliseconds()}
	case peer.MediaStateChanged:
		return fields{
			"type": "state", "mic": e.Mic, "cam": e.Cam, "screen": e.Screen, "rec": e.Recording, "music": e.Music, "held": e.Held,
		}
	case peer.TrackAdded:
		return fields{"type": "track", "mid": e.Track.MID, "kind": e.Track.Kind, "codec": e.Track.Codec, "screen": e.Track.Screen}
	case peer.FramesChanged:
		return fields{"type": "frames", "sframe": e.State}
	case peer.ChatReceived:
		return fields{"type": "chat", "id": e.ID, "text": e.Text}
	case peer.ChatDelivered:
		return fields{"type": "chat_delivered", "id": e.ID}
	case peer.CueReceived:
		return fields{"type": "cue", "kind": e.Kind}
	case peer.FileOffered:
		return fields{"type": "file", "id": e.ID, "mine": e.Mine, "name": e.Name, "size": e.Size, "can_run": e.CanRun}
	case peer.FileProgress:
		return fields{"type": "file_progress", "id": e.ID, "done": e.Done, "size": e.Size}
	case peer.FileEnded:
		return fields{
			"type": "file_ended", "id": e.ID, "mine": e.Mine, "name": e.Name, "size": e.Size,
			"reason": e.Reason, "problem": e.Problem, "path": e.Path,
		}
	case peer.Verified:
		return fields{"type": "verified", "verdict": e.Verdict}
	case peer.SignalingChanged:
		return fields{"type": "signaling", "online": e.Online}
	}
	return nil
}

// endedReport is the last line of visavis call --json: a contract.
type endedReport struct {
	Type         string             `json:"type"`
	Reason       peer.EndReason     `json:"reason"`
	Code         protocol.ErrorCode `json:"code,omitempty"`
	Path         *peer.Path         `json:"path"`
	Over         string             `json:"over,omitempty"`
	Family       int                `json:"family,omitempty"`
	Words        []string           `json:"words"`
	Digits       string             `json:"digits"`
	DurationMS   int64              `json:"duration_ms"`
	SetupMS      int64              `json:"setup_ms"`
	VideoFrames  uint64             `json:"video_frames_received"`
	AudioPackets uint64             `json:"audio_packets_received"`
	ScreenFrames uint64             `json:"screen_frames_received"`
	Quality      *quality.Receipt   `json:"quality,omitempty"`
}

func endedLine(e peer.Ended) endedReport {
	r := endedReport{
		Type: "ended", Reason: e.Reason, Code: e.Code, Words: []string{},
		DurationMS: e.Duration.Milliseconds(), SetupMS: e.Setup.Milliseconds(),
		VideoFrames: e.Received.VideoFrames, ScreenFrames: e.Received.ScreenFrames, AudioPackets: e.Received.AudioPackets,
		Quality: e.Receipt,
	}
	if e.Path != "" {
		r.Path, r.Over, r.Family = &e.Path, string(e.Over), e.Family
	}
	if e.Words != nil {
		r.Words, r.Digits = e.Words.Names[:], e.Words.Digits
	}
	return r
}

// textScreen prints for people.
type textScreen struct {
	out io.Writer
	ask bool // each visitor is a question
}

func (s textScreen) failed(err error) error { return err }

func (s textScreen) note(text string) { fmt.Fprintln(s.out, text) }

func (s textScreen) event(e peer.Event) {
	text := sentence(e)
	if _, ok := e.(peer.Knocked); ok && s.ask {
		text += " Let in? y, n, or h and a message to hold; then Enter."
	}
	if text != "" {
		s.note(text)
	}
}

func sentence(e peer.Event) string {
	switch e := e.(type) {
	case peer.PhaseChanged:
		return phaseSentence(e.Phase)
	case peer.Greeted:
		return greeting(e)
	case peer.Knocked:
		return knock(e)
	case peer.KnockGone:
		return "The visitor has left."
	case peer.Held:
		return strings.TrimSpace("The host asks you to wait, for as long as it takes. " + e.Message)
	case peer.Words:
		return fmt.Sprintf("Verification words: %s\n                or: %s\nRead them to each other; /match or /differ says the result.",
			strings.Join(e.Names[:], " "), grouped(e.Digits))
	case peer.PasswordWrong:
		return wrongGuess(e)
	case peer.Connected:
		return fmt.Sprintf("Connected, %s.", way(e.Way))
	case peer.ChatReceived:
		return "› " + e.Text
	case peer.CueReceived:
		return cueSentence(e.Kind)
	case peer.FramesChanged:
		return framesSentence(e.State)
	case peer.Verified:
		return fmt.Sprintf("The other side says that the words %s.", e.Verdict)
	case peer.SignalingChanged:
		switch {
		case e.ForGood:
			return "The server has closed this call. What flows directly goes on until one of you leaves; nobody can come back into it."
		case !e.Online:
			return "The server is away; trying to come back. What flows directly goes on."
		}
	case peer.Ended:
		return summary(e)
	}
	return ""
}

func cueSentence(kind sealed.CueKind) string {
	switch kind {
	case sealed.CueKindNod:
		return "The other side nods."
	case sealed.CueKindWait:
		return "The other side asks for a moment."
	case sealed.CueKindHand:
		return "The other side would like to say something."
	case sealed.CueKindHandDown:
		return "The other side has lowered the hand."
	}
	return ""
}

func framesSentence(state sealed.SFrameState) string {
	switch state {
	case sealed.SFrameStateActive:
		return "Picture and sound are encrypted end to end, post-quantum; the programs of both sides have checked it."
	case sealed.SFrameStateFailed:
		return "Warning: picture or sound came that was not encrypted as agreed. It is not played. Hang up and call again."
	case sealed.SFrameStateOff:
		return "Picture and sound are encrypted end to end, not post-quantum: the other side's program cannot do it."
	}
	return ""
}

func recordingSentence(on bool) string {
	if on {
		return "The other side is recording what you send."
	}
	return "The other side has stopped recording."
}

func musicSentence(on bool) string {
	if on {
		return "The other side plays in music mode: you hear the sound as it is, noise and echo included."
	}
	return "The other side has left music mode."
}

func phaseSentence(p peer.Phase) string {
	switch p {
	case peer.PhaseHostAway:
		return "The host is not there yet. Waiting; Ctrl-C leaves."
	case peer.PhaseKnocking:
		return "Knocking. The host has been told and has to let you in; you wait for ten minutes at most. Ctrl-C leaves."
	case peer.PhaseAlone:
		return "Waiting for somebody to open the guest link. You are told when they knock; Ctrl-C leaves."
	case peer.PhaseJoining:
		return "Connecting."
	case peer.PhaseReconnecting:
		return "The connection is lost; trying again."
	case peer.PhaseConnecting, peer.PhasePassword, peer.PhaseReady, peer.PhaseHeld, peer.PhaseLive, peer.PhaseEnded:
	}
	return ""
}

func greeting(e peer.Greeted) string {
	text := "Somebody who gives no name is hosting."
	if e.Name != "" {
		text = e.Name + " is hosting."
	}
	if e.Title != "" {
		text += " About: " + e.Title
	}
	return text
}

func knock(e peer.Knocked) string {
	who := "Somebody who gives no name"
	if e.Name != "" {
		who = e.Name
	}
	text := who + " is knocking."
	if e.Note != "" {
		text += " “" + e.Note + "”"
	}
	if t := e.Tested; t != nil {
		text += testedText(*t)
	}
	return text
}

// testedText tells a host what came of a visitor's check before the call.
func testedText(t sealed.Tested) string {
	when := "less than an hour ago"
	if t.Hours > 0 {
		when = fmt.Sprintf("%d h ago", t.Hours)
	}
	switch t.Worst() {
	case sealed.CheckLightGood:
		return " Tested fine " + when + "."
	case sealed.CheckLightFair, sealed.CheckLightPoor:
		return " Tested " + when + ", with difficulties."
	}
	return ""
}

func wrongGuess(e peer.PasswordWrong) string {
	switch {
	case e.Left < 0:
		return "" // a guest is asked again
	case e.Left == 0:
		return "Too many wrong passwords: the call is locked. /more allows five more."
	default:
		return fmt.Sprintf("Somebody tried a wrong password; %d tries left.", e.Left)
	}
}

// grouped shows nine digits 3-3-3.
func grouped(digits string) string {
	if len(digits) != 9 {
		return digits
	}
	return digits[:3] + " " + digits[3:6] + " " + digits[6:]
}

// way names a path as the call page does.
func way(w peer.Way) string {
	text := string(w.Path)
	if w.Over != "" {
		text += " over " + strings.ToUpper(string(w.Over))
	}
	if w.Family != 0 {
		text += fmt.Sprintf(" and IPv%d", w.Family)
	}
	return text
}

func summary(e peer.Ended) string {
	if e.Path == "" {
		return fmt.Sprintf("Ended (%s); no call took place.", e.Reason)
	}
	return fmt.Sprintf("Ended (%s) after %s, %s. Received %d pictures and %d packets of sound.%s",
		e.Reason, e.Duration.Round(100_000_000), way(e.Way), e.Received.VideoFrames, e.Received.AudioPackets, receipt(e.Receipt))
}
