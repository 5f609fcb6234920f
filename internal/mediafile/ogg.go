package mediafile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Ogg is an endless source of Opus packets. Create it with [OpenOgg]. Of a
// file with several streams it plays the first Opus stream.
type Ogg struct {
	file     io.ReadSeekCloser
	in       *bufio.Reader
	crc      [256]uint32
	serial   uint32
	channels int

	queue   [][]byte // complete packets of the current page
	partial []byte   // a packet that goes on in the next page
	skip    int      // header packets still to drop
	played  bool     // at least one packet since the last rewind
}

// OpenOgg opens the file at path and reads its header.
func OpenOgg(path string) (*Ogg, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	o, err := newOgg(f)
	if err != nil {
		_ = f.Close() // opened for reading only
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return o, nil
}

func newOgg(f io.ReadSeekCloser) (*Ogg, error) {
	o := &Ogg{file: f, in: bufio.NewReaderSize(f, 64<<10), crc: oggTable()}
	for {
		p, err := o.page()
		if err != nil {
			return nil, fmt.Errorf("%w: no Opus stream: %w", ErrFormat, noEOF(err))
		}
		if !p.first {
			return nil, fmt.Errorf("%w: no Opus stream in this Ogg file", ErrFormat)
		}
		if len(p.body) >= 8 && string(p.body[:8]) == "OpusHead" {
			if err := o.head(p.body); err != nil {
				return nil, err
			}
			o.serial = p.serial
			break
		}
	}
	if err := o.rewind(); err != nil {
		return nil, err
	}
	if err := o.fill(); err != nil {
		return nil, fmt.Errorf("%w: no Opus packets: %w", ErrFormat, noEOF(err))
	}
	return o, nil
}

// head checks an identification header, RFC 7845 §5.1.
func (o *Ogg) head(body []byte) error {
	if len(body) < 19 {
		return fmt.Errorf("%w: Opus header of %d bytes", ErrFormat, len(body))
	}
	if version := body[8]; version>>4 != 0 {
		return fmt.Errorf("%w: Opus header version %d", ErrFormat, version)
	}
	o.channels = int(body[9])
	if family := body[18]; family != 0 || o.channels < 1 || o.channels > 2 {
		return fmt.Errorf("%w: Opus with %d channels in mapping family %d, want mono or stereo", ErrFormat, o.channels, family)
	}
	return nil
}

// Channels returns 1 or 2.
func (o *Ogg) Channels() int { return o.channels }

// Next returns the next packet. After the last one comes the first one again.
func (o *Ogg) Next() (AudioPacket, error) {
	if err := o.fill(); errors.Is(err, io.EOF) {
		if !o.played {
			return AudioPacket{}, fmt.Errorf("%w: no Opus packets", ErrFormat)
		}
		if err := o.rewind(); err != nil {
			return AudioPacket{}, err
		}
		if err := o.fill(); err != nil {
			return AudioPacket{}, fmt.Errorf("%w: file changed while playing: %w", ErrFormat, noEOF(err))
		}
	} else if err != nil {
		return AudioPacket{}, err
	}
	data := o.queue[0]
	o.queue = o.queue[1:]
	o.played = true
	d, err := opusDuration(data)
	if err != nil {
		return AudioPacket{}, err
	}
	return AudioPacket{Data: data, Duration: d}, nil
}

// Close closes the file.
func (o *Ogg) Close() error { return o.file.Close() }

func (o *Ogg) rewind() error {
	if _, err := o.file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("rewind: %w", err)
	}
	o.in.Reset(o.file)
	o.queue, o.partial, o.played = nil, nil, false
	o.skip = 2 // OpusHead and OpusTags
	return nil
}

// fill reads pages until a packet is queued. It returns io.EOF at the end.
func (o *Ogg) fill() error {
	for len(o.queue) == 0 {
		p, err := o.page()
		if err != nil {
			return err
		}
		if p.serial != o.serial {
			continue
		}
		if err := o.packets(p); err != nil {
			return err
		}
	}
	return nil
}

// packets splits a page at its lacing values, RFC 3533 §6: a value below 255
// ends a packet.
func (o *Ogg) packets(p oggPage) error {
	if !p.continued {
		o.partial = nil
	}
	rest := p.body
	for _, n := range p.lacing {
		o.partial = append(o.partial, rest[:n]...)
		rest = rest[n:]
		if len(o.partial) > LimitPacketBytes {
			if o.skip == 0 {
				return fmt.Errorf("%w: Opus packet over %d bytes", ErrFormat, LimitPacketBytes)
			}
			o.partial = o.partial[:0] // a long comment header: not needed
		}
		if n == 255 {
			continue
		}
		switch {
		case o.skip > 0:
			o.skip--
		case len(o.partial) > 0:
			o.queue = append(o.queue, o.partial)
		}
		o.partial = nil
	}
	return nil
}

type oggPage struct {
	serial    uint32
	first     bool // beginning of a stream
	continued bool // starts with the rest of a packet
	lacing    []byte
	body      []byte
}

// page reads one page, RFC 3533 §6. It returns io.EOF at the end of the file.
func (o *Ogg) page() (oggPage, error) {
	var h [27]byte
	if _, err := io.ReadFull(o.in, h[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return oggPage{}, io.EOF
		}
		return oggPage{}, fmt.Errorf("%w: Ogg page header: %w", ErrFormat, err)
	}
	if string(h[:4]) != "OggS" || h[4] != 0 {
		return oggPage{}, fmt.Errorf("%w: not an Ogg page", ErrFormat)
	}
	p := oggPage{
		continued: h[5]&1 != 0,
		first:     h[5]&2 != 0,
		serial:    binary.LittleEndian.Uint32(h[14:]),
		lacing:    make([]byte, h[26]),
	}
	if _, err := io.ReadFull(o.in, p.lacing); err != nil {
		return oggPage{}, fmt.Errorf("%w: Ogg page cut short: %w", ErrFormat, noEOF(err))
	}
	size := 0
	for _, n := range p.lacing {
		size += int(n)
	}
	p.body = make([]byte, size)
	if _, err := io.ReadFull(o.in, p.body); err != nil {
		return oggPage{}, fmt.Errorf("%w: Ogg page cut short: %w", ErrFormat, noEOF(err))
	}
	want := binary.LittleEndian.Uint32(h[22:])
	clear(h[22:26]) // the checksum counts itself as zero
	if got := o.checksum(h[:], p.lacing, p.body); got != want {
		return oggPage{}, fmt.Errorf("%w: Ogg checksum %08x, want %08x", ErrFormat, got, want)
	}
	return p, nil
}

func (o *Ogg) checksum(parts ...[]byte) uint32 {
	var sum uint32
	for _, part := range parts {
		for _, b := range part {
			sum = sum<<8 ^ o.crc[byte(sum>>24)^b]
		}
	}
	return sum
}

// oggTable is for the CRC-32 of RFC 3533 §6: polynomial 0x04c11db7, not
// reflected, which hash/crc32 does not offer.
func oggTable() (table [256]uint32) {
	for i := range table {
		r := uint32(i) << 24
		for range 8 {
			carry := r >> 31
			r = r<<1 ^ carry*0x04c11db7
		}
		table[i] = r
	}
	return table
}

// opusDuration reads how long a packet lasts from its first bytes, RFC 6716 §3.1.
func opusDuration(packet []byte) (time.Duration, error) {
	if len(packet) == 0 {
		return 0, fmt.Errorf("%w: empty Opus packet", ErrFormat)
	}
	frame := opusFrame(packet[0] >> 3)
	count := 1
	switch packet[0] & 3 {
	case 1, 2:
		count = 2
	case 3:
		if len(packet) < 2 {
			return 0, fmt.Errorf("%w: Opus packet of one byte", ErrFormat)
		}
		count = int(packet[1] & 0x3f)
	}
	total := frame * time.Duration(count)
	if total <= 0 || total > 120*time.Millisecond {
		return 0, fmt.Errorf("%w: Opus packet of %v", ErrFormat, total)
	}
	return total, nil
}

// opusFrame is table 2 of RFC 6716.
func opusFrame(config byte) time.Duration {
	const ms = time.Millisecond
	switch {
	case config < 12: // SILK: 10, 20, 40, 60 ms
		return [...]time.Duration{10 * ms, 20 * ms, 40 * ms, 60 * ms}[config%4]
	case config < 16: // hybrid: 10, 20 ms
		return [...]time.Duration{10 * ms, 20 * ms}[config%2]
	default: // CELT: 2.5, 5, 10, 20 ms
		return [...]time.Duration{2500 * time.Microsecond, 5 * ms, 10 * ms, 20 * ms}[config%4]
	}
}
