package e2ee

// phase is how far a session has come. Both machines follow it, so that either
// refuses what the other should not have said yet.
//
//	ready ──knock──▶ knocked ──hold──▶ held
//	  │                 │                │
//	  └──────admit──────┴──────admit─────┴──▶ admitted ──bye──▶ over
//	  └──────deny───────┴──────deny──────┴──────────────────────▶ over
type phase int

const (
	phaseNone     phase = iota // no session
	phaseReady                 // keys are confirmed
	phaseKnocked               // the guest asked to be let in
	phaseHeld                  // the host asked it to wait
	phaseAdmitted              // media may flow
	phaseOver                  // refused, or hung up; nothing more is heard
)

// next is the phase after message t of either side, if t was allowed.
func (p phase) next(t string) phase {
	switch t {
	case "knock":
		if p == phaseReady {
			return phaseKnocked
		}
	case "hold":
		return phaseHeld
	case "admit":
		return phaseAdmitted
	case "deny", "bye":
		return phaseOver
	}
	return p
}

// verdict is what to do with a message.
type verdict int

const (
	deliver   verdict = iota
	ignore            // unknown to this version, or too late to matter
	violation         // nobody who follows the protocol sends this now
)

// judge decides about message t of one side in phase p.
func (p phase) judge(from Role, t string) verdict {
	if p == phaseNone || p == phaseOver {
		return ignore
	}
	waiting := p != phaseAdmitted
	switch t {
	case "bye", "err", "verify":
		return deliver
	case "knock":
		if from == RoleGuest && !waiting {
			return ignore // it crossed the admission
		}
		return deliverIf(from == RoleGuest)
	case "hello", "admit":
		return deliverIf(from == RoleHost)
	case "hold", "deny":
		return deliverIf(from == RoleHost && waiting)
	case "sdp", "ice", "ice-end", "state", "want", "chat", "chat-ack", msgHandshake:
		return deliverIf(!waiting)
	case msgRekey:
		return deliverIf(from == RoleGuest && !waiting)
	case msgRekeyOK, msgRekeyPlease:
		return deliverIf(from == RoleHost && !waiting)
	default:
		return ignore
	}
}

func deliverIf(ok bool) verdict {
	if ok {
		return deliver
	}
	return violation
}

// sealMessage seals one message of from, if it may be said in phase p.
func (s *Session) sealMessage(from Role, p phase, json []byte) (frame []byte, t string, err error) {
	if t, err = messageType(json); err != nil {
		return nil, "", err
	}
	if p.judge(from, t) != deliver && t != msgReady {
		return nil, "", fail(CodeState, "message is not allowed now")
	}
	return s.signaling.seal(json), t, nil
}

// opened is a sealed message that came through the server.
type opened struct {
	session *Session // that opened it; nil if it came too late to be opened
	json    []byte
	t       string
	verdict verdict
}

// openMessage opens one message of from and judges it.
func (k *keyring) openMessage(from Role, p phase, frame []byte) (m opened, err error) {
	m.verdict = ignore
	s, err := k.opener(frame)
	if s == nil {
		return m, err
	}
	if m.json, err = s.signaling.open(frame); err != nil {
		return m, err
	}
	m.session = s
	if m.t, err = messageType(m.json); err != nil {
		return m, err
	}
	m.verdict = p.judge(from, m.t)
	return m, nil
}

// readyMessage is what a machine says first under new keys, unasked: the guest's
// tells the host that the last handshake message arrived, the host's tells the
// guest that nothing comes under the keys of the last epoch any more. It is not
// delivered.
const readyMessage = `{"t":"` + msgReady + `"}`

// kindOf tells handshake messages, sealed frames and outer control apart.
func kindOf(inner []byte) string {
	switch {
	case inner[0] == frameSealed:
		return "sealed"
	case inner[0] == frameControl:
		return "control"
	case len(inner) > 2 && inner[0] == 2: // pl of a two-byte label
		return string(inner[1:3])
	default:
		return ""
	}
}
