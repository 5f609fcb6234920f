package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/peer/files"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// size is a number of bytes, like 100M; K, M and G are powers of 1024.
type size int64

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *size) UnmarshalText(text []byte) error {
	number, shift := string(text), 0
	if at := strings.IndexAny(number, "KMG"); at >= 0 && at == len(number)-1 {
		shift = map[byte]int{'K': 10, 'M': 20, 'G': 30}[number[at]]
		number = number[:at]
	}
	n, err := strconv.ParseUint(number, 10, 40)
	if err != nil || n == 0 || n > 1<<62>>shift {
		return fmt.Errorf("%q: want a number of bytes, like 500K, 100M or 2G", text)
	}
	*s = size(n << shift)
	return nil
}

// openFolder checks what the flags say about files, and opens the directory that
// received ones go to.
func (c *callCmd) openFolder(cfg *peer.Config) (closers, error) {
	for _, path := range c.Send {
		if err := files.Look(path); err != nil {
			return nil, fmt.Errorf("--send: %w", err)
		}
	}
	if c.Save == "" {
		if c.AcceptFiles {
			return nil, errors.New("--accept-files: say with --save DIR where they go")
		}
		return nil, nil
	}
	folder, err := files.OpenFolder(c.Save)
	if err != nil {
		return nil, fmt.Errorf("--save: %w", err)
	}
	cfg.Files = folder
	if c.AcceptFiles {
		cfg.AcceptFiles = int64(c.AcceptLimit)
	}
	return closers{folder}, nil
}

// fileList are the files of a call that a person may still do something about,
// by numbers that are never given twice.
type fileList struct {
	queue  []string // of --send and /send, not offered yet
	open   []*fileEntry
	count  int
	missed []string // names of those that were wanted and did not arrive
}

type fileEntry struct {
	peer.FileOffered
	number   int
	taken    bool  // by us, or without a question
	given    bool  // this person has ended it
	quarters int64 // of the progress that was told
}

func (l *fileList) find(id string) *fileEntry {
	for _, f := range l.open {
		if f.ID == id {
			return f
		}
	}
	return nil
}

// asked is the oldest offer that waits for an answer.
func (l *fileList) asked() *fileEntry {
	for _, f := range l.open {
		if !f.Mine && !f.taken && !f.given {
			return f
		}
	}
	return nil
}

// named finds a file by its number or its id.
func (l *fileList) named(name string) *fileEntry {
	for _, f := range l.open {
		if f.ID == name || strconv.Itoa(f.number) == name {
			return f
		}
	}
	return nil
}

// fileEvent follows what happens to files, and says it to people.
func (r *callRun) fileEvent(e peer.Event) {
	switch e := e.(type) {
	case peer.FileOffered:
		r.files.count++
		f := &fileEntry{FileOffered: e, number: r.files.count, taken: r.cfg.AcceptFiles > 0}
		r.files.open = append(r.files.open, f)
		r.out.note(r.offerSentence(f))
	case peer.FileProgress:
		f := r.files.find(e.ID)
		if f == nil || e.Size == 0 {
			return
		}
		if q := e.Done * 4 / e.Size; q > f.quarters && q < 4 {
			f.quarters = q
			r.out.note(fmt.Sprintf("%s: %d %%.", e.Name, q*25))
		}
	case peer.FileEnded:
		f := r.files.find(e.ID)
		if f == nil {
			return
		}
		r.files.open = slices.DeleteFunc(r.files.open, func(other *fileEntry) bool { return other == f })
		refused := !e.Mine && e.Reason == sealed.FileStopReasonTooLarge // by --accept-limit
		if e.Reason != sealed.FileStopReasonDone && !f.given && !refused && (e.Mine || f.taken) {
			r.files.missed = append(r.files.missed, e.Name)
		}
		r.out.note(endSentence(e, r.cfg.Files != nil))
		r.sendNext()
	}
}

// sendNext offers what waits, a few at a time.
func (r *callRun) sendNext() {
	if !r.held {
		return
	}
	mine := len(slices.DeleteFunc(slices.Clone(r.files.open), func(f *fileEntry) bool { return !f.Mine }))
	for ; mine < sealed.LimitFiles && len(r.files.queue) > 0; mine++ {
		path := r.files.queue[0]
		r.files.queue = r.files.queue[1:]
		f, err := files.Open(path)
		if err != nil {
			fmt.Fprintf(r.std.err, "visavis: send: %v\n", err)
			r.files.missed = append(r.files.missed, path)
			continue
		}
		r.call.SendFile(f)
	}
}

// fileCommand takes a line that is about files.
func (r *callRun) fileCommand(line string) bool {
	command, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch command {
	case "/send":
		if rest == "" {
			fmt.Fprintln(r.std.err, "visavis: /send: say which file")
			return true
		}
		r.files.queue = append(r.files.queue, rest)
		r.sendNext()
	case "/accept", "/decline":
		f := r.files.asked()
		if rest != "" {
			f = r.files.named(rest)
		}
		if f == nil || f.Mine || f.taken {
			fmt.Fprintf(r.std.err, "visavis: %s: no such file waits for an answer\n", command)
			return true
		}
		if command == "/accept" {
			f.taken = true
			r.call.AcceptFile(f.ID)
			return true
		}
		f.given = true
		r.call.StopFile(f.ID)
	case "/cancel":
		f := r.files.named(rest)
		if rest == "" && len(r.files.open) == 1 {
			f = r.files.open[0]
		}
		if f == nil {
			fmt.Fprintln(r.std.err, "visavis: /cancel: say the number of a file that is under way")
			return true
		}
		f.given = true
		r.call.StopFile(f.ID)
	default:
		return false
	}
	return true
}

// fileOutcome is an error if the call was fine and a file was not.
func (r *callRun) fileOutcome() error {
	missed := append(r.files.missed, r.files.queue...)
	if len(missed) == 0 {
		return nil
	}
	return &exitError{exitFiles, fmt.Errorf("not all files have arrived: %s", strings.Join(missed, ", "))}
}

func (r *callRun) offerSentence(f *fileEntry) string {
	what := fmt.Sprintf("%s (%s)", f.Name, bytesText(f.Size))
	if f.Mine {
		return fmt.Sprintf("File %d: offering %s.", f.number, what)
	}
	text := fmt.Sprintf("File %d: the other side offers %s.", f.number, what)
	if f.CanRun {
		text += " This kind of file can run programs when it is opened."
	}
	if r.cfg.Files != nil && !f.taken {
		text += fmt.Sprintf(" /accept %d or /decline %d?", f.number, f.number)
	}
	return text
}

func endSentence(e peer.FileEnded, saves bool) string {
	switch {
	case e.Reason == sealed.FileStopReasonDone && e.Mine:
		return e.Name + " has arrived; the other side has checked it."
	case e.Reason == sealed.FileStopReasonDone:
		return e.Name + " has arrived, is checked, and is saved as " + e.Path
	case e.Reason == sealed.FileStopReasonDeclined && !e.Mine && !saves:
		return e.Name + " was declined; start with --save DIR to take files."
	}
	return e.Name + ": " + whyEnded(e) + "."
}

func whyEnded(e peer.FileEnded) string {
	switch e.Problem {
	case files.ProblemNoSpace:
		return "the disk is full; nothing of it was kept"
	case files.ProblemWrite:
		return "it could not be stored; nothing of it was kept"
	case files.ProblemRead:
		return "it cannot be read any more, or has changed"
	case files.ProblemRules:
		return "the other side broke the rules of file transfer"
	case files.ProblemOver:
		return "the call ended before it had arrived"
	case files.ProblemNone:
	}
	switch e.Reason {
	case sealed.FileStopReasonDeclined:
		return "declined"
	case sealed.FileStopReasonCanceled:
		return "canceled"
	case sealed.FileStopReasonTooLarge:
		return "too large"
	case sealed.FileStopReasonBusy:
		return "too many files at once"
	case sealed.FileStopReasonDamaged:
		return "damaged on the way; nothing of it was kept"
	case sealed.FileStopReasonDone, sealed.FileStopReasonFailed:
	}
	return "it could not be read or stored on the other side"
}

// bytesText is a size for people.
func bytesText(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB"}
	value, unit := float64(n), 0
	for value >= 1024 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}
