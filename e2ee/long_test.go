package e2ee

import (
	"bytes"
	"crypto/mlkem"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gtank/ristretto255"

	"github.com/visavis-call/visavis/test/timing"
)

// scale is how often an attack is tried: few times with all the other tests, as
// often as a patient attacker with VISAVIS_ATTACKS=long (make test-long).
func scale(few, many int) int {
	if os.Getenv("VISAVIS_ATTACKS") == "long" {
		return many
	}
	return few
}

// An attacker in the middle has finished with the host and knows the words there.
// Towards the guest it is the host: it tries ciphertexts until the words would be
// the same for a nonce that it supposes the guest to have, and sends the best one.
// The guest's real nonce comes after. What it gets is chance.
func TestGroundCiphertexts(t *testing.T) {
	runs, patient := scale(20, 400), scale(2, 16)
	many, some := scale(1<<10, 1<<16), scale(1<<8, 1<<12) // ciphertexts, of those who are patient and of the others
	var first, closest atomic.Int64
	var next atomic.Int64
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for run := next.Add(1); run <= int64(runs) && !t.Failed(); run = next.Add(1) {
				tries := some
				if run <= int64(patient) {
					tries = many
				}
				target := newActors(t).play(t, straight).host.SAS()
				near, got := ground(t, target, tries)
				for old := closest.Load(); int64(near) > old && !closest.CompareAndSwap(old, int64(near)); {
					old = closest.Load()
				}
				if got.Emoji == target.Emoji {
					t.Error("the words are the same on both sides")
				}
				if got.Emoji[0] == target.Emoji[0] {
					first.Add(1)
				}
			}
		})
	}
	workers.Wait()
	// Binomial with p = 1/64, five standard deviations.
	mean := float64(runs) / 64
	if far := 5*math.Sqrt(mean) + 1; math.Abs(float64(first.Load())-mean) > far {
		t.Errorf("the first word was the same %d times in %d, chance is %.1f", first.Load(), runs, mean)
	}
	if closest.Load() == 0 {
		t.Error("not even the first word could be had for a supposed nonce: the attacker does not try")
	}
	t.Logf("%d runs, %d of %d ciphertexts, the others of %d: up to %d words for a supposed nonce; for the real one no match, first word the same %d times (chance: %.1f)",
		runs, patient, many, some, closest.Load(), first.Load(), mean)
}

// ground is one run of the attack: how many words the best of the ciphertexts
// matches for the supposed nonce, and the words that the guest then sees.
func ground(t *testing.T, target SAS, tries int) (near int, got SAS) {
	a := newActors(t)
	guest := a.start(t)
	m1, err := parseM1(guest.m1)
	if err != nil {
		t.Error(err)
		return
	}
	random, err := newHostRandom(nil)
	if err != nil {
		t.Error(err)
		return
	}
	y, supposed := random.y, [32]byte{}
	root, key := a.rootsOf(t, m1, *random), m1Key(t, m1)
	var shared, ct, prk []byte // of the best
	for i := range tries {
		s, c := key.Encapsulate()
		k, th2 := root(bytes.Clone(s), c) // which wipes it
		if n := alike(sasFor(k, th2, supposed[:], random.nonce[:]), target); n > near || i == 0 {
			near, shared, ct, prk = n, s, c, k
		}
	}
	random.y = y
	random.kem = func(*mlkem.EncapsulationKey768) ([]byte, []byte) { return shared, ct }
	host, m2, err := answerM1(a.host, m1, a.caps, a.raw, nil, random)
	if err != nil {
		t.Error(err)
		return
	}
	if !bytes.Equal(host.prk, prk) {
		t.Error("the attacker's root key is not that of the handshake")
	}
	m3, err := guest.receiveM2(m2)
	if err != nil {
		t.Error(err)
		return
	}
	m4, _, err := host.receiveM3(m3)
	if err != nil {
		t.Error(err)
		return
	}
	session, err := guest.receiveM4(m4)
	if err != nil {
		t.Error(err)
		return
	}
	return near, session.SAS()
}

func m1Key(t *testing.T, m1 *message1) *mlkem.EncapsulationKey768 {
	key, err := mlkem.NewEncapsulationKey768(m1.ek)
	if err != nil {
		t.Error(err)
	}
	return key
}

// rootsOf is what of answerM1 depends on the ciphertext: root key and transcript.
func (a *actors) rootsOf(t *testing.T, m1 *message1, r hostRandom) func(shared, ct []byte) (prk, th2 []byte) {
	scalar := cpaceScalar(r.y)
	k, err := cpaceMultiply(scalar, m1.y)
	if err != nil {
		t.Error(err)
	}
	yh := ristretto255.NewIdentityElement().ScalarMult(scalar, a.host.generator()).Bytes()
	key := a.host.link.hostKey()
	return func(shared, ct []byte) (prk, th2 []byte) {
		ad := lv(versionSuite(), ct, commitment(r.nonce[:]), key[32:], []byte{0}, []byte{0, 0}, a.raw)
		th2 = a.host.transcript2(m1.raw, lv([]byte(labelM2), yh, ad))
		return a.host.rootKey(th2, cpaceISK(a.host.sid(), k, m1.y, m1.ad, yh, ad), shared, nil), th2
	}
}

// alike is how many words from the first on are the same.
func alike(a, b SAS) (n int) {
	for n < len(a.Emoji) && a.Emoji[n] == b.Emoji[n] {
		n++
	}
	return n
}

// sasFor is what the words would be for this root key and these nonces.
func sasFor(prk, th2, rG, rH []byte) SAS {
	m3 := lv([]byte(labelM3), rG, guestTag(prk, th2, rG))
	th3 := transcript3(th2, m3)
	m4 := lv([]byte(labelM4), rH, hostTag(prk, th3, rH))
	return newSAS([8]byte(expand(prk, "sas", transcript4(th3, m4), 8)))
}

// Tags that are wrong in the first byte take as long as tags wrong in the last.
// Both kinds are measured in turns, in random order, so that whatever else the
// machine does falls on both alike.
func TestTagTiming(t *testing.T) {
	if os.Getenv("VISAVIS_ATTACKS") == "" {
		t.Skip("a measurement: make attacks")
	}
	a := newActors(t)
	guest := a.start(t)
	host, m2, err := a.answer(t, guest.m1)
	if err != nil {
		t.Fatal(err)
	}
	m3, err := guest.receiveM2(m2)
	if err != nil {
		t.Fatal(err)
	}
	early, late := bytes.Clone(m3), bytes.Clone(m3)
	early[len(m3)-32] ^= 1
	late[len(m3)-1] ^= 1
	var times [2][]float64
	for range scale(20_000, 200_000) {
		which := rand.IntN(2)
		m := [][]byte{early, late}[which]
		begin := time.Now()
		_, _, err := host.receiveM3(m)
		times[which] = append(times[which], float64(time.Since(begin)))
		if CodeOf(err) != CodeConfirm {
			t.Fatal(err)
		}
	}
	statistic := timing.Compare(times[0], times[1])
	t.Logf("t = %.2f over %d and %d tags", statistic, len(times[0]), len(times[1]))
	if math.Abs(statistic) > 6 {
		t.Errorf("t = %.2f: how much of a tag is right shows in the time", statistic)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// No share, key, nonce, commitment or session is ever seen twice, and a source
// of randomness that gives zeros is not used.
func TestNothingRepeats(t *testing.T) {
	a, seen := newActors(t), map[string]string{}
	note := func(what string, b []byte) {
		if before, ok := seen[string(b)]; ok {
			t.Errorf("%s is the same as %s before", what, before)
		}
		seen[string(b)] = what
	}
	for range scale(300, 100_000) {
		r := a.play(t, func(label string, m []byte) []byte {
			n := map[string]int{labelM1: 3, labelM2: 4, labelM3: 3, labelM4: 3}[label]
			fields, err := splitLV(m, n)
			if err != nil {
				t.Fatal(err)
			}
			note(label+"'s first field", fields[1][:16])
			if label == labelM1 || label == labelM2 {
				ad, err := splitLV(fields[2], map[string]int{labelM1: 5, labelM2: 7}[label])
				if err != nil {
					t.Fatal(err)
				}
				note(label+"'s KEM field", ad[1][:16])
				note(label+"'s second field", ad[2][:16])
			}
			return m
		})
		if r.guest == nil {
			t.Fatal(r.guestErr)
		}
		id := r.guest.ID()
		note("session id", id[:])
	}
	if _, err := NewLink(zeros{}, 0); err == nil {
		t.Error("a link was made of zeros")
	}
	if _, err := newGuestRandom(zeros{}); err == nil {
		t.Error("a guest's handshake was made of zeros")
	}
	if _, err := newHostRandom(zeros{}); err == nil {
		t.Error("a host's handshake was made of zeros")
	}
}
