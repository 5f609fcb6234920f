package files

import (
	"bytes"
	"testing"
)

func FuzzChunk(f *testing.F) {
	f.Add(encodeChunk(testID(1), 0, []byte("x")))
	f.Add(encodeChunk(testID(1), 1<<62, make([]byte, 20)))
	f.Add(make([]byte, headerBytes))
	f.Fuzz(func(t *testing.T, plain []byte) {
		c, err := decodeChunk(plain)
		if err == nil && !bytes.Equal(encodeChunk(c.id, int64(c.off), c.bytes), plain) {
			t.Errorf("%x reads as %+v", plain, c)
		}
	})
}

// FuzzTake is a sender that has been told to send ten bytes: no more are
// taken, and none for another file.
func FuzzTake(f *testing.F) {
	f.Add(encodeChunk(testID(1), 0, []byte("0123456789")), encodeChunk(testID(1), 10, []byte("more")))
	f.Add(encodeChunk(testID(1), 5, []byte("x")), encodeChunk(testID(2), 0, []byte("y")))
	f.Add(encodeChunk(testID(1), 1<<63-1, []byte("x")), []byte{})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		s := flowing(t, 10)
		for _, plain := range [][]byte{first, second} {
			_ = s.Take(plain) // an error ends the call
		}
		for _, in := range s.in {
			if in.ID != testID(1) || in.received > 10 {
				t.Errorf("%d bytes of 10 are taken for %s", in.received, in.ID)
			}
		}
	})
}
