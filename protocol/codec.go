package protocol

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// ErrUnknownType says that a frame is a message of a type this version does not
// know. A newer side may send one: ignore it, and count it.
var ErrUnknownType = errors.New("unknown message type")

// ClientMessage is a message from a client: [Create], [Join], [Grant], [Drop],
// [Lock], [Unlock], [End] or [Renew].
type ClientMessage interface{ fromClient() ClientMessage }

// ServerMessage is a message from the server: [Welcome], [Created], [Joined],
// [Peer], [Host], [ICE], [Ended], [GoingAway] or [Refusal].
type ServerMessage interface{ fromServer() ServerMessage }

// The methods return the message with its type tag in place, so that nobody has
// to remember to set it.

func (m Create) fromClient() ClientMessage { m.Type = "create"; return m }
func (m Join) fromClient() ClientMessage   { m.Type = "join"; return m }
func (m Grant) fromClient() ClientMessage  { m.Type = "grant"; return m }
func (m Drop) fromClient() ClientMessage   { m.Type = "drop"; return m }
func (m Lock) fromClient() ClientMessage   { m.Type = "lock"; return m }
func (m Unlock) fromClient() ClientMessage { m.Type = "unlock"; return m }
func (m End) fromClient() ClientMessage    { m.Type = "end"; return m }
func (m Renew) fromClient() ClientMessage  { m.Type = "renew"; return m }

func (m Welcome) fromServer() ServerMessage   { m.Type = "welcome"; return m }
func (m Created) fromServer() ServerMessage   { m.Type = "created"; return m }
func (m Joined) fromServer() ServerMessage    { m.Type = "joined"; return m }
func (m Peer) fromServer() ServerMessage      { m.Type = "peer"; return m }
func (m Host) fromServer() ServerMessage      { m.Type = "host"; return m }
func (m ICE) fromServer() ServerMessage       { m.Type = "ice"; return m }
func (m Ended) fromServer() ServerMessage     { m.Type = "ended"; return m }
func (m GoingAway) fromServer() ServerMessage { m.Type = "going_away"; return m }
func (m Refusal) fromServer() ServerMessage   { m.Type = "error"; return m }

// EncodeClient returns the text frame of m; m.Type need not be set.
func EncodeClient(m ClientMessage) []byte { return encode(m.fromClient()) }

// EncodeServer returns the text frame of m; m.Type need not be set.
func EncodeServer(m ServerMessage) []byte { return encode(m.fromServer()) }

func encode(m any) []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // the types are ours and hold nothing that cannot be encoded
	}
	return b
}

// DecodeClient parses and checks a text frame from a client. It returns
// [ErrUnknownType], or a *WireError with [ErrorCodeSize] or [ErrorCodeParse].
func DecodeClient(frame []byte) (ClientMessage, error) {
	if len(frame) > LimitControlBytes {
		return nil, &WireError{Code: ErrorCodeSize}
	}
	tag, err := typeOf(frame)
	if err != nil {
		return nil, err
	}
	switch tag {
	case "create":
		return decodeAs(frame, Create.check)
	case "join":
		return decodeAs(frame, Join.check)
	case "grant":
		return decodeAs(frame, func(m Grant) error { return checkSlot(m.Slot) })
	case "drop":
		return decodeAs(frame, func(m Drop) error { return checkSlot(m.Slot) })
	case "lock":
		return decodeAs[Lock](frame, nil)
	case "unlock":
		return decodeAs[Unlock](frame, nil)
	case "end":
		return decodeAs(frame, func(m End) error { return checkReq(m.Req) })
	case "renew":
		return decodeAs[Renew](frame, nil)
	}
	return nil, ErrUnknownType
}

// DecodeServer parses and checks a text frame from a server. It returns
// [ErrUnknownType], or a *WireError with [ErrorCodeSize] or [ErrorCodeParse].
// An unknown error code becomes [ErrorCodeInternal].
func DecodeServer(frame []byte) (ServerMessage, error) {
	if len(frame) > LimitFrameBytes {
		return nil, &WireError{Code: ErrorCodeSize}
	}
	tag, err := typeOf(frame)
	if err != nil {
		return nil, err
	}
	switch tag {
	case "welcome":
		return decodeAs(frame, Welcome.check)
	case "created":
		return decodeAs(frame, func(m Created) error { return checkReq(m.Req) })
	case "joined":
		return decodeAs(frame, Joined.check)
	case "peer":
		return decodeAs(frame, Peer.check)
	case "host":
		return decodeAs(frame, Host.check)
	case "ice":
		return decodeAs(frame, func(m ICE) error { return m.ICE.check() })
	case "ended":
		return decodeAs(frame, Ended.check)
	case "going_away":
		return decodeAs[GoingAway](frame, nil)
	case "error":
		m, err := decodeAs(frame, func(m Refusal) error { return checkReq(m.Req) })
		if err == nil && !m.Code.Known() {
			m.Code = ErrorCodeInternal
		}
		return m, err
	}
	return nil, ErrUnknownType
}

// DecodeCheckRequest parses the body of a request to [PathCheck], strictly: one
// object, without unknown fields.
func DecodeCheckRequest(body []byte) (CheckRequest, error) {
	var r CheckRequest
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if !utf8.Valid(body) || d.Decode(&r) != nil {
		return CheckRequest{}, parseError("not a check request")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return CheckRequest{}, parseError("more than a check request")
	}
	if len(r.Offer) > LimitCheckOffer {
		return CheckRequest{}, &WireError{Code: ErrorCodeSize}
	}
	return r, nil
}

func typeOf(frame []byte) (string, error) {
	if !utf8.Valid(frame) {
		return "", parseError("not UTF-8")
	}
	var head struct {
		Type *string `json:"type"`
	}
	if err := json.Unmarshal(frame, &head); err != nil {
		return "", parseError("not a JSON message")
	}
	if head.Type == nil {
		return "", parseError("no type")
	}
	return *head.Type, nil
}

func decodeAs[M any](frame []byte, check func(M) error) (M, error) {
	var m, none M
	if err := json.Unmarshal(frame, &m); err != nil {
		return none, parseError("wrong field type")
	}
	if check != nil {
		if err := check(m); err != nil {
			return none, err
		}
	}
	return m, nil
}

// parseError never quotes what was sent: details end up in logs.
func parseError(format string, args ...any) error {
	return &WireError{Code: ErrorCodeParse, Detail: fmt.Sprintf(format, args...)}
}

// EncodeBytes writes bytes the way they stand in JSON: base64url, no padding.
func EncodeBytes(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// DecodeBytes reads exactly n bytes from s; other lengths, padding and
// non-canonical forms are an error.
func DecodeBytes(s string, n int) ([]byte, error) {
	if len(s) != base64.RawURLEncoding.EncodedLen(n) {
		return nil, parseError("not %d bytes of base64url", n)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != n { // the decoder skips line breaks
		return nil, parseError("not %d bytes of base64url", n)
	}
	return b, nil
}

// ID is a call id or a connection id.
type ID [16]byte

// String returns the id as it stands in JSON.
func (id ID) String() string { return EncodeBytes(id[:]) }

// ParseID reads an id from JSON form.
func ParseID(s string) (ID, error) {
	b, err := DecodeBytes(s, len(ID{}))
	if err != nil {
		return ID{}, err
	}
	return ID(b), nil
}
