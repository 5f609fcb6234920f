package e2ee

import (
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"encoding/json"
	"reflect"
	"testing"
)

// rekeyVector is testdata/vectors/rekey.json: a re-key over the data channel
// that continues a session of e2ee.json.
type rekeyVector struct {
	Continues        int            `json:"continues"` // index in e2ee.json
	NG               hexBytes       `json:"n_g"`
	NH               hexBytes       `json:"n_h"`
	YgUniform        hexBytes       `json:"yg_uniform"`
	YhUniform        hexBytes       `json:"yh_uniform"`
	KemSeed          hexBytes       `json:"kem_seed"`
	KemM             hexBytes       `json:"kem_m"`
	GuestSigSeed     hexBytes       `json:"guest_sig_seed"`
	RG               hexBytes       `json:"r_g"`
	RH               hexBytes       `json:"r_h"`
	Epoch            uint16         `json:"epoch"`
	M1SHA            hexBytes       `json:"m1_sha512"`
	M2SHA            hexBytes       `json:"m2_sha512"`
	M3               hexBytes       `json:"m3"`
	M4               hexBytes       `json:"m4"`
	SASDigits        string         `json:"sas_digits"`
	SessionID        hexBytes       `json:"session_id"`
	Media            hexBytes       `json:"media"`
	NextResumeID     hexBytes       `json:"next_resume_id"`
	NextResumeSecret hexBytes       `json:"next_resume_secret"`
	Frames           []vectorFrames `json:"frames"`
}

// vectorFrames is one frame of the data channel, in the order they are sent.
type vectorFrames struct {
	From  Role     `json:"from"`
	Plain string   `json:"plain"`
	SHA   hexBytes `json:"frame_sha512"`
}

func (b hexBytes) MarshalText() ([]byte, error) {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		out = append(out, digits[c>>4], digits[c&15])
	}
	return out, nil
}

func TestVectorRekey(t *testing.T) {
	var v rekeyVector
	loadJSON(t, "rekey.json", &v)
	before := runVector(t, loadVectors(t)[v.Continues])
	before.finish(t)
	got := v
	got.Frames = nil
	say := func(from Role, s *Session, m []byte) {
		frame, err := s.SealData(m)
		if err != nil {
			t.Fatal(err)
		}
		got.Frames = append(got.Frames, vectorFrames{from, string(m), h(frame)})
	}
	carry := func(m []byte) []byte {
		return rekeyMessage{T: msgHandshake, N: base64url(v.NG), B: base64url(m)}.encode()
	}
	g, host := before.guestSession, before.hostSession
	say(RoleGuest, g, rekeyMessage{T: msgRekey, N: base64url(v.NG)}.encode())
	say(RoleHost, host, rekeyMessage{T: msgRekeyOK, N: base64url(v.NH), To: base64url(v.NG)}.encode())

	r := rekeyRun(t, before, &v)
	r.finish(t)
	say(RoleGuest, g, carry(r.m1))
	say(RoleHost, host, carry(r.m2))
	say(RoleGuest, g, carry(r.m3))
	say(RoleHost, host, carry(r.m4))
	say(RoleGuest, r.guestSession, []byte(readyMessage))
	say(RoleHost, r.hostSession, []byte(readyMessage))

	s := r.guestSession
	next, id, media := s.nextResume(before.guest.resume.Expires), s.ID(), s.Media()
	got.Epoch, got.M1SHA, got.M2SHA, got.M3, got.M4 = s.Epoch(), h(r.m1), h(r.m2), r.m3, r.m4
	got.SASDigits, got.SessionID, got.Media = s.SAS().Digits, id[:], media[:]
	got.NextResumeID, got.NextResumeSecret = next.ID[:], next.Secret[:]
	if !reflect.DeepEqual(got, v) {
		b, err := json.MarshalIndent(got, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		t.Errorf("rekey.json is not what comes out:\n%s", b)
	}
	if r.guestSession.SAS() != r.hostSession.SAS() || r.guestSession.Media() != r.hostSession.Media() {
		t.Error("two different sessions")
	}
}

// rekeyRun begins a handshake that continues another, with the values of v.
func rekeyRun(t *testing.T, before *run, v *rekeyVector) *run {
	t.Helper()
	r := &run{guestTerms: before.guestTerms, hostTerms: before.hostTerms}
	for _, tm := range []*terms{&r.guestTerms, &r.hostTerms} {
		tm.cidGuest, tm.cidHost = [16]byte(v.NG), [16]byte(v.NH)
	}
	resume := before.guestSession.nextResume(before.guest.resume.Expires)
	caps, err := decodeCaps([]byte(vectorCaps))
	if err != nil {
		t.Fatal(err)
	}
	r.guest = startGuest(r.guestTerms, caps, []byte(vectorCaps), &resume, &guestRandom{
		y: [64]byte(v.YgUniform), kem: [64]byte(v.KemSeed), sig: [32]byte(v.GuestSigSeed), nonce: [32]byte(v.RG),
	})
	r.m1 = r.guest.m1
	m1, err := parseM1(r.m1)
	if err != nil {
		t.Fatal(err)
	}
	r.host, r.m2, err = answerM1(r.hostTerms, m1, caps, []byte(vectorCaps), &resume, &hostRandom{
		y: [64]byte(v.YhUniform), nonce: [32]byte(v.RH),
		kem: func(ek *mlkem.EncapsulationKey768) ([]byte, []byte) {
			shared, ct, err := mlkemtest.Encapsulate768(ek, v.KemM)
			if err != nil {
				t.Fatal(err)
			}
			return shared, ct
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
