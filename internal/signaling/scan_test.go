package signaling

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/protocol"
)

// scanned is how many call ids are tried: with VISAVIS_ATTACKS=long (make
// test-long) as many as it takes to see every leak.
func scanned() int {
	if os.Getenv("VISAVIS_ATTACKS") == "long" {
		return 1_000_000
	}
	return 5_000
}

// Somebody with as many addresses as it takes tries call ids one after the other.
// Each gets the answer of a call whose host is away, or is told that there are too
// many; none hits one of the two calls that there are, of which one has its host;
// and the server remembers nothing of them, in memory or in goroutines.
func TestScanOfCallIDs(t *testing.T) {
	inBubble(t, func(t *testing.T, n *node) {
		online := newLink(t)
		owner, host := n.connect(t), n.connect(t)
		owner.create(newLink(t))
		_ = owner.conn.CloseNow()
		long := creation(online)
		long.TTLMS = protocol.LimitTTLMS
		host.say(long)
		expect[protocol.Created](host)
		host.joinHost(online, protocol.ID{1})
		told := make(chan string, 1)
		go func() { // reads on, as hosts do
			_, b, err := host.conn.Read(t.Context())
			told <- fmt.Sprint(string(b), err)
		}()

		const open = 100 - 100/4 - 2 // what the switchboard has for guests, without the two calls
		n.scan(t, 0, open, awayAnswer)
		n.scan(t, open, open+200, fullAnswer) // not one more, however many try
		n.forgets()
		memory, goroutines := used()
		for tried := 1000; tried < 1000+scanned(); tried += open {
			n.scan(t, tried, tried+open, awayAnswer)
			n.forgets()
		}
		more, now := used()
		t.Logf("%d ids: %d kB more, %d goroutines more", scanned(), (more-memory)/1024, now-goroutines)
		if more-memory > 1<<20 || now > goroutines {
			t.Errorf("%d kB and %d goroutines are left of %d ids", (more-memory)/1024, now-goroutines, scanned())
		}
		host.say(protocol.End{Req: "e"})
		if got, want := <-told, `{"type":"ended","req":"e","reason":"host"}<nil>`; got != want {
			t.Errorf("the host was told %s, want %s: somebody came", got, want)
		}
	})
}

const (
	awayAnswer = `{"type":"joined","req":"j","slot":0}{"type":"host","online":false}`
	fullAnswer = `{"type":"error","req":"j","code":"E_RATE","detail":"too many open calls"}close 4003`
)

// scan tries the ids from first on up to the one before last.
func (n *node) scan(t *testing.T, first, last int, want string) {
	t.Helper()
	for id := first; id < last; id++ {
		got, err := n.tryID(t.Context(), uint64(id)+1)
		if got = seatOf.ReplaceAllString(got, ""); err != nil || got != want {
			t.Fatalf("id %d: the server said %s, %v; want %s", id, got, err, want)
		}
	}
}

// forgets lets the server forget calls that nobody is in any more.
func (n *node) forgets() {
	time.Sleep(2 * time.Minute)
	synctest.Wait()
	n.log.Reset() // of the test, not of the server
}

// tryID joins as a guest and returns what the server says after its welcome.
func (n *node) tryID(ctx context.Context, number uint64) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	transport := &http.Transport{DialContext: n.dial, DisableKeepAlives: true}
	c, _, err := websocket.Dial(ctx, "ws://"+n.host+protocol.PathSignaling, &websocket.DialOptions{ //nolint:bodyclose // its contract
		HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{protocol.SubprotocolNative},
	})
	if err != nil {
		return "", err
	}
	defer func() { _ = c.CloseNow() }()
	var call protocol.ID
	binary.BigEndian.PutUint64(call[:], number*0x9E3779B97F4A7C15) // spread over all ids
	join := protocol.Join{Req: "j", Role: protocol.RoleGuest, Call: call.String(), CID: call.String()}
	if _, _, err = c.Read(ctx); err == nil {
		err = c.Write(ctx, websocket.MessageText, protocol.EncodeClient(join))
	}
	var said strings.Builder
	for range 2 {
		if err != nil {
			break
		}
		var b []byte
		_, b, err = c.Read(ctx)
		if closed, ok := errors.AsType[websocket.CloseError](err); ok {
			b, err = fmt.Appendf(nil, "close %d", closed.Code), nil
		}
		said.Write(b)
	}
	return said.String(), err
}

// used is what lives on the heap, and how many goroutines there are.
func used() (bytes int64, goroutines int) {
	runtime.GC()
	runtime.GC() // the second takes what the first has only found
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), runtime.NumGoroutine()
}
