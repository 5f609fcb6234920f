package e2ee

import (
	"crypto/subtle"
	"math"
	"sync"
	"time"
)

// FrameKind is which of a party's streams a media frame belongs to. Each has a
// key of its own, so a frame cannot be moved from one to another.
type FrameKind uint8

// The kinds of media frames.
const (
	FrameMicrophone  FrameKind = 0
	FrameCamera      FrameKind = 1
	FrameScreen      FrameKind = 2
	FrameScreenSound FrameKind = 3
)

// previousEpochLife is how long a receiver keeps the keys of the epoch before:
// frames sealed with them are still under way when a re-key ends.
const previousEpochLife = 10 * time.Second

// The results of [FrameOpener.Open] that are not a frame.
const (
	FrameOpened  FrameResult = iota
	FrameRepeat              // seen before, or older than the replay window
	FrameNoKey               // of an epoch that is still to come: ask for a re-key
	FrameOld                 // of an epoch whose keys are gone
	FrameInvalid             // no SFrame of this stream, or it does not authenticate
)

// FrameResult says what became of a received media frame. Only [FrameOpened]
// may be played.
type FrameResult int

// frameKID numbers a key (docs/protocol.md, section 10).
func frameKID(epoch uint16, sender Role, kind FrameKind) uint64 {
	kid := uint64(epoch)*8 + uint64(kind)
	if sender == RoleHost {
		kid += 4
	}
	return kid
}

func frameBaseKey(media []byte, epoch uint16, sender Role, kind FrameKind) []byte {
	label := "sframe g2h"
	if sender == RoleHost {
		label = "sframe h2g"
	}
	return expand(media, label, []byte{byte(epoch >> 8), byte(epoch), byte(kind)}, 32)
}

// frameMetadata is authenticated with each frame: what it is, and its clear prefix.
func frameMetadata(kind FrameKind, clear []byte) []byte {
	return append(append([]byte(prefix+"media"), byte(kind), byte(len(clear))), clear...)
}

// frameClear is how much of a frame stays readable: what the payloader and
// depayloader of VP8 look at (RFC 6386 §9.1). VP9 and Opus need nothing.
func frameClear(vp8 bool, frame []byte) int {
	switch {
	case !vp8 || len(frame) == 0:
		return 0
	case frame[0]&1 == 0:
		return 10
	default:
		return 1
	}
}

// FrameSealer encrypts the media frames a party sends (SFrame, RFC 9605). It
// owns the counters: they never repeat, whatever happens to tracks and
// connections. Safe for concurrent use.
type FrameSealer struct {
	role Role

	mu    sync.Mutex
	set   bool
	epoch uint16
	media [64]byte
	keys  map[FrameKind]*sealingKey
}

type sealingKey struct {
	*sframeKey
	next uint64
}

// NewFrameSealer makes the sealer of the party with this role. Without keys it seals nothing.
func NewFrameSealer(role Role) *FrameSealer { return &FrameSealer{role: role} }

// SetKeys takes the media secret of a session into use; the same one again
// changes nothing, so that counters go on.
func (s *FrameSealer) SetKeys(epoch uint16, media [64]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set && subtle.ConstantTimeCompare(s.media[:], media[:]) == 1 {
		return
	}
	s.set, s.epoch, s.media, s.keys = true, epoch, media, map[FrameKind]*sealingKey{}
}

// Seal returns clear || header || ciphertext || tag. vp8 says that the frame is
// VP8, which keeps a readable prefix. It returns false, and no frame may be sent,
// while there are no keys or if the frame is shorter than its prefix.
func (s *FrameSealer) Seal(kind FrameKind, vp8 bool, frame []byte) ([]byte, bool) {
	n := frameClear(vp8, frame)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.set || len(frame) == 0 || len(frame) < n {
		return nil, false
	}
	key := s.keys[kind]
	if key == nil {
		base := frameBaseKey(s.media[:], s.epoch, s.role, kind)
		key = &sealingKey{sframeKey: newSFrameKey(frameKID(s.epoch, s.role, kind), base)}
		wipe(base)
		s.keys[kind] = key
	}
	ctr := key.next
	if ctr == math.MaxUint64 {
		return nil, false
	}
	key.next++
	out := make([]byte, n, len(frame)+sframeHeaderMax+sframeTagLen)
	copy(out, frame)
	return key.seal(out, ctr, frameMetadata(kind, frame[:n]), frame[n:]), true
}

// FrameOpener decrypts the media frames a party receives. Safe for concurrent use.
type FrameOpener struct {
	sender Role

	mu     sync.Mutex
	epochs []*openingEpoch // newest first, at most two
}

type openingEpoch struct {
	epoch uint16
	media [64]byte
	ends  time.Time // zero: in use
	keys  map[FrameKind]*openingKey
}

type openingKey struct {
	*sframeKey
	seen replayWindow
}

// NewFrameOpener makes the opener for what the party with the role sender sends.
func NewFrameOpener(sender Role) *FrameOpener { return &FrameOpener{sender: sender} }

// SetKeys takes the media secret of a session into use. Of the epoch before,
// keys are kept for ten seconds; a session that does not continue the last one
// (its epoch is not higher) replaces everything.
func (o *FrameOpener) SetKeys(epoch uint16, media [64]byte, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	fresh := &openingEpoch{epoch: epoch, media: media, keys: map[FrameKind]*openingKey{}}
	if len(o.epochs) == 0 || epoch < o.epochs[0].epoch {
		o.epochs = []*openingEpoch{fresh}
		return
	}
	last := o.epochs[0]
	if epoch == last.epoch {
		if subtle.ConstantTimeCompare(last.media[:], media[:]) == 0 {
			o.epochs = []*openingEpoch{fresh}
		}
		return
	}
	last.ends = now.Add(previousEpochLife)
	o.epochs = []*openingEpoch{fresh, last}
}

// Open decrypts one frame of the stream kind. Anything but [FrameOpened] has to be dropped.
func (o *FrameOpener) Open(kind FrameKind, vp8 bool, frame []byte, now time.Time) ([]byte, FrameResult) {
	n := frameClear(vp8, frame)
	if len(frame) < n {
		return nil, FrameInvalid
	}
	kid, ctr, header, sealed, ok := takeSFrameHeader(frame[n:])
	if !ok {
		return nil, FrameInvalid
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	key, result := o.key(kid, kind, now)
	if key == nil {
		return nil, result
	}
	if !key.seen.fresh(ctr) {
		return nil, FrameRepeat
	}
	out := make([]byte, n, len(frame))
	copy(out, frame)
	if out, ok = key.open(out, ctr, header, frameMetadata(kind, frame[:n]), sealed); !ok {
		return nil, FrameInvalid
	}
	key.seen.add(ctr)
	return out, FrameOpened
}

// key finds the key of a KID, which must be one of this stream.
func (o *FrameOpener) key(kid uint64, kind FrameKind, now time.Time) (*openingKey, FrameResult) {
	if kid&7 != frameKID(0, o.sender, kind) || kid>>3 > math.MaxUint16 {
		return nil, FrameInvalid
	}
	epoch := uint16(kid >> 3)
	if len(o.epochs) == 0 || epoch > o.epochs[0].epoch {
		return nil, FrameNoKey
	}
	for _, e := range o.epochs {
		if e.epoch != epoch || !e.ends.IsZero() && now.After(e.ends) {
			continue
		}
		key := e.keys[kind]
		if key == nil {
			base := frameBaseKey(e.media[:], epoch, o.sender, kind)
			key = &openingKey{sframeKey: newSFrameKey(kid, base)}
			wipe(base)
			e.keys[kind] = key
		}
		return key, FrameOpened
	}
	return nil, FrameOld
}

// replayWindow remembers the last 1024 counters. Networks and transforms do
// repeat frames now and then without meaning harm.
type replayWindow struct {
	any     bool
	highest uint64
	bits    [replaySpan / 64]uint64 // bit ctr mod 1024
}

const replaySpan = 1024

func (w *replayWindow) fresh(ctr uint64) bool {
	switch {
	case !w.any || ctr > w.highest:
		return true
	case w.highest-ctr >= replaySpan:
		return false
	default:
		return w.bits[ctr%replaySpan/64]&(1<<(ctr%64)) == 0
	}
}

// add marks a fresh counter whose frame has been authenticated.
func (w *replayWindow) add(ctr uint64) {
	if !w.any || ctr > w.highest {
		if !w.any || ctr-w.highest >= replaySpan {
			w.bits = [replaySpan / 64]uint64{}
		} else {
			for c := w.highest + 1; c < ctr; c++ {
				w.bits[c%replaySpan/64] &^= 1 << (c % 64)
			}
		}
		w.any, w.highest = true, ctr
	}
	w.bits[ctr%replaySpan/64] |= 1 << (ctr % 64)
}
