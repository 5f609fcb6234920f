package e2ee

import "time"

// fadeTime is how long the keys of an epoch are kept after the other side was
// heard under the next: what was on its way may still be opened.
const fadeTime = 10 * time.Second

// fadeMax is how long they are kept if frames under them still come, as after
// seconds of a slow line.
const fadeMax = time.Minute

// keyring holds the sessions of two people under whose keys frames may be on
// their way. A frame names its epoch, so there is one to seal with and up to
// three to open with.
//
// The keys of the next epoch are used for sending by the guest once it has M4,
// and by the host once it has heard the guest under them: whoever receives has
// the keys before anything comes that needs them, even if M4 is lost.
type keyring struct {
	current  *Session
	next     *Session  // host: M4 is sent, the guest was not heard under it yet
	previous *Session  // opens what was sealed before the change
	lastFade time.Time // fadeAt is not moved beyond
	fadeAt   time.Time // when previous is wiped; zero: current was not heard yet
}

// change makes s the session to send under.
func (k *keyring) change(s *Session) {
	if k.previous != nil {
		k.previous.Wipe()
	}
	k.previous, k.current, k.next, k.fadeAt = k.current, s, nil, time.Time{}
}

// expect keeps s to open frames with, until one comes.
func (k *keyring) expect(s *Session) {
	if k.next != nil {
		k.next.Wipe()
	}
	k.next = s
}

// heard says that a frame was opened with s.
func (k *keyring) heard(s *Session, now time.Time) {
	switch {
	case k.previous == nil:
	case s == k.current && k.fadeAt.IsZero():
		k.fadeAt, k.lastFade = now.Add(fadeTime), now.Add(fadeMax)
	case s == k.previous && !k.fadeAt.IsZero():
		k.fadeAt = earlier(now.Add(fadeTime), k.lastFade)
	}
}

func (k *keyring) tick(now time.Time) {
	if due(k.fadeAt, now) {
		k.previous.Wipe()
		k.previous, k.fadeAt = nil, time.Time{}
	}
}

// opener is the session whose epoch the frame names. It is nil, without an
// error, for a frame that was sealed under keys that are gone by now.
func (k *keyring) opener(frame []byte) (*Session, error) {
	if len(frame) < sealedHeader {
		return nil, fail(CodeSeq, "not a sealed frame")
	}
	epoch := uint16(frame[1])<<8 | uint16(frame[2])
	for _, s := range k.all() {
		if s.epoch == epoch {
			return s, nil
		}
	}
	if k.current != nil && epoch < k.current.epoch {
		return nil, nil
	}
	return nil, fail(CodeSeq, "sealed frame of another epoch")
}

func (k *keyring) all() []*Session {
	out := make([]*Session, 0, 3)
	for _, s := range []*Session{k.next, k.current, k.previous} {
		if s != nil {
			out = append(out, s)
		}
	}
	return out
}

// bound says that the other side has another data channel from now on. What was
// said over the old one may be lost, so the first frame over the new one may
// skip counters; those after it may not.
func (k *keyring) bound() {
	for _, s := range k.all() {
		s.data.skip = true
	}
}

// worn reports whether a key of the session in use has sealed its share.
func (k *keyring) worn(limit uint64) bool {
	s := k.current
	return s != nil && max(s.signaling.sent, s.signaling.received, s.data.sent, s.data.received) >= limit
}

// The data lane of a party: sealed frames over the data channel, opened by
// their epoch. All of it is an error while there are no keys.

func (k *keyring) sealData(json []byte) ([]byte, error) {
	if k == nil || k.current == nil {
		return nil, fail(CodeState, "handshake is not complete")
	}
	return k.current.SealData(json)
}

func (k *keyring) openData(frame []byte) (json []byte, s *Session, err error) {
	if k == nil {
		return nil, nil, fail(CodeState, "handshake is not complete")
	}
	if s, err = k.opener(frame); s == nil {
		return nil, nil, err
	}
	json, err = s.OpenData(frame)
	return json, s, err
}

func (k *keyring) sealFile(plain []byte) ([]byte, error) {
	if k == nil || k.current == nil {
		return nil, fail(CodeState, "handshake is not complete")
	}
	return k.current.SealFile(plain), nil
}

func (k *keyring) openFile(frame []byte) (plain []byte, s *Session, err error) {
	if k == nil {
		return nil, nil, fail(CodeState, "handshake is not complete")
	}
	if s, err = k.opener(frame); s == nil {
		return nil, nil, err
	}
	plain, err = s.OpenFile(frame)
	return plain, s, err
}

func (k *keyring) bind(role Role, fpGuest, fpHost [32]byte) (proof [32]byte, err error) {
	if k == nil || k.current == nil {
		return proof, fail(CodeState, "handshake is not complete")
	}
	return k.current.Bind(role, fpGuest, fpHost), nil
}

// checkBind takes the proof of any epoch that is alive: the other side may have
// changed its keys a moment before or after us.
func (k *keyring) checkBind(got []byte, role Role, fpGuest, fpHost [32]byte) error {
	if k == nil {
		return fail(CodeState, "handshake is not complete")
	}
	err := fail(CodeBind, "media connection is not bound to this handshake")
	for _, s := range k.all() {
		if e := s.CheckBind(got, role, fpGuest, fpHost); e == nil {
			err = nil
		}
	}
	if err == nil {
		k.bound()
	}
	return err
}
