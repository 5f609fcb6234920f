package e2ee

import (
	"crypto/hmac"
	"log/slog"
)

// Role is which end of a call a party is. It follows from the kind of link.
type Role string

// The roles.
const (
	RoleGuest Role = "guest"
	RoleHost  Role = "host"
)

// outcome is what a handshake settled, beside the keys.
type outcome struct {
	epoch    uint16
	resumed  bool
	verified bool
	peer     Caps
	policy   Policy
}

// Session is what a completed handshake leaves: keys, words, policy. It is not
// safe for concurrent use. It is a secret and prints as [redacted].
type Session struct {
	outcome
	sas          SAS
	id           [16]byte
	media        [64]byte
	bindGuest    [64]byte
	bindHost     [64]byte
	resumeID     [16]byte
	resumeSecret [32]byte
	signaling    duplex // sealed frames through the server
	data         duplex // sealed frames over the data channel
	files        duplex // frames of files, over a data channel of their own
}

// newSession derives everything from the root key, which it wipes. The context
// is th4: the whole handshake.
func newSession(role Role, prk, th4 []byte, o outcome) *Session {
	defer wipe(prk)
	s := &Session{outcome: o}
	s.sas = newSAS([8]byte(expand(prk, "sas", th4, 8)))
	s.id = [16]byte(expand(prk, "session id", th4, 16))
	s.media = [64]byte(expand(prk, "media", th4, 64))
	s.bindGuest = [64]byte(expand(prk, "bind guest", th4, 64))
	s.bindHost = [64]byte(expand(prk, "bind host", th4, 64))
	s.resumeID = [16]byte(expand(prk, "resume id", th4, 16))
	s.resumeSecret = [32]byte(expand(prk, "resume", th4, 32))
	s.signaling = newDuplex(frameSealed, "seal", role, prk, th4, o.epoch)
	s.data = newDuplex(frameData, "dc", role, prk, th4, o.epoch)
	s.files = newDuplex(frameData, "files", role, prk, th4, o.epoch)
	return s
}

// Epoch counts the handshakes of one chain of resumptions, from 0.
func (s *Session) Epoch() uint16 { return s.epoch }

// SAS returns the verification words.
func (s *Session) SAS() SAS { return s.sas }

// Resumed reports whether this session continues an earlier one.
func (s *Session) Resumed() bool { return s.resumed }

// Verified reports whether this person said that the words match, in this
// session or in one that it continues.
func (s *Session) Verified() bool { return s.verified }

// PeerCaps is what the other side announced.
func (s *Session) PeerCaps() Caps { return s.peer }

// Policy is what holds for this session.
func (s *Session) Policy() Policy { return s.policy }

// ID names the session on both sides, for a person who asks for help. It opens
// nothing, and the server does not know it.
func (s *Session) ID() [16]byte { return s.id }

// Media is the root of the keys for media frames; see the package comment.
func (s *Session) Media() [64]byte { return s.media }

// Bind is the first message of role over the data channel: it proves that the
// media connection with these two certificates (their sha-256) belongs to this
// handshake.
func (s *Session) Bind(role Role, fpGuest, fpHost [32]byte) [32]byte {
	key := &s.bindGuest
	if role == RoleHost {
		key = &s.bindHost
	}
	epoch := []byte{byte(s.epoch >> 8), byte(s.epoch)}
	return [32]byte(mac(key[:], lv([]byte(prefix+"bind"), epoch, fpGuest[:], fpHost[:])))
}

// CheckBind returns [CodeBind] unless got is role's [Session.Bind]; role is the
// sender's. It compares in constant time.
func (s *Session) CheckBind(got []byte, role Role, fpGuest, fpHost [32]byte) error {
	if want := s.Bind(role, fpGuest, fpHost); !hmac.Equal(want[:], got) {
		return fail(CodeBind, "media connection is not bound to this handshake")
	}
	return nil
}

// SealData seals one JSON message for the data channel. It returns [CodeSize]
// or [CodeParse] for JSON that the other side would refuse.
func (s *Session) SealData(json []byte) ([]byte, error) {
	if _, err := messageType(json); err != nil {
		return nil, err
	}
	return s.data.seal(json), nil
}

// OpenData opens a frame from the data channel and returns its JSON. After
// [CodeSeq] the session cannot go on: a frame was lost, repeated or forged.
func (s *Session) OpenData(frame []byte) ([]byte, error) {
	json, err := s.data.open(frame)
	if err != nil {
		return nil, err
	}
	if _, err := messageType(json); err != nil {
		return nil, err
	}
	return json, nil
}

// SealFile seals a part of a file for the data channel files.
func (s *Session) SealFile(plain []byte) []byte { return s.files.seal(plain) }

// OpenFile opens a frame of the data channel files, or returns [CodeSeq]. What a
// lost connection had on its way is gone, so frames may be missing; they are
// never repeated or out of order.
func (s *Session) OpenFile(frame []byte) ([]byte, error) { return s.files.openLater(frame) }

// Wipe overwrites the keys. The session cannot be used afterwards.
func (s *Session) Wipe() {
	wipe(s.media[:], s.bindGuest[:], s.bindHost[:], s.resumeSecret[:])
	s.signaling, s.data, s.files = duplex{}, duplex{}, duplex{}
}

// String keeps keys out of logs.
func (*Session) String() string { return redacted }

// GoString keeps keys out of %#v.
func (*Session) GoString() string { return redacted }

// LogValue keeps keys out of structured logs.
func (*Session) LogValue() slog.Value { return slog.StringValue(redacted) }
