package peer

import (
	"time"

	"github.com/visavis-call/visavis/protocol/sealed"
)

// The rule is that of docs/protocol.md, "Beats"; the browser's is web/src/engine/pulse.ts.
const (
	// pulseLook is how often the traffic is looked at.
	pulseLook = 100 * time.Millisecond
	// pulseBeat is how soon something of ours arrives at the other side, media or not.
	pulseBeat = 300 * time.Millisecond
	// pulseLate bounds what one look may add to a silence: if it comes later, this
	// machine was busy, and the time says nothing about the path.
	pulseLate = 2 * pulseLook
	// pulseMemory is for how long a pause is remembered, at least.
	pulseMemory = 10 * time.Second
	// pulseSuspicion is for how long a sign that the network has changed counts.
	pulseSuspicion = 3 * time.Second
	// pulseUnpromised is what one may be silent who promises nothing: even a mere
	// receiver reports once a second.
	pulseUnpromised = 3 * time.Second
	// pulsePatience is for how long silence may be twice as long, and pulsePatient,
	// after an alarm that was none.
	pulsePatience = 30 * time.Second
	pulsePatient  = 1500 * time.Millisecond
	// pulseLabel is how much longer a silence lasts that is worth a word: most are
	// over by then.
	pulseLabel = 300 * time.Millisecond

	forever = time.Duration(1<<62 - 1)
)

// flow is one look at a bound connection: totals of bytes, and the addresses of the
// pair in use, without ports; "" while none is selected.
type flow struct {
	received, sent uint64
	pair           string
}

// pulse feels whether the other party is there, by what arrives and by nothing else.
// So that a muted party is not taken for a dead path, both promise by beats how soon
// they will be heard, and say something when they have sent nothing else. It has no
// clock: time is given with each look.
type pulse struct {
	last         *flow
	lookedAt     time.Time
	quiet        time.Duration // nothing came, as far as this machine was awake to notice
	mute         time.Duration // since we sent something
	promise      time.Duration // theirs; 0: none
	promised     bool          // ours
	silentSince  time.Time     // zero: not silent
	judging      bool          // an alarm is over; by which path is not known yet
	pair         string        // when the alarm was raised
	pauses       pauses
	suspectUntil time.Time
	patientUntil time.Time
}

// pauses are the longest of late, by this and by the last stretch of pulseMemory.
type pauses struct {
	now, before time.Duration
	since       time.Time
}

// felt is what a look has found.
type felt struct {
	silent bool // nothing has come for longer than it should: said once
	heard  bool // something comes again
	beat   bool // the other party is to be told when it will hear from us
}

// renew is for another connection, or another client at its other end: promises
// begin anew.
func (p *pulse) renew() {
	*p = pulse{suspectUntil: p.suspectUntil, patientUntil: p.patientUntil}
}

func (p *pulse) silent() bool { return !p.silentSince.IsZero() }

// promises is theirs to be heard within ms.
func (p *pulse) promises(ms int64) {
	ms = min(max(ms, pulseBeat.Milliseconds()), sealed.LimitBeatMS)
	p.promise = time.Duration(ms) * time.Millisecond
}

// suspect looks closer for a while: the server has fallen silent.
func (p *pulse) suspect(now time.Time) { p.suspectUntil = now.Add(pulseSuspicion) }

// look compares with the look before; f is nil while there is no bound connection.
// sending: the other side says that it sends something.
func (p *pulse) look(now time.Time, f *flow, sending bool) (found felt) {
	before, passed := p.last, now.Sub(p.lookedAt)
	p.last, p.lookedAt = f, now
	if f == nil {
		return found
	}
	found.beat = p.mustBeat(before == nil || f.sent != before.sent, passed)
	if p.pauses.since.IsZero() {
		p.pauses = pauses{before: forever, since: now}
	}
	if before == nil {
		return found
	}
	p.judge(f.pair, now)
	if f.received != before.received {
		found.heard = p.hear(f.pair, now)
		return found
	}
	p.quiet += min(passed, pulseLate)
	if !p.silent() && p.quiet >= p.allowed(now, sending) {
		p.silentSince, p.pair, p.judging = now, f.pair, false
		found.silent = true
	}
	return found
}

func (p *pulse) mustBeat(sent bool, passed time.Duration) bool {
	p.mute += passed
	if sent {
		p.mute = 0
	}
	// One look early: it takes its time to get there.
	if p.promised && p.mute < pulseBeat-pulseLook {
		return false
	}
	p.mute, p.promised = 0, true
	return true
}

// unsaid: the beat did not leave.
func (p *pulse) unsaid() { p.promised = false }

// hear ends a silence, and reports whether it was an alarming one.
func (p *pulse) hear(pair string, now time.Time) bool {
	quiet := p.quiet
	p.quiet = 0
	if now.Sub(p.pauses.since) > pulseMemory {
		p.pauses = pauses{before: p.pauses.now, since: now}
	}
	if !p.silent() {
		p.pauses.now = max(p.pauses.now, quiet)
		return false
	}
	p.silentSince, p.judging = time.Time{}, true
	p.judge(pair, now)
	return true
}

// judge says whether an alarm was one. After a restart a pair may carry data before
// it is selected. The ports are never those from before, but if the addresses are,
// nothing was dead.
func (p *pulse) judge(pair string, now time.Time) {
	if !p.judging || pair == "" {
		return
	}
	p.judging = false
	if pair == p.pair {
		p.patientUntil = now.Add(pulsePatience)
	}
}

// allowed is how much silence is not alarming. Two beats in a row may be lost or
// late; less if what comes has not paused for long lately, as media does not.
func (p *pulse) allowed(now time.Time, sending bool) time.Duration {
	if p.promise == 0 {
		if sending {
			return pulseUnpromised
		}
		return forever
	}
	pause := max(p.pauses.now, p.pauses.before, pulseLook)
	allowed := 2*p.promise + 200*time.Millisecond
	if pause < allowed {
		allowed = min(allowed, 300*time.Millisecond+2*pause)
	}
	if now.Before(p.suspectUntil) {
		allowed = p.promise + 150*time.Millisecond // one beat that is late is enough
	}
	if now.Before(p.patientUntil) {
		allowed = max(2*allowed, pulsePatient)
	}
	return allowed
}
