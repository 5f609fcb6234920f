package relay

import (
	"encoding/binary"
	"math"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/visavis-call/visavis/protocol"
)

const generations = 24

// regular is a client that takes part in one call after the other, with one socket, and
// sends on the channels of all of them all the time.
type regular struct {
	*rawClient
	id   byte
	over *[generations]atomic.Bool // calls that have ended
	data [generations]int          // by call, what came
}

// flood sends on every channel that there was, is, or will be.
func (r *regular) flood(done <-chan struct{}) {
	for {
		for g := range generations {
			select {
			case <-done:
				return
			default:
			}
			late := byte(0)
			if r.over[g].Load() {
				late = 1
			}
			_, _ = r.conn.Write(channelData(0x4000|uint16(g), []byte{r.id, byte(g), late})) // the end of the test closes it
		}
		time.Sleep(time.Millisecond)
	}
}

// next returns the next answer, and looks at the data that comes before it; nil when
// none has come in time, or once there is enough data.
func (r *regular) next(wait time.Duration, enough func() bool) *stun.Message {
	r.t.Helper()
	buf := make([]byte, mtu)
	if err := r.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		r.t.Fatal(err)
	}
	for !enough() {
		n, err := r.conn.Read(buf)
		if err != nil {
			return nil
		}
		if !isChannelData(buf[:n]) {
			m := &stun.Message{Raw: buf[:n]}
			if err := m.Decode(); err != nil {
				r.t.Fatal(err)
			}
			return m
		}
		g := int(binary.BigEndian.Uint16(buf) & 0xfff)
		from, call, late := buf[channelHeader], int(buf[channelHeader+1]), buf[channelHeader+2]
		if call != g || late != 0 || peerOf(r.id, g) != from {
			r.t.Errorf("%d got data of %d in call %d, from the channel of call %d, sent after the end: %d", r.id, from, g, call, late)
		}
		r.data[g]++
	}
	return nil
}

// peerOf pairs four clients in three ways.
func peerOf(id byte, g int) byte { return id ^ byte(g%3+1) }

func never() bool { return false }

// ask repeats a request until it is granted: pion may not have seen the end of an allocation.
func (r *regular) ask(method stun.Method, attrs ...stun.Setter) *stun.Message {
	r.t.Helper()
	request := r.signed(method, attrs...)
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		if _, err := r.conn.Write(request.Raw); err != nil {
			r.t.Fatal(err)
		}
		m := r.next(200*time.Millisecond, never)
		switch {
		case m == nil || m.TransactionID != request.TransactionID:
		case code(m) == 0:
			return m
		default:
			_ = r.nonce.GetFrom(m) // where it is the nonce that is missing
			request = r.signed(method, attrs...)
		}
	}
	r.t.Fatalf("%v was never granted", method)
	return nil
}

// Clients that go from call to call with the sockets that they have, while all of them
// flood old and future channels: data stays in its call, and ends with it.
func TestSocketsGoFromCallToCall(t *testing.T) {
	s, err := New(Config{Sockets: 4, Limits: Limits{
		RequestsPerSecond: math.MaxInt32, BitsPerSecond: math.MaxInt32, PacketsPerSecond: math.MaxInt32, AllocationsPerIP: 100,
	}})
	if err != nil {
		t.Fatal(err)
	}
	pc := sharedPort(t, "udp4", "127.0.0.1:0")
	r := &relayed{Server: s, udp: pc.LocalAddr().String()}
	served := make(chan error, 1)
	go func() { served <- s.ServePacket(pc) }()
	for deadline := time.Now().Add(2 * time.Second); s.listeners() < 4 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	var over [generations]atomic.Bool
	var all [4]*regular
	done := make(chan struct{})
	var flooding sync.WaitGroup
	for i := range all {
		conn, err := net.Dial("udp4", r.udp)
		if err != nil {
			t.Fatal(err)
		}
		all[i] = &regular{rawClient: &rawClient{t: t, conn: conn, nonce: stun.Nonce("x")}, id: byte(i), over: &over}
		flooding.Go(func() { all[i].flood(done) })
	}
	for g := range generations {
		r.generation(g, &all, &over)
	}
	close(done)
	flooding.Wait()
	for _, c := range all {
		_ = c.conn.Close()
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if n := counter(t, s.metrics.fast); n < generations {
		t.Errorf("only %v packets went past pion", n)
	}
}

// generation has two calls among the four, and ends them.
func (r *relayed) generation(g int, all *[4]*regular, over *[generations]atomic.Bool) {
	var relayed [4]stun.XORMappedAddress
	callOf := func(id byte) [16]byte { return [16]byte{byte(g), min(id, peerOf(id, g))} }
	for i, c := range all {
		role := protocol.RoleHost
		if peerOf(c.id, g) < c.id {
			role = protocol.RoleGuest
		}
		c.user, c.password, _ = r.Credentials(callOf(c.id), role, time.Now())
		if err := relayed[i].GetFromAs(c.ask(stun.MethodAllocate, udpTransport), stun.AttrXORRelayedAddress); err != nil {
			c.t.Fatal(err)
		}
	}
	for _, c := range all {
		c.ask(stun.MethodChannelBind, peerAddress(relayed[peerOf(c.id, g)]), channelNumber(0x4000|uint16(g)))
	}
	for _, c := range all {
		// A second answer, to a request that was sent again, may be in between.
		for deadline := time.Now().Add(2 * time.Second); c.data[g] < 3 && time.Now().Before(deadline); {
			c.next(time.Until(deadline), func() bool { return c.data[g] >= 3 })
		}
		if c.data[g] < 3 {
			c.t.Errorf("call %d: nothing came to %d", g, c.id)
		}
	}
	end := func(how func(call [16]byte)) {
		for id := range byte(4) {
			if id < peerOf(id, g) {
				how(callOf(id))
			}
		}
	}
	end(func(call [16]byte) { r.Revoke(call, protocol.RoleGuest) })
	over[g].Store(true)
	all[g%4].next(5*time.Millisecond, never) // hosts go on sending, to nobody
	end(r.EndCall)
}
