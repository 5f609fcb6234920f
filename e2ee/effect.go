package e2ee

import "time"

// Effect is something a machine wants its caller to do or to know. Collect them
// with Drain after every call; they are in the order in which they happened.
type Effect interface{ effect() }

// The effects. Slot is the guest's slot at the server; a [Guest] always says 0.
type (
	// SendFrame asks to send an outer frame: behind the slot prefix, as one
	// binary WebSocket frame.
	SendFrame struct {
		Slot  uint16
		Frame []byte
	}
	// Ready says that the handshake is complete. A [Host] says so only after
	// the guest's first valid sealed frame: the last handshake message may have
	// been lost or forged. A resumed guest is admitted already.
	Ready struct {
		Slot    uint16
		Session *Session
		Resumed bool
	}
	// Message is a sealed message that was allowed in its state. Type is its
	// field t, JSON the whole message.
	Message struct {
		Slot uint16
		Type string
		JSON []byte
	}
	// Say asks to say a sealed message to the admitted party: over the data
	// channel with SealData, or over the server with Send, whichever works.
	// What is lost on the way is said again in time.
	Say struct {
		Slot uint16
		JSON []byte
	}
	// Epoch says that the admitted party's session has a successor. Keys for
	// receiving media are to be taken into use at once and those of the epoch
	// before kept for ten seconds. Sending says that the successor's keys are to
	// be used for sending, too; a host is told so later than the first, when the
	// guest is known to have them.
	Epoch struct {
		Slot    uint16
		Session *Session
		Sending bool
	}
	// Failed says that the handshake or session with this slot is over. A guest
	// that gets [CodePWRequired] goes on after [Guest.SetPassword].
	Failed struct {
		Slot uint16
		Code Code
	}
	// WrongPassword says that a guess was wrong. Locked: the host answers no
	// more until [Host.Allow]; the guest should ask the host another way.
	WrongPassword struct {
		Failures int
		Locked   bool
	}
	// BudgetChanged asks a host to store the guess counter.
	BudgetChanged struct{ Budget Budget }
	// ResumeChanged asks to store what is needed to come back; it replaces
	// what was stored before. These are secrets.
	ResumeChanged struct{ States []ResumeState }
)

func (SendFrame) effect()     {}
func (Ready) effect()         {}
func (Message) effect()       {}
func (Say) effect()           {}
func (Epoch) effect()         {}
func (Failed) effect()        {}
func (WrongPassword) effect() {}
func (BudgetChanged) effect() {}
func (ResumeChanged) effect() {}

// machine is what both parties' machines share: a list of effects.
type machine struct {
	effects []Effect
}

func (m *machine) emit(e Effect) { m.effects = append(m.effects, e) }

// Drain returns the effects since the last Drain.
func (m *machine) Drain() []Effect {
	out := m.effects
	m.effects = nil
	return out
}

// earlier returns the earlier of two deadlines; zero means none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func due(deadline, now time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }
