package protocol

import "encoding/binary"

// slotBytes is the prefix of every binary frame.
const slotBytes = 2

// AppendFrame appends the binary frame that carries an outer frame to or from
// the guest in slot (at a guest: 0).
func AppendFrame(b []byte, slot uint16, outer []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, slot), outer...)
}

// SplitFrame takes a binary frame apart. The outer frame is not looked at
// and shares memory with frame; ok is false if there is none.
func SplitFrame(frame []byte) (slot uint16, outer []byte, ok bool) {
	if len(frame) <= slotBytes || len(frame) > LimitFrameBytes {
		return 0, nil, false
	}
	return binary.BigEndian.Uint16(frame), frame[slotBytes:], true
}
