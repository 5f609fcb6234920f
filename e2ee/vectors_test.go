package e2ee

import (
	"bytes"
	"crypto/ed25519"
	"crypto/mlkem"
	"crypto/mlkem/mlkemtest"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/gtank/ristretto255"
)

// hexBytes is a byte string written as hex in a vector file.
type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) error {
	v, err := hex.DecodeString(string(text))
	*b = v
	return err
}

// vector is one call of testdata/vectors/e2ee.json with all its intermediates.
// The fields for consent are for a later version.
type vector struct {
	HS, L                                                        hexBytes
	HostFragment                                                 string   `json:"host_fragment"`
	GuestFragment                                                string   `json:"guest_fragment"`
	CallID                                                       hexBytes `json:"call_id"`
	HostKeyHash                                                  hexBytes `json:"host_key_hash"`
	HostPub                                                      hexBytes `json:"host_pub"`
	SrvPub                                                       hexBytes `json:"srv_pub"`
	PSK, PRS, CI, Generator, ISK, PRK, SS, TH2, TH3, TH4, M3, M4 hexBytes
	Media, Exporter                                              hexBytes
	PwSalt                                                       hexBytes `json:"pw_salt"`
	OuterRoot                                                    hexBytes `json:"outer_root"`
	PasswordInput                                                string   `json:"password_input"`
	PasswordCanonical                                            string   `json:"password_canonical"`
	PasswordStretched                                            hexBytes `json:"password_stretched"`
	CIDG                                                         hexBytes `json:"cid_g"`
	CIDH                                                         hexBytes `json:"cid_h"`
	YgUniform                                                    hexBytes `json:"yg_uniform"`
	YhUniform                                                    hexBytes `json:"yh_uniform"`
	KemSeed                                                      hexBytes `json:"kem_seed"`
	KemM                                                         hexBytes `json:"kem_m"`
	GuestSigSeed                                                 hexBytes `json:"guest_sig_seed"`
	RG                                                           hexBytes `json:"r_g"`
	RH                                                           hexBytes `json:"r_h"`
	M1Len                                                        int      `json:"m1_len"`
	M2Len                                                        int      `json:"m2_len"`
	M1SHA                                                        hexBytes `json:"m1_sha512"`
	M2SHA                                                        hexBytes `json:"m2_sha512"`
	Epoch                                                        uint16
	ResumeID                                                     hexBytes `json:"resume_id"`
	ResumeSecret                                                 hexBytes `json:"resume_secret"`
	NextResumeID                                                 hexBytes `json:"next_resume_id"`
	NextResumeSecret                                             hexBytes `json:"next_resume_secret"`
	SASBytes                                                     hexBytes `json:"sas_bytes"`
	SASDigits                                                    string   `json:"sas_digits"`
	SASEmoji                                                     [5]int   `json:"sas_emoji_index"`
	SessionID                                                    hexBytes `json:"session_id"`
	KSealG2H                                                     hexBytes `json:"k_seal_g2h"`
	KSealH2G                                                     hexBytes `json:"k_seal_h2g"`
	Sealed                                                       hexBytes `json:"sealed_g2h_ctr0"`
	OuterM3SHA                                                   hexBytes `json:"outer_g2h_ctr0_m3_sha512"`
	FPG                                                          hexBytes `json:"fp_g"`
	FPH                                                          hexBytes `json:"fp_h"`
	BindGuest                                                    hexBytes `json:"bind_guest"`
	BindHost                                                     hexBytes `json:"bind_host"`
	ServerNonce                                                  hexBytes `json:"server_nonce"`
	ServerAuthSig                                                hexBytes `json:"server_auth_sig"`
}

func loadVectors(t testing.TB) []vector {
	t.Helper()
	var v []vector
	loadJSON(t, "e2ee.json", &v)
	if len(v) != 3 {
		t.Fatalf("%d vectors, want 3", len(v))
	}
	return v
}

func loadJSON(t testing.TB, name string, into any) {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s = %x, want %x", what, got, want)
	}
}

// What the vectors hold constant.
const (
	vectorCaps   = `{"sframe":2}`
	vectorOrigin = "https://call.example"
	vectorSealed = `{"t":"knock","name":"Ana"}`
)

func TestVectorLinks(t *testing.T) {
	for _, v := range loadVectors(t) {
		host, err := ParseFragment(v.HostFragment)
		if err != nil {
			t.Fatal(err)
		}
		guest, err := ParseFragment("#" + v.GuestFragment)
		if err != nil {
			t.Fatal(err)
		}
		if host.Guest() != guest || host.Guest().Fragment() != v.GuestFragment || host.Fragment() != v.HostFragment {
			t.Error("links do not belong together")
		}
		if again := hostLink(host.flags, [32]byte(v.HS)); again != host {
			t.Error("host link does not follow from its seed")
		}
		for _, l := range []Link{host, guest} {
			equal(t, "L", l.l[:], v.L)
			equal(t, "call id", l.callID[:], v.CallID)
			equal(t, "host key hash", l.hkh[:], v.HostKeyHash)
			equal(t, "psk", l.psk[:], v.PSK)
			equal(t, "password salt", l.pwSalt[:], v.PwSalt)
			equal(t, "outer root", l.outer[:], v.OuterRoot)
		}
		equal(t, "host key", host.hostKey()[32:], v.HostPub)
		equal(t, "server key", host.ServerPub(), v.SrvPub)
	}
}

func TestVectorServerAuth(t *testing.T) {
	for _, v := range loadVectors(t) {
		host, err := ParseFragment(v.HostFragment)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "server auth", host.SignServerAuth(vectorOrigin, v.ServerNonce, [16]byte(v.CIDH)), v.ServerAuthSig)
		if !VerifyServerAuth(ed25519.PublicKey(v.SrvPub), v.ServerAuthSig, vectorOrigin, v.ServerNonce, host.CallID(), [16]byte(v.CIDH)) {
			t.Error("server auth does not verify")
		}
	}
}

func TestVectorPassword(t *testing.T) {
	for _, v := range loadVectors(t) {
		if v.PasswordInput == "" {
			continue
		}
		canonical, err := CanonicalPassword(v.PasswordInput)
		if err != nil || canonical != v.PasswordCanonical {
			t.Errorf("canonical form of %q = %q, %v; want %q", v.PasswordInput, canonical, err, v.PasswordCanonical)
		}
		link, err := ParseFragment(v.GuestFragment)
		if err != nil {
			t.Fatal(err)
		}
		stretched, err := StretchPassword(link, v.PasswordInput)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "stretched password", stretched, v.PasswordStretched)
	}
}

// run is one handshake of a vector, step by step.
type run struct {
	guestTerms, hostTerms terms
	guest                 *guestHandshake
	host                  *hostHandshake
	m1, m2, m3, m4        []byte
	guestSession          *Session
	hostSession           *Session
	shared                []byte
}

func runVector(t *testing.T, v vector) *run {
	t.Helper()
	host, err := ParseFragment(v.HostFragment)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{hostTerms: terms{link: host, password: v.PasswordStretched, cidGuest: [16]byte(v.CIDG), cidHost: [16]byte(v.CIDH)}}
	r.guestTerms = r.hostTerms
	r.guestTerms.link = host.Guest()
	var resume *ResumeState
	if len(v.ResumeID) > 0 {
		resume = &ResumeState{ID: [16]byte(v.ResumeID), Secret: [32]byte(v.ResumeSecret), Epoch: v.Epoch - 1, Expires: time.Now().Add(time.Hour)}
	}
	caps, err := decodeCaps([]byte(vectorCaps))
	if err != nil {
		t.Fatal(err)
	}
	r.guest = startGuest(r.guestTerms, caps, []byte(vectorCaps), resume, &guestRandom{
		y: [64]byte(v.YgUniform), kem: [64]byte(v.KemSeed), sig: [32]byte(v.GuestSigSeed), nonce: [32]byte(v.RG),
	})
	r.m1 = bytes.Clone(r.guest.m1)
	m1, err := parseM1(r.m1)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "resume id in M1", m1.resumeID, v.ResumeID)
	r.host, r.m2, err = answerM1(r.hostTerms, m1, caps, []byte(vectorCaps), resume, &hostRandom{
		y: [64]byte(v.YhUniform), nonce: [32]byte(v.RH),
		kem: func(ek *mlkem.EncapsulationKey768) ([]byte, []byte) {
			shared, ct, err := mlkemtest.Encapsulate768(ek, v.KemM)
			if err != nil {
				t.Fatal(err)
			}
			r.shared = bytes.Clone(shared)
			return shared, ct
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *run) finish(t *testing.T) {
	t.Helper()
	var err error
	if r.m3, err = r.guest.receiveM2(r.m2); err != nil {
		t.Fatal(err)
	}
	if r.m4, r.hostSession, err = r.host.receiveM3(r.m3); err != nil {
		t.Fatal(err)
	}
	if r.guestSession, err = r.guest.receiveM4(r.m4); err != nil {
		t.Fatal(err)
	}
}

func TestVectorHandshake(t *testing.T) {
	for i, v := range loadVectors(t) {
		r := runVector(t, v)
		tm := &r.hostTerms
		equal(t, "prs", lv([]byte(prefix+"prs"), tm.link.l[:], tm.password), v.PRS)
		equal(t, "ci", tm.ci(), v.CI)
		equal(t, "generator", tm.generator().Bytes(), v.Generator)
		equal(t, "M1", h(r.m1), v.M1SHA)
		equal(t, "M2", h(r.m2), v.M2SHA)
		if len(r.m1) != v.M1Len || len(r.m2) != v.M2Len {
			t.Errorf("case %d: M1, M2 have %d, %d bytes; want %d, %d", i, len(r.m1), len(r.m2), v.M1Len, v.M2Len)
		}
		equal(t, "ML-KEM secret", r.shared, v.SS)
		equal(t, "th2", r.host.th2, v.TH2)
		equal(t, "host's prk", r.host.prk, v.PRK)
		checkISK(t, r, v)
		prk := bytes.Clone(r.host.prk)
		r.finish(t)
		equal(t, "M3", r.m3, v.M3)
		equal(t, "M4", r.m4, v.M4)
		equal(t, "th3", r.guest.th3, v.TH3)
		equal(t, "th4", transcript4(r.guest.th3, r.m4), v.TH4)
		equal(t, "seal g2h", expand(prk, "seal g2h", v.TH4, 32), v.KSealG2H)
		equal(t, "seal h2g", expand(prk, "seal h2g", v.TH4, 32), v.KSealH2G)
		equal(t, "exporter", expand(prk, "exporter", v.TH4, 32), v.Exporter)
		checkOutputs(t, r.guestSession, v)
		checkOutputs(t, r.hostSession, v)
		checkFrames(t, r, v)
	}
}

func checkISK(t *testing.T, r *run, v vector) {
	t.Helper()
	m1, err := parseM1(r.m1)
	if err != nil {
		t.Fatal(err)
	}
	m2, err := parseM2(r.m2)
	if err != nil {
		t.Fatal(err)
	}
	k, err := cpaceMultiply(cpaceScalar([64]byte(v.YhUniform)), m1.y)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "isk", cpaceISK(r.hostTerms.sid(), k, m1.y, m1.ad, m2.y, m2.ad), v.ISK)
}

func checkOutputs(t *testing.T, s *Session, v vector) {
	t.Helper()
	if s.Epoch() != v.Epoch || s.Resumed() != (len(v.ResumeID) > 0) {
		t.Errorf("epoch %d, resumed %v; want epoch %d", s.Epoch(), s.Resumed(), v.Epoch)
	}
	want := newSAS([8]byte(v.SASBytes))
	if sas := s.SAS(); sas != want || sas.Digits != v.SASDigits || sas.Emoji != v.SASEmoji {
		t.Errorf("sas = %v, want %v %v", sas, v.SASEmoji, v.SASDigits)
	}
	id, media := s.ID(), s.Media()
	equal(t, "session id", id[:], v.SessionID)
	equal(t, "media", media[:], v.Media)
	next := s.nextResume(time.Time{})
	equal(t, "next resume id", next.ID[:], v.NextResumeID)
	equal(t, "next resume secret", next.Secret[:], v.NextResumeSecret)
	guest := s.Bind(RoleGuest, [32]byte(v.FPG), [32]byte(v.FPH))
	host := s.Bind(RoleHost, [32]byte(v.FPG), [32]byte(v.FPH))
	equal(t, "bind of the guest", guest[:], v.BindGuest)
	equal(t, "bind of the host", host[:], v.BindHost)
	if err := s.CheckBind(v.BindGuest, RoleHost, [32]byte(v.FPG), [32]byte(v.FPH)); CodeOf(err) != CodeBind {
		t.Errorf("guest's bind taken as the host's: %v, want %v", err, CodeBind)
	}
}

func checkFrames(t *testing.T, r *run, v vector) {
	t.Helper()
	equal(t, "sealed frame", r.guestSession.signaling.seal([]byte(vectorSealed)), v.Sealed)
	plain, err := r.hostSession.signaling.open(v.Sealed)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "sealed plaintext", plain, []byte(vectorSealed))
	link := r.guestTerms.link
	frame := newOuterSender(&link, RoleGuest, [16]byte(v.CIDG)).seal(r.m3)
	equal(t, "outer frame", h(frame), v.OuterM3SHA)
	inner, err := newOuterReceiver(&link, RoleGuest, [16]byte(v.CIDG)).open(frame)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "inner frame", inner, v.M3)
}

// TestVectorCPace runs the example of draft-irtf-cfrg-cpace-21, appendix B.3.
func TestVectorCPace(t *testing.T) {
	var v struct {
		Run struct {
			PRS, CI, SID, Generator, ADa, Ya, ADb, Yb, K hexBytes
			YaScalar                                     hexBytes `json:"ya_scalar"`
			YbScalar                                     hexBytes `json:"yb_scalar"`
			ISK                                          hexBytes `json:"isk_ir"`
		}
		Points struct {
			Valid        struct{ Scalar, Element, Product hexBytes }
			NonCanonical hexBytes `json:"invalid_noncanonical"`
			Identity     hexBytes `json:"invalid_identity"`
		}
	}
	loadJSON(t, "cpace.json", &v)
	scalar := func(b []byte) *ristretto255.Scalar {
		s, err := ristretto255.NewScalar().SetCanonicalBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	r := v.Run
	g := cpaceGenerator(r.PRS, r.CI, r.SID)
	equal(t, "generator", g.Bytes(), r.Generator)
	equal(t, "Ya", ristretto255.NewIdentityElement().ScalarMult(scalar(r.YaScalar), g).Bytes(), r.Ya)
	equal(t, "Yb", ristretto255.NewIdentityElement().ScalarMult(scalar(r.YbScalar), g).Bytes(), r.Yb)
	for _, pair := range [][2][]byte{{r.YaScalar, r.Yb}, {r.YbScalar, r.Ya}} {
		k, err := cpaceMultiply(scalar(pair[0]), pair[1])
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "K", k, r.K)
	}
	equal(t, "ISK", cpaceISK(r.SID, r.K, r.Ya, r.ADa, r.Yb, r.ADb), r.ISK)

	product, err := cpaceMultiply(scalar(v.Points.Valid.Scalar), v.Points.Valid.Element)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "valid product", product, v.Points.Valid.Product)
	for _, bad := range []hexBytes{v.Points.NonCanonical, v.Points.Identity, nil} {
		if _, err := cpaceMultiply(scalar(v.Points.Valid.Scalar), bad); CodeOf(err) != CodePoint {
			t.Errorf("point %x: %v, want %v", bad, err, CodePoint)
		}
	}
}
