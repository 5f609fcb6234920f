package sockets

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// client is a client's frame: masked, and whole if fin says so.
func client(fin bool, op Op, payload string, mask ...byte) []byte {
	head := byte(op)
	if fin {
		head |= 0x80
	}
	b := []byte{head}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	if mask == nil {
		mask = []byte{0x11, 0x22, 0x33, 0x44}
	}
	b = append(b, mask...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i%4])
	}
	return b
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// read gives the parser what a client sends, in pieces of this size at most, and
// returns what came of it.
func read(d *parser, sent []byte, piece func() int) []string {
	var got []string
	for sent = bytes.Clone(sent); len(sent) > 0; {
		p := sent[:min(piece(), len(sent))]
		sent = sent[len(p):]
		for len(p) > 0 {
			var f Frame
			f, p = d.next(p)
			switch {
			case f.Err != nil:
				got = append(got, f.Err.Error())
			case f.Op != 0:
				got = append(got, fmt.Sprintf("%d %s", f.Op, f.Payload))
			}
		}
	}
	return got
}

var (
	tooLong = ErrTooLong.Error()
	broken  = ErrProtocol.Error()
)

func TestParse(t *testing.T) {
	long, middle := strings.Repeat("x", 70_000), strings.Repeat("y", 300)
	tests := map[string]struct {
		sent  []byte
		want  []string
		whole bool
	}{
		"a text":           {client(true, OpText, "hello"), []string{"1 hello"}, true},
		"nothing in it":    {client(true, OpBinary, ""), []string{"2 "}, true},
		"two":              {join(client(true, OpBinary, "a"), client(true, OpBinary, "b")), []string{"2 a", "2 b"}, true},
		"of middle length": {client(true, OpBinary, middle), []string{"2 " + middle}, true},
		"long":             {client(true, OpBinary, long), []string{"2 " + long}, true},
		"in parts": {
			join(client(false, OpText, "hel"), client(false, OpContinuation, ""), client(true, OpContinuation, "lo")), []string{"1 hello"}, true,
		},
		"with a ping between": {
			join(client(false, OpText, "a"), client(true, OpPing, "p"), client(true, OpContinuation, "b")), []string{"9 p", "1 ab"}, true,
		},
		"of which the end is empty": {
			join(client(false, OpBinary, "a"), client(true, OpContinuation, "")), []string{"2 a"}, true,
		},
		"goodbye":                        {client(true, OpClose, "\x03\xe8bye"), []string{"8 \x03\xe8bye"}, true},
		"half a head":                    {client(true, OpText, "hello")[:3], nil, false},
		"half a payload":                 {client(true, OpText, "hello")[:8], nil, false},
		"half a message":                 {client(false, OpText, "hello"), nil, false},
		"not masked":                     {[]byte{0x81, 0x01, 'x'}, []string{broken}, true},
		"an extension":                   {append([]byte{0xc1}, client(true, OpText, "x")[1:]...), []string{broken}, true},
		"an opcode of no meaning":        {client(true, 3, "x"), []string{broken}, true},
		"a control opcode of no meaning": {client(true, 11, "x"), []string{broken}, true},
		"the middle of nothing":          {client(true, OpContinuation, "x"), []string{broken}, true},
		"a message in a message":         {join(client(false, OpText, "x"), client(true, OpText, "y")), []string{broken}, false},
		"a long ping":                    {client(true, OpPing, strings.Repeat("x", 126)), []string{broken}, true},
		"a ping in parts":                {client(false, OpPing, "x"), []string{broken}, true},
		"a length with a sign": {
			append([]byte{0x82, 0xff}, bytes.Repeat([]byte{0xff}, 12)...), []string{broken}, true,
		},
		"after what is broken nothing counts": {join(client(true, 3, "x"), client(true, OpText, "hello")), []string{broken}, true},
		"too long a text":                     {client(true, OpText, middle+middle+middle+middle), []string{tooLong}, true},
		"too long a frame, and what follows": {
			join(client(true, OpBinary, long+"x"), client(true, OpText, "hello"), client(true, OpPing, "p"), client(true, OpClose, "")),
			[]string{tooLong, "9 p", "8 "},
			true,
		},
		"in as many parts as may be": {
			join(client(false, OpText, "a"), bytes.Repeat(client(false, OpContinuation, "b"), MaxParts-1), client(true, OpContinuation, "")),
			[]string{"1 a" + strings.Repeat("b", MaxParts-1)},
			true,
		},
		"in one more": {
			join(client(false, OpText, "a"), bytes.Repeat(client(false, OpContinuation, ""), MaxParts+1), client(true, OpText, "c")),
			[]string{ErrParts.Error()},
			false,
		},
		"in too many, after one too long": {
			join(client(true, OpBinary, long+"x"), bytes.Repeat(client(false, OpContinuation, ""), MaxParts+1)),
			[]string{tooLong, ErrParts.Error()},
			true,
		},
		"too long in parts": {
			join(client(false, OpBinary, long), client(false, OpContinuation, "x"), client(true, OpContinuation, "y"), client(true, OpClose, "")),
			[]string{tooLong, "8 "},
			true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			chance := rand.New(rand.NewPCG(1, 2))
			for pieces, size := range map[string]func() int{
				"all at once":  func() int { return 1 << 20 },
				"byte by byte": func() int { return 1 },
				"by chance":    func() int { return 1 + chance.IntN(9) },
			} {
				d := parser{limits: Limits{Text: 1000, Binary: 70_000}}
				got := read(&d, tt.sent, size)
				if fmt.Sprint(got) != fmt.Sprint(tt.want) {
					t.Errorf("%s: got %.200q, want %.200q", pieces, got, tt.want)
				}
				if !d.lost && d.whole() != tt.whole {
					t.Errorf("%s: whole: %t", pieces, d.whole())
				}
				if tt.whole && (d.message != nil || d.control != nil) {
					t.Errorf("%s: something is kept between messages", pieces)
				}
			}
		})
	}
}

// A client that announces much and sends little does not have it set aside.
func TestAnnouncedIsNotKept(t *testing.T) {
	d := parser{limits: Limits{Text: 1000, Binary: 1 << 20}}
	head := binary.BigEndian.AppendUint64([]byte{0x82, 0xff}, 1<<20)
	read(&d, append(head, 0, 0, 0, 0, 'x'), func() int { return 100 })
	if cap(d.message) > 100 {
		t.Errorf("%d bytes for one", cap(d.message))
	}
}

func TestParseLeavesNoGarbage(t *testing.T) {
	d := parser{limits: Limits{Text: 1000, Binary: 1000}}
	frame := client(true, OpBinary, strings.Repeat("x", 552), 0, 0, 0, 0)
	if n := testing.AllocsPerRun(100, func() {
		if f, rest := d.next(frame); f.Op != OpBinary || len(rest) != 0 {
			t.Error("no frame")
		}
	}); n != 0 {
		t.Errorf("%v allocations for a frame", n)
	}
}

func TestCode(t *testing.T) {
	for payload, want := range map[string]int{
		"": noCode, "\x03\xe8": 1000, "\x03\xe9bye": 1001, "\x0f\xa0": 4000, "\x03\xf3": 1011, "\x0b\xb8": 3000,
		"x": -1, "\x03\xed": -1, "\x03\xee": -1, "\x03\xec": -1, "\x03\xf7": -1, "\x07\xd0": -1, "\x13\x88": -1, "\x00\x00": -1,
		"\x03\xe8gr\xc3\xbc\xc3\x9fe": 1000, "\x03\xe8\xc3": -1,
	} {
		code, ok := Frame{Op: OpClose, Payload: []byte(payload)}.Code()
		if !ok {
			code = -1
		}
		if code != want {
			t.Errorf("%q: %d, want %d", payload, code, want)
		}
	}
}

// Whatever comes, in whatever pieces, means the same, and keeps no more than it may.
func FuzzParse(f *testing.F) {
	f.Add(join(client(true, OpText, "hello"), client(true, OpPing, "x")), uint64(1))
	f.Add(join(client(false, OpBinary, "a"), client(true, OpPong, ""), client(true, OpContinuation, "b")), uint64(2))
	f.Add(client(true, OpBinary, strings.Repeat("x", 300)), uint64(3))
	f.Add([]byte{0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, uint64(4))
	f.Fuzz(func(t *testing.T, sent []byte, seed uint64) {
		limits := Limits{Text: 50, Binary: 200}
		once, pieces := parser{limits: limits}, parser{limits: limits}
		want := read(&once, sent, func() int { return len(sent) })
		chance := rand.New(rand.NewPCG(seed, 0))
		got := read(&pieces, sent, func() int { return 1 + chance.IntN(20) })
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("in pieces %q, at once %q", got, want)
		}
		if len(pieces.message) > limits.Binary || len(pieces.control) > maxControl {
			t.Errorf("%d and %d bytes are kept", len(pieces.message), len(pieces.control))
		}
		for _, line := range got {
			if len(line) > limits.Binary+2 {
				t.Errorf("%d bytes were given out", len(line))
			}
		}
	})
}
