package e2ee

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/mlkem"
	"io"
	"time"

	"github.com/gtank/ristretto255"
)

// terms are what both sides of one handshake know before it begins.
type terms struct {
	link     Link
	password []byte // stretched, or empty
	cidGuest [16]byte
	cidHost  [16]byte
}

// sid has a fresh contribution of each side, so nothing recorded fits again.
func (t *terms) sid() []byte { return append(t.cidGuest[:], t.cidHost[:]...) }

func (t *terms) ci() []byte {
	return lv([]byte(prefix+"ci"), versionSuite(), t.link.callID[:], t.link.hkh[:], []byte(RoleGuest), []byte(RoleHost))
}

func (t *terms) generator() *ristretto255.Element {
	prs := lv([]byte(prefix+"prs"), t.link.l[:], t.password)
	defer wipe(prs)
	return cpaceGenerator(prs, t.ci(), t.sid())
}

// transcript2 is th2: everything up to M2 but its signature.
func (t *terms) transcript2(m1, m2Signed []byte) []byte {
	return h(lv([]byte(prefix+"transcript"), versionSuite(), t.link.callID[:], t.cidGuest[:], t.cidHost[:], m1, m2Signed))
}

func signedTranscript(th2 []byte) []byte { return append([]byte(prefix+"host sig"), th2...) }

func commitment(nonce []byte) []byte { return h32([]byte(prefix+"commit"), nonce) }

// rootKey mixes all three agreements; who misses one of them misses the key.
func (t *terms) rootKey(th2, isk, kemSecret, resumeSecret []byte) []byte {
	ikm := lv(isk, kemSecret, t.link.psk[:], resumeSecret)
	defer wipe(ikm, isk, kemSecret)
	return extract(th2, ikm)
}

func guestTag(prk, th2, nonce []byte) []byte {
	return mac(expand(prk, "confirm guest", th2, 64), []byte(prefix+"tag guest"), th2, nonce)
}

func hostTag(prk, th3, nonce []byte) []byte {
	return mac(expand(prk, "confirm host", th3, 64), []byte(prefix+"tag host"), th3, nonce)
}

func transcript3(th2, m3 []byte) []byte { return h(lv([]byte(prefix+"th3"), th2, m3)) }
func transcript4(th3, m4 []byte) []byte { return h(lv([]byte(prefix+"th4"), th3, m4)) }

// guestRandom is all that is random in a guest's handshake.
type guestRandom struct {
	y     [64]byte // CPace scalar, before reduction
	kem   [64]byte // seed of the ML-KEM key, d || z
	sig   [32]byte // seed of the guest's session signing key
	nonce [32]byte // rG
}

func newGuestRandom(random io.Reader) (*guestRandom, error) {
	r := &guestRandom{}
	for _, b := range [][]byte{r.y[:], r.kem[:], r.sig[:], r.nonce[:]} {
		if err := fill(random, b); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *guestRandom) wipe() { wipe(r.y[:], r.kem[:], r.sig[:]) }

// guestHandshake is one run, seen by the guest: start, receiveM2, receiveM4.
type guestHandshake struct {
	terms
	caps   Caps
	resume *ResumeState // nil: fresh session
	scalar *ristretto255.Scalar
	kem    *mlkem.DecapsulationKey768
	nonce  [32]byte
	m1     []byte
	yg, ad []byte

	// Set by receiveM2.
	prk, th3 []byte
	m2       *message2
	policy   Policy
}

// startGuest begins a handshake; m1 of the result is to be sent.
func startGuest(t terms, caps Caps, rawCaps []byte, resume *ResumeState, r *guestRandom) *guestHandshake {
	defer r.wipe()
	kem, err := mlkem.NewDecapsulationKey768(r.kem[:])
	if err != nil {
		panic("e2ee: ml-kem: " + err.Error()) // a seed of the right size is always valid
	}
	g := &guestHandshake{terms: t, caps: caps, resume: resume, scalar: cpaceScalar(r.y), kem: kem, nonce: r.nonce}
	g.yg = ristretto255.NewIdentityElement().ScalarMult(g.scalar, g.generator()).Bytes()
	// The public half is in the transcript, so that it can vouch for what the
	// guest signs later in this session.
	signing := ed25519.NewKeyFromSeed(r.sig[:])
	defer wipe(signing)
	var resumeID []byte
	if resume != nil {
		resumeID = resume.ID[:]
	}
	g.ad = lv(versionSuite(), kem.EncapsulationKey().Bytes(), signing[32:], resumeID, rawCaps)
	g.m1 = lv([]byte(labelM1), g.yg, g.ad)
	return g
}

// receiveM2 checks the host's key and signature before it computes anything
// from a secret, and returns M3.
func (g *guestHandshake) receiveM2(raw []byte) (m3 []byte, err error) {
	m, err := parseM2(raw)
	if err != nil {
		return nil, err
	}
	if hash := hostKeyHash(m.hostPub); !hmac.Equal(hash[:], g.link.hkh[:]) {
		return nil, fail(CodeHostKey, "host key is not the one in the link")
	}
	th2 := g.transcript2(g.m1, m.signedBytes)
	if !verifyStrict(m.hostPub, signedTranscript(th2), m.sig) {
		return nil, fail(CodeHostSig, "host signature is wrong")
	}
	resumeSecret, err := g.checkEpoch(m)
	if err != nil {
		return nil, err
	}
	if g.policy, err = effectivePolicy(g.caps, m.caps); err != nil {
		return nil, err
	}
	k, err := cpaceMultiply(g.scalar, m.y)
	if err != nil {
		return nil, err
	}
	shared, err := g.kem.Decapsulate(m.ct)
	if err != nil {
		return nil, fail(CodeKEM, "ciphertext of wrong length")
	}
	g.m2 = m
	g.prk = g.rootKey(th2, cpaceISK(g.sid(), k, g.yg, g.ad, m.y, m.ad), shared, resumeSecret)
	wipe(k)
	g.scalar.Zero()
	m3 = lv([]byte(labelM3), g.nonce[:], guestTag(g.prk, th2, g.nonce[:]))
	g.th3 = transcript3(th2, m3)
	return m3, nil
}

// checkEpoch lets the host resume only what the guest asked to resume, one
// epoch on; anything else starts at epoch 0.
func (g *guestHandshake) checkEpoch(m *message2) (resumeSecret []byte, err error) {
	if !m.resumed {
		if m.epoch != 0 {
			return nil, fail(CodeEpoch, "fresh session with an epoch")
		}
		return nil, nil
	}
	if g.resume == nil || m.epoch != g.resume.Epoch+1 {
		return nil, fail(CodeEpoch, "not the epoch after the last")
	}
	return g.resume.Secret[:], nil
}

// receiveM4 completes the handshake.
func (g *guestHandshake) receiveM4(raw []byte) (*Session, error) {
	nonce, tag, err := parseConfirmation(raw, labelM4)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(commitment(nonce), g.m2.commitment) {
		return nil, fail(CodeCommit, "host opened another commitment")
	}
	if !hmac.Equal(hostTag(g.prk, g.th3, nonce), tag) {
		return nil, fail(CodeConfirm, "host's confirmation is wrong")
	}
	verified := g.m2.resumed && g.resume.Verified
	return newSession(RoleGuest, g.prk, transcript4(g.th3, raw), outcome{
		epoch: g.m2.epoch, resumed: g.m2.resumed, verified: verified, peer: g.m2.caps, policy: g.policy,
	}), nil
}

// encapsulate is how a host makes the ML-KEM ciphertext.
type encapsulate func(*mlkem.EncapsulationKey768) (shared, ciphertext []byte)

// hostRandom is all that is random in a host's handshake.
type hostRandom struct {
	y     [64]byte
	nonce [32]byte // rH
	kem   encapsulate
}

func newHostRandom(random io.Reader) (*hostRandom, error) {
	// ML-KEM takes its randomness from crypto/rand itself.
	r := &hostRandom{kem: (*mlkem.EncapsulationKey768).Encapsulate}
	if err := fill(random, r.y[:]); err != nil {
		return nil, err
	}
	return r, fill(random, r.nonce[:])
}

// hostHandshake is one run, seen by the host: answerM1, receiveM3.
type hostHandshake struct {
	prk, th2 []byte
	nonce    [32]byte
	resume   *ResumeState // the session this one continues, or nil
	outcome  outcome
}

// answerM1 returns M2. It computes the keys at once, but nothing in M2 depends
// on the password in a way that a guest could test.
func answerM1(t terms, m1 *message1, caps Caps, rawCaps []byte, resume *ResumeState, r *hostRandom) (*hostHandshake, []byte, error) {
	defer wipe(r.y[:])
	policy, err := effectivePolicy(caps, m1.caps)
	if err != nil {
		return nil, nil, err
	}
	ek, err := mlkem.NewEncapsulationKey768(m1.ek)
	if err != nil { // a coefficient not below the modulus (FIPS 203 §7.2)
		return nil, nil, fail(CodeKEM, "invalid ML-KEM key")
	}
	scalar := cpaceScalar(r.y)
	defer scalar.Zero()
	k, err := cpaceMultiply(scalar, m1.y)
	if err != nil {
		return nil, nil, err
	}
	yh := ristretto255.NewIdentityElement().ScalarMult(scalar, t.generator()).Bytes()
	shared, ct := r.kem(ek)

	hs := &hostHandshake{nonce: r.nonce, resume: resume, outcome: outcome{peer: m1.caps, policy: policy}}
	var resumeSecret []byte
	resumed := byte(0)
	if resume != nil {
		hs.outcome.resumed, hs.outcome.verified, hs.outcome.epoch = true, resume.Verified, resume.Epoch+1
		resumeSecret, resumed = resume.Secret[:], 1
	}
	key := t.link.hostKey()
	defer wipe(key)
	ad := lv(versionSuite(), ct, commitment(r.nonce[:]), key[32:], []byte{resumed},
		[]byte{byte(hs.outcome.epoch >> 8), byte(hs.outcome.epoch)}, rawCaps)
	hs.th2 = t.transcript2(m1.raw, lv([]byte(labelM2), yh, ad))
	hs.prk = t.rootKey(hs.th2, cpaceISK(t.sid(), k, m1.y, m1.ad, yh, ad), shared, resumeSecret)
	wipe(k)
	return hs, lv([]byte(labelM2), yh, ad, ed25519.Sign(key, signedTranscript(hs.th2))), nil
}

// receiveM3 checks the guest's tag and returns M4. [CodeConfirm] is a wrong
// password: the host must count it.
func (hs *hostHandshake) receiveM3(raw []byte) (m4 []byte, s *Session, err error) {
	nonce, tag, err := parseConfirmation(raw, labelM3)
	if err != nil {
		return nil, nil, err
	}
	if !hmac.Equal(guestTag(hs.prk, hs.th2, nonce), tag) {
		return nil, nil, fail(CodeConfirm, "guest's confirmation is wrong")
	}
	th3 := transcript3(hs.th2, raw)
	m4 = lv([]byte(labelM4), hs.nonce[:], hostTag(hs.prk, th3, hs.nonce[:]))
	return m4, newSession(RoleHost, hs.prk, transcript4(th3, m4), hs.outcome), nil
}

// nextResume is the state with which s can be continued until expires.
func (s *Session) nextResume(expires time.Time) ResumeState {
	return ResumeState{ID: s.resumeID, Secret: s.resumeSecret, Epoch: s.epoch, Verified: s.verified, Expires: expires}
}
