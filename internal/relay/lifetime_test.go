package relay

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/visavis-call/visavis/protocol"
)

// Nobody stays longer than lifetime without asking again, whatever they ask for:
// what a closed page leaves behind counts against its address until then.
func TestLifetime(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{})
		for name, tt := range map[string]struct{ asked, want time.Duration }{
			"not asked":   {0, lifetime},
			"an hour":     {time.Hour - time.Second, lifetime},
			"too long":    {24 * time.Hour, lifetime},
			"half of it":  {lifetime / 2, lifetime / 2},
			"just enough": {lifetime, lifetime},
		} {
			t.Run(name, func(t *testing.T) {
				var asked []stun.Setter
				if tt.asked > 0 {
					value := binary.BigEndian.AppendUint32(nil, uint32(tt.asked/time.Second))
					asked = append(asked, stun.RawAttribute{Type: stun.AttrLifetime, Value: value})
				}
				c := r.client(t, "udp", [16]byte{1}, protocol.RoleHost)
				for _, answer := range []*stun.Message{
					c.request(stun.MethodAllocate, 0, append(asked, udpTransport)...),
					c.request(stun.MethodRefresh, 0, asked...),
				} {
					got, err := answer.Get(stun.AttrLifetime)
					if err != nil || time.Duration(binary.BigEndian.Uint32(got))*time.Second != tt.want {
						t.Errorf("%v: got %x (%v), want %v", answer.Type.Method, got, err, tt.want)
					}
				}
			})
		}
	})
}

// A browser refreshes with the credentials that it allocated with, for as long as
// the call takes, and each in its own way of writing that.
func TestLifetimeOutlivesCredentials(t *testing.T) {
	onEachPath(t, func(t *testing.T, serve server) {
		r := serve(t, Limits{})
		asked := func(d time.Duration) stun.Setter {
			value := binary.BigEndian.AppendUint32(nil, uint32(d/time.Second))
			return stun.RawAttribute{Type: stun.AttrLifetime, Value: value}
		}
		for _, network := range []string{"udp", "tcp"} {
			call := [16]byte{network[0]}
			c := r.client(t, network, call, protocol.RoleHost)
			c.allocate()
			c.user, c.password, _ = r.Credentials(call, protocol.RoleHost, time.Now().Add(-time.Hour))
			c.request(stun.MethodAllocate, stun.CodeUnauthorized, udpTransport)
			plain := c.signed(stun.MethodRefresh, asked(time.Hour-time.Second))
			plain.Raw = plain.Raw[:len(plain.Raw)-8] // without FINGERPRINT
			plain.Length -= 8
			plain.WriteLength()
			for name, tt := range map[string]struct {
				request *stun.Message
				want    time.Duration
			}{
				"within":              {c.signed(stun.MethodRefresh, asked(time.Minute)), time.Minute},
				"beyond":              {c.signed(stun.MethodRefresh, asked(10*time.Minute)), lifetime},
				"no fingerprint":      {plain, lifetime},
				"twice":               {c.signed(stun.MethodRefresh, asked(10*time.Minute), asked(time.Hour)), lifetime},
				"twice, one of them":  {c.signed(stun.MethodRefresh, asked(time.Minute), asked(time.Hour)), time.Minute},
				"of the wrong length": {c.signed(stun.MethodRefresh, stun.RawAttribute{Type: stun.AttrLifetime, Value: []byte{0, 0, 255}}), lifetime},
				"the most there is":   {c.signed(stun.MethodRefresh, asked((1<<32-1)*time.Second)), lifetime},
			} {
				answer := c.exchange(tt.request, 2*time.Second)
				if answer == nil || code(answer) != 0 {
					t.Errorf("%s, %s: got %v", network, name, answer)
					continue
				}
				got, err := answer.Get(stun.AttrLifetime)
				if err != nil || time.Duration(binary.BigEndian.Uint32(got))*time.Second != tt.want {
					t.Errorf("%s, %s: got %x (%v), want %v", network, name, got, err, tt.want)
				}
			}
			c.request(stun.MethodRefresh, 0, asked(0))
			if c.exchange(c.signed(stun.MethodRefresh), 200*time.Millisecond) != nil {
				t.Errorf("%s: an allocation outlives its end", network)
			}
		}
	})
}
