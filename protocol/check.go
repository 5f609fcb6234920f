package protocol

// Limits of fields; all lengths in bytes.
const (
	maxReq      = 64
	maxToken    = 256
	maxSlot     = 0xffff // the slot prefix of a binary frame
	maxServers  = 16
	maxURLs     = 16
	maxURL      = 512
	maxUser     = 512
	minTTLMS    = 60_000
	nonceBytes  = 32
	pubKeyBytes = 32
	sigBytes    = 64
	seatBytes   = 16
)

func (m Create) check() error {
	if err := checkReq(m.Req); err != nil {
		return err
	}
	if _, err := ParseID(m.Call); err != nil {
		return err
	}
	if _, err := DecodeBytes(m.SrvPub, pubKeyBytes); err != nil {
		return err
	}
	if m.TTLMS < minTTLMS || m.TTLMS > LimitTTLMS {
		return parseError("ttl_ms out of range")
	}
	if len(m.Token) > maxToken {
		return parseError("token too long")
	}
	return nil
}

func (m Join) check() error {
	if err := checkReq(m.Req); err != nil {
		return err
	}
	if m.Role != RoleHost && m.Role != RoleGuest {
		return parseError("no such role")
	}
	if _, err := ParseID(m.Call); err != nil {
		return err
	}
	if _, err := ParseID(m.CID); err != nil {
		return err
	}
	if err := checkSeat(m.Seat); err != nil {
		return err
	}
	if m.Role == RoleGuest {
		return nil
	}
	_, err := DecodeBytes(m.Sig, sigBytes)
	return err
}

func (m Welcome) check() error {
	if _, err := DecodeBytes(m.Nonce, nonceBytes); err != nil {
		return err
	}
	return checkURLs(m.STUN)
}

func (m Joined) check() error {
	if err := checkReq(m.Req); err != nil {
		return err
	}
	if m.Slot < 0 || m.Slot > maxSlot {
		return parseError("slot out of range")
	}
	if err := checkSeat(m.Seat); err != nil {
		return err
	}
	if m.ICE == nil {
		return nil
	}
	return m.ICE.check()
}

func (m Peer) check() error {
	if m.State != PeerStateWaiting && m.State != PeerStateGone {
		return parseError("no such peer state")
	}
	if _, err := ParseID(m.CID); err != nil {
		return err
	}
	return checkSlot(m.Slot)
}

func (m Host) check() error {
	if !m.Online && m.CID == "" {
		return nil
	}
	_, err := ParseID(m.CID)
	return err
}

func (m Ended) check() error {
	if m.Reason != EndReasonHost && m.Reason != EndReasonExpired {
		return parseError("no such end reason")
	}
	return checkReq(m.Req)
}

func (s Servers) check() error {
	if len(s.Servers) > maxServers {
		return parseError("too many servers")
	}
	for _, server := range s.Servers {
		if len(server.Username) > maxUser || len(server.Credential) > maxUser {
			return parseError("credential too long")
		}
		if err := checkURLs(server.URLs); err != nil {
			return err
		}
	}
	return nil
}

func checkURLs(urls []string) error {
	if len(urls) > maxURLs {
		return parseError("too many URLs")
	}
	for _, u := range urls {
		if u == "" || len(u) > maxURL {
			return parseError("URL empty or too long")
		}
	}
	return nil
}

func checkReq(req string) error {
	if len(req) > maxReq {
		return parseError("req too long")
	}
	return nil
}

// checkSlot accepts the slots a guest can have; 0 is the guest's own name for
// its only slot.
func checkSlot(slot int) error {
	if slot < 1 || slot > maxSlot {
		return parseError("slot out of range")
	}
	return nil
}

func checkSeat(seat string) error {
	if seat == "" {
		return nil
	}
	_, err := DecodeBytes(seat, seatBytes)
	return err
}
