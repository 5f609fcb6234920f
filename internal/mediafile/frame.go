package mediafile

import "encoding/binary"

// keyFrame reports whether a frame can be decoded without an earlier one.
func keyFrame(codec string, data []byte) bool {
	if len(data) == 0 {
		return false
	}
	if codec == VP8 {
		return data[0]&1 == 0 // RFC 6386 §9.1: 0 is a key frame
	}
	b := bits{data: data}
	return vp9Key(&b)
}

// frameSize returns the dimensions a key frame carries.
func frameSize(codec string, data []byte) (width, height int, ok bool) {
	if codec == VP8 {
		// RFC 6386 §9.1: tag (3), start code 9d 01 2a, then two 16-bit fields
		// whose upper two bits are the scale.
		if len(data) < 10 || data[3] != 0x9d || data[4] != 0x01 || data[5] != 0x2a {
			return 0, 0, false
		}
		width = int(binary.LittleEndian.Uint16(data[6:]) & 0x3fff)
		height = int(binary.LittleEndian.Uint16(data[8:]) & 0x3fff)
		return width, height, width > 0 && height > 0
	}
	return vp9Size(data)
}

// vp9Key reads the uncompressed header up to frame_type
// (VP9 bitstream specification 0.6, 6.2).
func vp9Key(b *bits) bool {
	if b.read(2) != 2 { // frame_marker
		return false
	}
	profile := b.read(1) | b.read(1)<<1
	if profile == 3 {
		b.read(1)
	}
	if b.read(1) == 1 { // show_existing_frame
		return false
	}
	return b.read(1) == 0 && !b.short
}

// vp9Size reads the uncompressed header of a key frame up to frame_size.
func vp9Size(data []byte) (width, height int, ok bool) {
	b := bits{data: data}
	if !vp9Key(&b) {
		return 0, 0, false
	}
	profile := data[0]>>5&1 | data[0]>>4&1<<1
	b.read(2)                     // show_frame, error_resilient_mode
	if b.read(24) != 0x49_83_42 { // sync code
		return 0, 0, false
	}
	if profile >= 2 {
		b.read(1) // ten_or_twelve_bit
	}
	const rgb = 7
	switch space := b.read(3); {
	case space != rgb:
		b.read(1) // color_range
		if profile&1 == 1 {
			b.read(3) // subsampling_x, subsampling_y, reserved
		}
	case profile&1 == 1:
		b.read(1) // reserved
	default:
		return 0, 0, false // profiles 0 and 2 have no RGB
	}
	width, height = b.read(16)+1, b.read(16)+1
	return width, height, !b.short
}

// bits reads big-endian bit fields. Past the end it reads zeros and sets short.
type bits struct {
	data  []byte
	pos   int
	short bool
}

func (b *bits) read(n int) int {
	v := 0
	for range n {
		if b.pos/8 >= len(b.data) {
			b.short = true
			return 0
		}
		v = v<<1 | int(b.data[b.pos/8]>>(7-b.pos%8)&1)
		b.pos++
	}
	return v
}
