package doctor

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/visavis-call/visavis/internal/testkit"
)

// By IPv6 something else answers than by IPv4: people with IPv6 alone meet only that.
func TestOutsideByTheOtherFamily(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6 here")
	}
	other := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Second}
	served := make(chan error, 1)
	go func() { served <- other.Serve(l) }()
	t.Cleanup(func() {
		_ = other.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	w := wayFacts{addr: netip.MustParseAddr("::1"), here: true}
	origin := "http://call.example.org:" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	w.greet(t.Context(), origin) // no name server is asked
	if w.page == nil || !strings.Contains(w.page.Error(), "status 404") {
		t.Fatalf("%v, want that there is no WebSocket", w.page)
	}
	f := outsideFacts{greeting: &greeting{}, v6: w, turn: map[string]error{}}
	wantLevels(t, report("", judgeOutside(f)), map[string]Level{"outside.tcp6": Problem, "outside.visavis": OK})

	s := testkit.StartServer(t)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.Origin, "http://"))
	v4 := wayFacts{addr: netip.MustParseAddr("127.0.0.1"), here: true}
	v4.greet(t.Context(), "http://localhost:"+port)
	if v4.page != nil {
		t.Errorf("by the one that works: %v", v4.page)
	}
}

// What mends it fits the fault.
func TestRemediesOutside(t *testing.T) {
	for want, err := range map[string]error{
		"systemctl status visavis": syscall.ECONNREFUSED,
		"ip route get":             syscall.ENETUNREACH,
		"open the port for TCP":    os.ErrDeadlineExceeded,
	} {
		f := judgeWay("outside.tcp4", "IPv4", wayFacts{addr: netip.MustParseAddr("192.0.2.1"), here: true, err: &net.OpError{Op: "dial", Err: err}})
		if f.Level != Problem || !strings.Contains(f.Remedy, want) {
			t.Errorf("%v: %+v, want %q", err, f, want)
		}
	}
	for want, err := range map[string]error{
		"make an A record": &net.DNSError{Err: "no such host", IsNotFound: true},
		"/etc/resolv.conf": &net.DNSError{Err: "server misbehaving"},
	} {
		if f := judgeLookup("dns", "call.example.org", err); f.Level != Problem || !strings.Contains(f.Remedy, want) {
			t.Errorf("%v: %+v, want %q", err, f, want)
		}
	}
}

// Who has a port for UDP is named, too.
func TestHolderOfUDP(t *testing.T) {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer pc.Close()
	if got, want := holderUDP("/proc", pc.LocalAddr().(*net.UDPAddr).Port), "(pid "+strconv.Itoa(os.Getpid())+")"; !strings.HasSuffix(got, want) {
		if runtime.GOOS != "linux" {
			t.Skip("only Linux tells")
		}
		t.Errorf("%q, want %q", got, want)
	}
}
