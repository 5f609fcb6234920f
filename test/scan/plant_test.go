//go:build linux

package scan

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/peer"
)

// linkSecrets takes a call's links apart, with the derivation of the
// specification's section 3 (links) written once more. known is what the server has to
// know.
func linkSecrets(t *testing.T, name string, host e2ee.Link) (hidden, known []marker) {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(host.Fragment()[1:])
	if err != nil {
		t.Fatal(err)
	}
	hs := raw[2:] // behind version and flags
	hp := extract(t, "1v1e/1 host link", hs)
	l := expand(t, hp, "link secret", 32)
	lp := extract(t, "1v1e/1 link", l)
	id, srv := expand(t, lp, "call id", 16), ed25519.NewKeyFromSeed(expand(t, hp, "server auth ed25519", 32))
	if [16]byte(id) != host.CallID() || !bytes.Equal(srv.Public().(ed25519.PublicKey), host.ServerPub()) {
		t.Fatal("this test derives keys differently from package e2ee")
	}
	identity := ed25519.NewKeyFromSeed(expand(t, hp, "host ed25519", 32))
	hidden = []marker{
		words(name+": host link", host.Fragment()),
		words(name+": guest link", host.Guest().Fragment()),
		secret(name+": host secret HS", hs),
		secret(name+": link secret L", l),
		secret(name+": host identity, private", identity.Seed()),
		secret(name+": host identity, public", identity.Public().(ed25519.PublicKey)),
		secret(name+": key for the server, private", srv.Seed()),
		secret(name+": psk", expand(t, lp, "psk", 32)),
		secret(name+": password salt", expand(t, lp, "password salt", 16)),
		secret(name+": outer keys", expand(t, lp, "outer", 64)),
	}
	return hidden, []marker{secret(name+": call id", id), secret(name+": key for the server, public", host.ServerPub())}
}

func extract(t *testing.T, salt string, secret []byte) []byte {
	t.Helper()
	prk, err := hkdf.Extract(sha512.New, secret, []byte(salt))
	if err != nil {
		t.Fatal(err)
	}
	return prk
}

func expand(t *testing.T, prk []byte, label string, n int) []byte {
	t.Helper()
	key, err := hkdf.Expand(sha512.New, prk, "1v1e/1 "+label+"\x00", n)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// dice is a party's source of randomness, which remembers what it gave: scalars,
// key seeds and nonces of the handshake. What is shorter than a key, like the
// public ids of connections, is not kept.
type dice struct {
	mu    sync.Mutex
	drawn [][]byte
}

func (d *dice) Read(b []byte) (int, error) {
	rand.Read(b)
	if len(b) >= 32 {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.drawn = append(d.drawn, bytes.Clone(b))
	}
	return len(b), nil
}

func (d *dice) markers(name string) []marker {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []marker
	for i, b := range d.drawn {
		out = append(out, secret(fmt.Sprintf("%s: randomness %d of the handshake", name, i), b))
	}
	return out
}

// planted is a track whose every frame holds the same bytes.
type planted struct {
	codec peer.Codec
	frame []byte
	every time.Duration
}

// plantSound makes packets that begin like Opus (RFC 6716 §3.1) and go on with
// the marker.
func plantSound(value []byte) planted {
	return planted{peer.CodecOpus, append([]byte{0xfc}, value...), 20 * time.Millisecond}
}

// plantPicture makes frames that begin like a VP8 key frame (RFC 6386 §9.1).
func plantPicture(value []byte) planted {
	return planted{peer.CodecVP8, append([]byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0}, value...), 66 * time.Millisecond}
}

func (p planted) Codec() peer.Codec { return p.codec }

func (p planted) Next() (peer.Frame, error) {
	return peer.Frame{Data: p.frame, Duration: p.every}, nil
}

// sink passes frames on and checks that what arrives is what was planted.
type sink struct {
	t    *testing.T
	next peer.Sink
	want map[peer.Kind][]byte
}

func (s sink) WriteFrame(track peer.Track, f peer.Frame) error {
	if !bytes.Contains(f.Data, s.want[track.Kind]) {
		s.t.Errorf("%s of m-line %s is not what was planted", track.Kind, track.MID)
	}
	return s.next.WriteFrame(track, f)
}

// wiretap records what a party hears from the server over signaling: what the
// other party sent, as the server saw it. (What goes to the server is masked,
// RFC 6455 §5.3.)
type wiretap struct {
	mu    sync.Mutex
	heard bytes.Buffer
}

func (w *wiretap) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			var d net.Dialer
			c, err := d.DialContext(ctx, network, addr)
			return tapped{c, w}, err
		},
	}}
}

func (w *wiretap) find(f *finder) (map[string]bool, int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	found, err := f.read(bytes.NewReader(w.heard.Bytes()))
	return found, w.heard.Len(), err
}

type tapped struct {
	net.Conn
	tap *wiretap
}

func (c tapped) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.tap.mu.Lock()
	defer c.tap.mu.Unlock()
	c.tap.heard.Write(b[:n])
	return n, err
}

// ownDescriptions finds pieces of the parties' session descriptions in the
// memory of this process, where the parties run: no interface of theirs gives
// them away. That the search succeeds also shows that it can.
func ownDescriptions(t *testing.T) []marker {
	t.Helper()
	// Each begins with plain text, which is what makes the search fast. A relay of
	// connectivity checks sees the ufrag (RFC 8445 §7.2.2): it is looked for with its name.
	pieces := []*regexp.Regexp{
		regexp.MustCompile(`a=fingerprint:sha-256 ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})`),
		regexp.MustCompile(`a=ice-pwd:([0-9A-Za-z+/]{22,64})`),
		regexp.MustCompile(`a=ice-ufrag:[0-9A-Za-z+/]{8,32}`),
	}
	found := map[string]bool{}
	err := readMemory(os.Getpid(), func(r io.Reader) error {
		b := make([]byte, 0, chunk+block)
		for {
			n, err := io.ReadFull(r, b[len(b):len(b)+chunk])
			b = b[:len(b)+n]
			for _, kind := range pieces {
				for _, piece := range kind.FindAllSubmatch(b, -1) {
					found[string(piece[len(piece)-1])] = true
				}
			}
			if err != nil {
				return nil // also where nothing can be read any more: this process lives on meanwhile
			}
			b = b[:copy(b[:cap(b)], b[len(b)-block:])]
		}
	})
	if err != nil {
		t.Fatalf("own memory: %v", err)
	}
	var out []marker
	for _, piece := range slices.Sorted(maps.Keys(found)) {
		out = append(out, words("session description: "+piece, piece))
	}
	if len(out) < 8 { // two calls of two parties, each with a password and a fingerprint
		t.Fatalf("found only %d pieces of session descriptions in the memory of the parties", len(out))
	}
	return out
}
