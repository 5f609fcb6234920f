// Package sockets is the server's end of WebSockets (RFC 6455), for a server that has
// very many of them, most of them silent.
//
// # What a connection costs
//
// On Linux a connection that says nothing is its state and nothing else: no goroutine, no
// buffer. A [Hub] waits for all of them, reads what has come into a buffer of its own,
// and gives it to the connection's [Handler]. Where that cannot be, under TLS or on
// another system, each connection has a goroutine that reads.
//
// There are no extensions and no client. What is written is the handler's affair: this
// package puts bytes on the wire, and knows no queue.
//
// # Ownership
//
// A [Conn] is its handler's from [Conn.Serve] until it has called Close. A [Hub] owns
// its goroutines until Close returns; its connections must be closed before.
package sockets

import (
	"encoding/binary"
	"errors"
	"unicode/utf8"
)

// Op is what a frame is, RFC 6455 §11.8.
type Op uint8

// The opcodes.
const (
	OpContinuation Op = 0
	OpText         Op = 1
	OpBinary       Op = 2
	OpClose        Op = 8
	OpPing         Op = 9
	OpPong         Op = 10
)

// Close codes of RFC 6455 §7.4.1 that are this package's to know.
const (
	CloseProtocol = 1002
	// noCode is what a close frame without a code stands for.
	noCode = 1005
)

var (
	// ErrTooLong says that a message is longer than it may be. It will not be given out.
	ErrTooLong = errors.New("message is too long")
	// ErrProtocol says that what came is no WebSocket. Nothing more will be given out.
	ErrProtocol = errors.New("not the WebSocket protocol")
	// ErrParts says that a message has more parts than [MaxParts]. Nothing more will be
	// given out.
	ErrParts = errors.New("message of too many parts")
)

// MaxParts is of how many frames after the first a message may be (RFC 6455 §5.4). Whoever
// has 65 kB sends one, or parts of some kB; and parts may be empty: they would be read for
// as long as they come, and neither bytes nor messages grow.
const MaxParts = 64

// Frame is a whole message, or a control frame; or, if Err is set, the news that there is
// none.
type Frame struct {
	Op      Op
	Payload []byte // the handler's until it returns
	Err     error
}

// Code is the close code of a close frame; ok is false if it says what none may say.
func (f Frame) Code() (code int, ok bool) {
	switch len(f.Payload) {
	case 0:
		return noCode, true
	case 1:
		return 0, false
	}
	if !utf8.Valid(f.Payload[2:]) { // RFC 6455 §8.1; what it says nobody reads
		return 0, false
	}
	code = int(binary.BigEndian.Uint16(f.Payload))
	// RFC 6455 §7.4: those below 3000 are the protocol's, of which some never travel.
	named := code >= 1000 && code <= 1014 && code != 1004 && code != noCode && code != 1006
	return code, named || code >= 3000 && code < 5000
}

// Verdict is what becomes of a connection after a frame.
type Verdict uint8

// The verdicts.
const (
	// Next goes on.
	Next Verdict = iota
	// Wait says that the handler has done nothing yet, for it would have to wait: it
	// wants the same frame again where it may.
	Wait
	// End reads no more.
	End
)

// Handler is told what comes on one connection, by one goroutine at a time.
type Handler interface {
	// Take is given the next frame. If mayWait is false, other connections wait for it to
	// return: what is not done at once it must ask for again with [Wait].
	Take(f Frame, mayWait bool) Verdict
	// Gone is called once, last, and may wait: nothing more comes, since the client has
	// gone, or after [Conn.Cut] or [End].
	Gone()
}

// Limits bound what one client may make the server keep.
type Limits struct{ Text, Binary int } // bytes of a message

// AppendFrame appends a server's frame to b: whole, and not masked.
func AppendFrame(b []byte, op Op, payload []byte) []byte {
	return append(AppendHead(b, op, len(payload)), payload...)
}

// AppendHead appends what comes before a payload of n bytes.
func AppendHead(b []byte, op Op, n int) []byte {
	b = append(b, 0x80|byte(op))
	switch {
	case n < 126:
		return append(b, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
}

// AppendClose appends a close frame; one without a code for what was one.
func AppendClose(b []byte, code int) []byte {
	if code == noCode {
		return AppendFrame(b, OpClose, nil)
	}
	return AppendFrame(b, OpClose, binary.BigEndian.AppendUint16(nil, uint16(code)))
}
