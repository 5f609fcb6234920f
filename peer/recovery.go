package peer

import "time"

// The schedule is the browser's, web/src/engine/recovery.ts.
const (
	// recoveryHeadStart is by how much the guest lets the host go first: if both have
	// noticed, one of the two offers would be in vain.
	recoveryHeadStart = 200 * time.Millisecond
	// recoverySame: two reasons to restart that come this close together are one.
	recoverySame = 300 * time.Millisecond
	// recoveryInVain is after how many restarts another connection is tried.
	recoveryInVain = 4
	// recoveryFirst and recoveryLast are between two restarts: twice the one before,
	// up to the last.
	recoveryFirst = time.Second
	recoveryLast  = 4 * time.Second
	// How long a new connection gets to connect.
	recoveryConnectHost  = 5 * time.Second
	recoveryConnectGuest = 9 * time.Second
)

// recovery says when to restart ICE while media is lost: at once, and then now and
// again. It has no clock; due is asked often.
type recovery struct {
	guest       bool
	active      bool
	next        time.Time
	fresh       bool // the connection has to connect first: a restart would only put it back
	waits       int  // begun since the schedule began
	tries       int  // restarts of this connection
	restartedAt time.Time
	theirsAt    time.Time
}

// begin says that media is lost. Again while it already is: nothing new.
func (r *recovery) begin(now time.Time) {
	if r.active {
		return
	}
	r.active, r.fresh, r.waits, r.tries = true, false, 0, 0
	if now.Sub(r.theirsAt) < recoveryFirst { // they have noticed before we did
		r.wait(now)
		return
	}
	r.next = now.Add(r.headStart())
}

// hurry is for a new way to try, or to tell the other side: now rather than later.
func (r *recovery) hurry(now time.Time) {
	if r.active && r.waits > 0 && now.Sub(r.restartedAt) >= recoverySame {
		r.waits, r.next = 0, now
	}
}

// theirs: the other side has restarted. What it offers is as good as what we would,
// and gets its time.
func (r *recovery) theirs(now time.Time) {
	r.theirsAt = now
	if r.active {
		r.wait(now)
	}
}

// replaced: there is another connection, which has to connect first.
func (r *recovery) replaced(now time.Time) {
	r.fresh, r.waits, r.tries = true, 0, 0
	r.wait(now)
}

// end: media is back.
func (r *recovery) end() { r.active = false }

// due reports that it is time to act, once each time.
func (r *recovery) due(now time.Time) bool {
	if !r.active || now.Before(r.next) {
		return false
	}
	r.wait(now)
	return true
}

// restarts notes that one is made now, and reports whether those before were in
// vain: then another connection is to be made instead.
func (r *recovery) restarts(now time.Time) (inVain bool) {
	r.restartedAt = now
	r.tries++
	return r.tries > recoveryInVain
}

func (r *recovery) wait(now time.Time) {
	switch {
	case !r.fresh:
		r.next = now.Add(min(recoveryFirst<<min(r.waits, 8), recoveryLast) + r.headStart())
	case r.guest:
		r.next = now.Add(recoveryConnectGuest)
	default:
		r.next = now.Add(recoveryConnectHost)
	}
	r.waits++
}

func (r *recovery) headStart() time.Duration {
	if r.guest {
		return recoveryHeadStart
	}
	return 0
}
