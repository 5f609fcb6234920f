package signaling

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"time"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/call"
	"github.com/visavis-call/visavis/internal/telemetry"
	"github.com/visavis-call/visavis/protocol"
)

func (s *session) welcome() protocol.Welcome {
	return protocol.Welcome{
		Version: protocol.Version,
		Nonce:   protocol.EncodeBytes(s.nonce[:]),
		TimeMS:  time.Now().UnixMilli(),
		Limits: protocol.Limits{
			FrameBytes:      protocol.LimitFrameBytes,
			FramesPerSecond: protocol.LimitFramesPerSecond,
			FramesBurst:     protocol.LimitFramesBurst,
			JoinMS:          protocol.LimitJoinMS,
			Waiting:         protocol.LimitWaiting,
			MaxTTLMS:        protocol.LimitTTLMS,
		},
		STUN:          s.server.stunURLs(s.site.host),
		TokenRequired: s.server.cfg.Token != "",
	}
}

// servers mints relay credentials for this session's call and role.
func (s *session) servers() protocol.Servers {
	user, password, expires := s.server.cfg.Relay.Credentials(s.callID, s.role, time.Now())
	return protocol.Servers{
		Servers: []protocol.Server{
			{URLs: s.server.stunURLs(s.site.host)},
			{URLs: s.server.turnURLs(s.site.host), Username: user, Credential: password},
		},
		ExpiresMS: expires.UnixMilli(),
	}
}

// control acts on one text frame, which may take its time.
func (s *session) control(data []byte) {
	ctx := s.server.ctx
	m, err := protocol.DecodeClient(data)
	if errors.Is(err, protocol.ErrUnknownType) {
		s.server.cfg.Metrics.Drop("unknown_type")
		return
	}
	if err != nil {
		s.dismiss(protocol.Public(err).Code, protocol.CloseRefused)
		return
	}
	switch m := m.(type) {
	case protocol.Create:
		if err := s.create(ctx, m); err != nil {
			s.refuse(m.Req, err)
		}
		return
	case protocol.Join:
		if err := s.join(ctx, m); err != nil {
			s.refuse(m.Req, err)
			s.Close(closeCodeOf(err))
			s.quit()
		}
		return
	}
	err = protocol.ErrorCodeState.Err()
	if s.call != nil {
		err = s.call.Handle(ctx, s.seat, m)
	}
	if err != nil {
		s.refuse(reqOf(m), err)
	}
}

func reqOf(m protocol.ClientMessage) string {
	if end, ok := m.(protocol.End); ok {
		return end.Req
	}
	return ""
}

func closeCodeOf(err error) int {
	switch protocol.Public(err).Code {
	case protocol.ErrorCodeGone:
		return protocol.CloseEnded
	case protocol.ErrorCodeInternal:
		return protocol.CloseRestart // not the client's fault: it may come back
	}
	return protocol.CloseRefused
}

func (s *session) create(ctx context.Context, m protocol.Create) error {
	if s.call != nil {
		return protocol.ErrorCodeState.Err()
	}
	if !s.server.creates.allow(s.from, time.Now()) {
		return protocol.ErrorCodeRate.Err()
	}
	if !sameToken(m.Token, s.server.cfg.Token) {
		return protocol.ErrorCodeAuth.Err()
	}
	id, err := protocol.ParseID(m.Call)
	if err != nil {
		return err
	}
	pub, err := protocol.DecodeBytes(m.SrvPub, ed25519KeySize)
	if err != nil {
		return err
	}
	expires := time.Now().Add(time.Duration(m.TTLMS) * time.Millisecond)
	return s.server.cfg.Switchboard.With(id, protocol.RoleHost, func(c *call.Call) error {
		expires, err := c.Register(ctx, [32]byte(pub), expires)
		if err == nil {
			s.Send(protocol.Created{Req: m.Req, ExpiresMS: expires.UnixMilli()})
		}
		return err
	})
}

// sameToken takes as long for a wrong token as for the right one. Without a
// configured token everything is right.
func sameToken(got, want string) bool {
	g, w := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return want == "" || subtle.ConstantTimeCompare(g[:], w[:]) == 1
}

// Sizes of Ed25519, RFC 8032.
const (
	ed25519KeySize = 32
	ed25519SigSize = 64
)

func (s *session) join(ctx context.Context, m protocol.Join) error {
	if s.call != nil {
		return protocol.ErrorCodeState.Err()
	}
	id, err := protocol.ParseID(m.Call)
	if err != nil {
		return err
	}
	cid, err := protocol.ParseID(m.CID)
	if err != nil {
		return err
	}
	// The actor may use the session as soon as it is seated.
	s.callID, s.role = id, m.Role
	err = s.server.cfg.Switchboard.With(id, m.Role, func(c *call.Call) error {
		var seat call.Conn
		var err error
		if m.Role == protocol.RoleHost {
			seat, err = s.joinHost(ctx, c, m, cid)
		} else {
			seat, err = s.joinGuest(ctx, c, m, cid)
		}
		if err == nil {
			s.call, s.seat = c, seat
		}
		return err
	})
	if err != nil {
		s.role = ""
		return err
	}
	s.seated()
	gauge := s.server.cfg.Metrics.Connections
	gauge.WithLabelValues("none").Dec()
	gauge.WithLabelValues(string(s.role)).Inc()
	s.log().Debug("joined")
	return nil
}

// joinGuest asks once more when the seat was taken and its holder turned out to
// be gone. A guest with a claim to the seat does not wait for that.
func (s *session) joinGuest(ctx context.Context, c *call.Call, m protocol.Join, cid protocol.ID) (call.Conn, error) {
	var claim call.Claim
	if m.Seat != "" {
		b, err := protocol.DecodeBytes(m.Seat, len(claim))
		if err != nil {
			return 0, err
		}
		claim = call.Claim(b)
	}
	seat, err := c.JoinGuest(ctx, s, cid, m.Req, claim)
	if e, ok := errors.AsType[*protocol.WireError](err); !ok || e.Code != protocol.ErrorCodeBusy {
		return seat, err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout+writeTimeout)
	defer cancel()
	if err := c.ProbeGranted(ctx); err != nil {
		return 0, err
	}
	return c.JoinGuest(ctx, s, cid, m.Req, claim)
}

// joinHost checks the signature first. A call that nobody has created is refused
// like one whose signature is wrong, and as fast.
func (s *session) joinHost(ctx context.Context, c *call.Call, m protocol.Join, cid protocol.ID) (call.Conn, error) {
	key, known, err := c.Key(ctx)
	if err != nil {
		return 0, err
	}
	sig, err := protocol.DecodeBytes(m.Sig, ed25519SigSize)
	if err != nil {
		return 0, err
	}
	pub := s.server.decoy
	if known {
		pub = key[:]
	}
	if !e2ee.VerifyServerAuth(pub, sig, s.site.origin, s.nonce[:], s.callID, cid) || !known {
		return 0, protocol.ErrorCodeAuth.Err()
	}
	ice := s.servers()
	return c.JoinHost(ctx, s, cid, m.Req, &ice)
}

// refuse tells the client why not. What is our fault is logged; what is the
// client's is counted.
func (s *session) refuse(req string, err error) {
	pub := protocol.Public(err)
	level := slog.LevelDebug
	if pub.Code == protocol.ErrorCodeInternal {
		level = slog.LevelError
	}
	s.log().LogAttrs(context.Background(), level, "request refused",
		slog.String(telemetry.FieldCode, string(pub.Code)), slog.Any(telemetry.FieldError, err))
	s.server.cfg.Metrics.Refused(pub.Code)
	s.Send(protocol.Refusal{Req: req, Code: pub.Code, Detail: pub.Detail})
}

// hangUp refuses and then closes.
func (s *session) hangUp(code protocol.ErrorCode, closeCode int) {
	s.server.cfg.Metrics.Refused(code)
	s.Send(protocol.Refusal{Code: code})
	s.Close(closeCode)
}

// dismiss is hangUp, for what the client has said; for the reader, where it may wait.
func (s *session) dismiss(code protocol.ErrorCode, closeCode int) {
	s.hangUp(code, closeCode)
	s.quit()
}

// log is the server's logger with what is known of the session; for the reader.
func (s *session) log() *slog.Logger {
	if s.role == "" {
		return s.server.cfg.Log
	}
	return s.server.cfg.Log.With(
		telemetry.FieldCall, s.server.cfg.Pseudonyms.Call(s.callID),
		telemetry.FieldRole, string(s.role))
}
