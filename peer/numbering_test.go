package peer

import (
	"slices"
	"strconv"
	"testing"

	"github.com/visavis-call/visavis/protocol/sealed"
)

func offerN(n uint32) sealed.SDP { return sealed.SDP{Type: sealed.SDPTypeOffer, N: n} }

func answerN(n, re uint32) sealed.SDP { return sealed.SDP{Type: sealed.SDPTypeAnswer, N: n, Re: re} }

func iceN(n uint32, candidate string) theirCandidate {
	return theirCandidate{n: n, candidate: candidate}
}

func TestNumberingTakesOnce(t *testing.T) {
	var b numbering
	for i, tt := range []struct {
		n    uint32
		want bool
	}{{1, true}, {1, false}, {3, true}, {2, false}} { // 2 by the slow way
		if got := b.takes(offerN(tt.n), false, true); got != tt.want {
			t.Errorf("step %d: offer %d is taken: %v", i, tt.n, got)
		}
	}
	if !b.admits(iceN(3, "a")) || b.admits(iceN(3, "a")) || !b.admits(iceN(3, "b")) {
		t.Error("a candidate is not taken exactly once")
	}
}

func TestNumberingLateAnswer(t *testing.T) {
	one, next := newNumbering(0), newNumbering(1)
	first, _ := one.stamp(sealed.SDPTypeOffer)
	second, _ := next.stamp(sealed.SDPTypeOffer)
	if next.takes(answerN(1, first), true, false) {
		t.Error("an answer to the connection before is taken")
	}
	if late := answerN(2, second); !next.takes(late, true, false) {
		t.Error("the right answer is not taken")
	}
}

func TestNumberingOtherConnections(t *testing.T) {
	var b numbering
	b.takes(offerN(1), false, true)
	for i := range 100 {
		b.admits(theirCandidate{gen: 1, n: 1001, candidate: strconv.Itoa(i)})
	}
	b.admits(iceN(2, "a"))
	if got := b.due(); !slices.Equal(got, []theirCandidate{iceN(2, "a")}) {
		t.Errorf("kept %v", got)
	}
}

func TestNumberingKeepsEarlyCandidates(t *testing.T) {
	var b numbering
	if b.admits(iceN(1, "a")) {
		t.Error("a candidate is taken before its description")
	}
	b.takes(offerN(1), false, true)
	if got := b.due(); !slices.Equal(got, []theirCandidate{iceN(1, "a")}) || !b.admits(got[0]) {
		t.Errorf("early candidates: %v, want the one that came", got)
	}
	if b.admits(iceN(2, "b")) {
		t.Error("a candidate of the next description is taken")
	}
	b.takes(offerN(3), false, true)
	for _, early := range b.due() {
		if b.admits(early) {
			t.Error("a candidate of a description that was replaced is taken")
		}
	}
	for i := range 1000 {
		b.admits(iceN(4, strconv.Itoa(i)))
		b.admits(iceN(3, strconv.Itoa(i)))
	}
	if len(b.early) > sealed.LimitCandidates || len(b.candidates) > sealed.LimitCandidates {
		t.Errorf("%d early and %d candidates are kept", len(b.early), len(b.candidates))
	}
}

func TestNumberingAnswers(t *testing.T) {
	var b numbering
	b.stamp(sealed.SDPTypeOffer)
	if n, re := b.stamp(sealed.SDPTypeOffer); n != 2 || re != 0 {
		t.Errorf("the second offer is stamped %d, re %d", n, re)
	}
	if b.takes(answerN(1, 1), true, false) {
		t.Error("an answer to an offer that was replaced is taken")
	}
	if !b.takes(answerN(2, 2), true, false) || b.takes(answerN(2, 2), false, false) {
		t.Error("an answer is not taken exactly once")
	}
}

func TestNumberingOffersCross(t *testing.T) {
	var host, guest numbering
	if host.takes(offerN(5), true, false) || host.takes(offerN(5), false, false) || host.admits(iceN(5, "a")) {
		t.Error("the host takes what it has turned down")
	}
	if !guest.takes(offerN(5), true, true) {
		t.Error("the guest does not give way")
	}
	if n, re := guest.stamp(sealed.SDPTypeAnswer); n != 1 || re != 5 {
		t.Errorf("the answer is stamped %d, re %d; want 1, re 5", n, re)
	}
}

func TestNumberingOfAnotherConnection(t *testing.T) {
	var b numbering
	b.stamp(sealed.SDPTypeOffer)
	b.takes(sealed.SDP{Type: sealed.SDPTypeOffer, N: 5, FP: "old"}, true, false)
	if !b.takes(sealed.SDP{Type: sealed.SDPTypeAnswer, N: 1, Re: 1, FP: "new", Gen: 1}, true, false) {
		t.Error("another connection is not numbered anew")
	}
}

func TestNumberingOfClientsThatDoNot(t *testing.T) {
	var b numbering
	for range 2 {
		if !b.takes(offerN(0), false, true) {
			t.Error("an offer without a number is not taken")
		}
	}
	if !b.admits(iceN(0, "a")) {
		t.Error("a candidate without a number is not taken")
	}
}
