package httpd

import (
	"bytes"
	"io"
	"log/slog"
	"net"
	"testing"
)

// Whatever a connection begins with: it goes to one of the two or to nobody, by its
// first byte, and whoever gets it reads all of it.
func FuzzFirstBytes(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42})
	f.Add([]byte{0x16, 3, 1, 0, 5})
	f.Add([]byte{0x40, 0, 0, 4})
	f.Add([]byte{})
	s := NewSplitter(newListenPair(), nil, slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, said []byte) {
		client, server := net.Pipe()
		sorted, sent := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(sent)
			defer client.Close()
			if len(said) > 0 {
				_, _ = client.Write(said[:1])
				<-sorted // it stays open until it is looked at
				_, _ = client.Write(said[1:])
			}
		}()
		defer func() { <-sent }()
		defer server.Close()
		c, to := s.classify(server)
		close(sorted)
		var want *branch
		switch {
		case len(said) == 0:
		case said[0] <= 3:
			want = s.relay
		case said[0] >= 'A' && said[0] <= 'Z':
			want = s.http
		}
		if to != want || (c == nil) != (want == nil) {
			t.Fatalf("%.20q: goes to %p, want %p (relay %p, HTTP %p)", said, to, want, s.relay, s.http)
		}
		if c == nil {
			return
		}
		if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, said) {
			t.Errorf("%.20q: read %.20q, %v", said, got, err)
		}
	})
}
