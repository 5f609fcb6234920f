package testkit

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/mediafile"
	"github.com/visavis-call/visavis/peer"
)

// Party is a native party of a test. Its events are collected as they come and
// taken out by [Await].
type Party struct {
	*peer.Call
	Name string

	t       testing.TB
	changed *sync.Cond
	mu      sync.Mutex
	events  []peer.Event // not taken yet
	over    bool         // no more will come
	frames  map[string]int
}

// Host starts the host of link; adjust may change its Config. It sends the
// built-in picture and tone and asks before it admits anybody.
func (s *Server) Host(link e2ee.Link, adjust func(*peer.Config)) *Party {
	s.t.Helper()
	return s.Join("host", peer.Config{Link: link, Name: "Hanna"}, adjust)
}

// Guest starts a guest of link, which may be the host's link.
func (s *Server) Guest(link e2ee.Link, adjust func(*peer.Config)) *Party {
	s.t.Helper()
	if link.Host() {
		link = link.Guest()
	}
	return s.Join("guest", peer.Config{Link: link, Name: "Gustav"}, adjust)
}

// Join starts a party. It hangs up when the test ends.
func (s *Server) Join(name string, cfg peer.Config, adjust func(*peer.Config)) *Party {
	s.t.Helper()
	p := &Party{Name: name, t: s.t, frames: map[string]int{}}
	p.changed = sync.NewCond(&p.mu)
	picture, tone, err := Media()
	s.check(err)
	cfg.Origin, cfg.Video, cfg.Audio, cfg.Sink, cfg.Log = s.Origin, picture, tone, p, s.log
	if adjust != nil {
		adjust(&cfg)
	}
	p.Call, err = peer.Start(s.t.Context(), cfg)
	s.check(err)
	go p.collect()
	s.t.Cleanup(func() {
		p.Hangup()
		<-p.Done()
	})
	return p
}

func (p *Party) collect() {
	for e := range p.Events() {
		p.mu.Lock()
		p.events = append(p.events, e)
		p.changed.Broadcast()
		p.mu.Unlock()
	}
	p.mu.Lock()
	p.over = true
	p.changed.Broadcast()
	p.mu.Unlock()
}

// WriteFrame implements peer.Sink: it counts.
func (p *Party) WriteFrame(track peer.Track, _ peer.Frame) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frames[track.MID]++
	p.changed.Broadcast()
	return nil
}

// wait blocks until ok, which is called with the lock held.
func (p *Party) wait(what string, ok func() bool) {
	p.t.Helper()
	timeout := false
	timer := time.AfterFunc(Timeout, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		timeout = true
		p.changed.Broadcast()
	})
	defer timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for !ok() {
		if timeout || p.over {
			p.t.Fatalf("%s: waited in vain for %s; unread events: %s; frames: %v", p.Name, what, describe(p.events), p.frames)
		}
		p.changed.Wait()
	}
}

func describe(events []peer.Event) string {
	out := ""
	for _, e := range events {
		out += fmt.Sprintf("%T%+v ", e, e)
	}
	return out
}

// AwaitFrames waits until n frames of the track with this m-line have come. MIDs
// of the media plan: 0 host's sound, 1 host's picture, 2 guest's sound, 3
// guest's picture.
func (p *Party) AwaitFrames(mid string, n int) {
	p.t.Helper()
	p.wait(fmt.Sprintf("%d frames of m-line %s", n, mid), func() bool { return p.frames[mid] >= n })
}

// AwaitMoreFrames waits for n frames beyond those that have come by now.
func (p *Party) AwaitMoreFrames(mid string, n int) {
	p.t.Helper()
	p.mu.Lock()
	n += p.frames[mid]
	p.mu.Unlock()
	p.AwaitFrames(mid, n)
}

// Frames is how many frames of the track with this m-line have come.
func (p *Party) Frames(mid string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.frames[mid]
}

// Tracks lists the m-lines that frames have come from.
func (p *Party) Tracks() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var mids []string
	for mid := range p.frames {
		mids = append(mids, mid)
	}
	slices.Sort(mids)
	return mids
}

// Seen reports whether an event of type E that matches is among those not taken
// yet. Use it only for what cannot come any more.
func Seen[E peer.Event](p *Party, match func(E) bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return find(p.events, match) >= 0
}

// Await takes the first event of type E that matches (nil: any), waiting for it.
func Await[E peer.Event](p *Party, match func(E) bool) (found E) {
	p.t.Helper()
	p.wait(fmt.Sprintf("%T", found), func() bool {
		i := find(p.events, match)
		if i < 0 {
			return false
		}
		found = p.events[i].(E)
		p.events = slices.Delete(p.events, i, i+1)
		return true
	})
	return found
}

func find[E peer.Event](events []peer.Event, match func(E) bool) int {
	return slices.IndexFunc(events, func(e peer.Event) bool {
		wanted, ok := e.(E)
		return ok && (match == nil || match(wanted))
	})
}

// AwaitPhase waits until the party has come to phase.
func AwaitPhase(p *Party, phase peer.Phase) {
	p.t.Helper()
	Await(p, func(e peer.PhaseChanged) bool { return e.Phase == phase })
}

// AwaitEnd waits for the end.
func AwaitEnd(p *Party) peer.Ended {
	p.t.Helper()
	return Await[peer.Ended](p, nil)
}

// AdmitKnock waits for the next knock and lets it in.
func AdmitKnock(p *Party) peer.Knocked {
	p.t.Helper()
	knock := Await[peer.Knocked](p, nil)
	p.Admit(knock.Slot)
	return knock
}

// Unread lists the events that nobody has taken yet, as text.
func (p *Party) Unread() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, e := range p.events {
		out = append(out, fmt.Sprintf("%T%+v", e, e))
	}
	return out
}

// Live brings a host and a guest of a fresh call together.
func (s *Server) Live(adjust func(*peer.Config)) (host, guest *Party) {
	s.t.Helper()
	link := s.NewCall(0)
	host = s.Host(link, adjust)
	AwaitPhase(host, peer.PhaseAlone)
	guest = s.Guest(link, adjust)
	AdmitKnock(host)
	AwaitLive(host, guest)
	return host, guest
}

// AwaitLive waits until all parties are connected and bound.
func AwaitLive(parties ...*Party) {
	for _, p := range parties {
		p.t.Helper()
		Await[peer.Connected](p, nil)
	}
}

// picture and tone adapt the built-in media.
type picture struct{ *mediafile.IVF }

func (v picture) Codec() peer.Codec { return peer.Codec(v.IVF.Codec()) }

func (v picture) Next() (peer.Frame, error) {
	f, err := v.IVF.Next()
	return peer.Frame{Data: f.Data, Duration: f.Duration}, err
}

type tone struct{ *mediafile.Ogg }

func (tone) Codec() peer.Codec { return peer.CodecOpus }

func (o tone) Next() (peer.Frame, error) {
	f, err := o.Ogg.Next()
	return peer.Frame{Data: f.Data, Duration: f.Duration}, err
}

// Pattern returns a further picture to share.
func Pattern(t testing.TB) peer.Source {
	t.Helper()
	video, _, err := Media()
	if err != nil {
		t.Fatal(err)
	}
	return video
}

// Media are the built-in picture and tone.
func Media() (video, audio peer.Source, err error) {
	ivf, err := mediafile.Pattern()
	if err != nil {
		return nil, nil, err
	}
	ogg, err := mediafile.Tone()
	return picture{ivf}, tone{ogg}, err
}
