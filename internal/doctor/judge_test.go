package doctor

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// brief is findings as "id level", which is what the tables below compare.
func brief(findings []Finding) []string {
	var out []string
	for _, f := range findings {
		out = append(out, fmt.Sprintf("%s %s", f.ID, f.Level))
	}
	return out
}

func check(t *testing.T, name string, got []Finding, want ...string) {
	t.Helper()
	if !slices.Equal(brief(got), want) {
		t.Errorf("%s: %q, want %q", name, brief(got), want)
	}
	for _, f := range got {
		if (f.Level == OK) != (f.Remedy == "") {
			t.Errorf("%s: %s is %s, and its remedy is %q", name, f.ID, f.Level, f.Remedy)
		}
		if f.Text == "" || strings.Contains(f.Text, "%!") {
			t.Errorf("%s: %s says %q", name, f.ID, f.Text)
		}
	}
}

func addrs(texts ...string) []netip.Addr {
	var out []netip.Addr
	for _, t := range texts {
		out = append(out, netip.MustParseAddr(t))
	}
	return out
}

func TestJudgePorts(t *testing.T) {
	f := portFacts{listen: ":443", port: 443, metrics: "127.0.0.1:9090"}
	check(t, "free", judgePorts(f), "port.tcp ok", "port.udp ok", "metrics.listen ok")
	f.tcp, f.udpSeen, f.metrics = tenureVisavis, true, ""
	check(t, "runs", judgePorts(f), "port.tcp ok", "port.udp ok")
	f.udpSeen = false
	check(t, "UDP is closed", judgePorts(f), "port.tcp ok", "port.udp problem")
	f.udpSeen, f.six = true, true
	check(t, "both families", judgePorts(f), "port.tcp ok", "port.udp ok", "port.ipv6 ok")
	f.sixErr = errSilent
	check(t, "IPv4 only", judgePorts(f), "port.tcp ok", "port.udp ok", "port.ipv6 warning")
	f = portFacts{listen: ":443", port: 443, tcp: tenureOther, udp: tenureFree, holder: "nginx (pid 7)", metrics: ":9090", metricsBound: true}
	got := judgePorts(f)
	check(t, "taken", got, "port.tcp problem", "port.udp ok", "metrics.listen warning")
	if !strings.Contains(got[0].Text, "nginx (pid 7)") {
		t.Errorf("who has the port is not said: %s", got[0].Text)
	}
	f = portFacts{listen: ":443", port: 443, plain: ":80"}
	check(t, "a second port", judgePorts(f), "port.tcp ok", "port.udp ok", "port.http ok")
	f.plainErr = errors.New("address already in use")
	check(t, "a second port that is taken", judgePorts(f), "port.tcp ok", "port.udp ok", "port.http problem")
	f = portFacts{port: 443, metrics: "127.0.0.1:9090", metricsErr: f.plainErr}
	check(t, "metrics, by custom", judgePorts(f), "port.tcp ok", "port.udp ok", "metrics.listen warning")
	f.metricsAsked = true
	check(t, "metrics, as asked", judgePorts(f), "port.tcp ok", "port.udp ok", "metrics.listen problem")
	for _, who := range []tenure{tenureDenied, tenureMissing, tenureUnknown} {
		check(t, fmt.Sprint(who), judgePorts(portFacts{port: 443, tcp: who, udp: who}), "port.tcp problem", "port.udp problem")
	}
}

func TestJudgeAddress(t *testing.T) {
	at := netip.MustParseAddrPort
	nat := func(via, seen string) mapping {
		return mapping{via: via, local: at("0.0.0.0:5000"), seen: at(seen)}
	}
	for _, tt := range []struct {
		name string
		f    addressFacts
		want []string
	}{
		{"a public machine", addressFacts{interfaces: addrs("203.0.113.5", "2001:db8::5")}, []string{"address.ipv4 ok", "address.ipv6 ok"}},
		{"the same, seen", addressFacts{interfaces: addrs("203.0.113.5"), mapped: []mapping{nat("a", "203.0.113.5:5000")}, asked: true}, []string{"address.ipv4 ok", "address.ipv6 ok"}},
		{"behind something", addressFacts{interfaces: addrs("10.0.0.5")}, []string{"address.ipv4 warning", "address.ipv6 ok"}},
		{"given", addressFacts{interfaces: addrs("10.0.0.5"), given: addrs("203.0.113.5")}, []string{"address.ipv4 warning", "address.ipv6 ok"}},
		{"1:1 NAT", addressFacts{interfaces: addrs("10.0.0.5"), mapped: []mapping{nat("a", "203.0.113.5:5000")}}, []string{"address.ipv4 ok", "address.ipv6 ok", "nat.mapping ok"}},
		{"a router", addressFacts{interfaces: addrs("10.0.0.5"), mapped: []mapping{nat("a", "203.0.113.5:7000"), nat("b", "203.0.113.5:7000")}}, []string{"address.ipv4 warning", "address.ipv6 ok", "nat.mapping warning"}},
		{"a symmetric one", addressFacts{interfaces: addrs("10.0.0.5"), mapped: []mapping{nat("a", "203.0.113.5:7000"), nat("b", "203.0.113.5:7001")}}, []string{"address.ipv4 warning", "address.ipv6 ok", "nat.mapping warning"}},
		{"nobody answers", addressFacts{interfaces: addrs("10.0.0.5"), asked: true}, []string{"address.ipv4 warning", "address.ipv6 ok"}},
		{"no network", addressFacts{}, []string{"address.ipv4 ok", "address.ipv6 ok"}},
	} {
		check(t, tt.name, judgeAddress(tt.f), tt.want...)
	}
	symmetric := judgeNAT(addressFacts{mapped: []mapping{nat("a", "203.0.113.5:7000"), nat("b", "203.0.113.5:7001")}})
	if !strings.Contains(symmetric[0].Text, "symmetric") {
		t.Errorf("a symmetric NAT is called %q", symmetric[0].Text)
	}
}

func TestJudgeDNS(t *testing.T) {
	here := addrs("203.0.113.5", "2001:db8::5")
	for _, tt := range []struct {
		name string
		f    dnsFacts
		want []string
	}{
		{"right", dnsFacts{addrs: here, interfaces: here}, []string{"dns.a ok", "dns.aaaa ok"}},
		{"behind 1:1 NAT", dnsFacts{addrs: addrs("203.0.113.5"), interfaces: addrs("10.0.0.5"), public: addrs("203.0.113.5")}, []string{"dns.a ok", "dns.aaaa ok"}},
		{"no such name", dnsFacts{err: errors.New("no such host")}, []string{"dns problem"}},
		{"for itself", dnsFacts{addrs: addrs("127.0.0.1", "::1")}, []string{"dns ok"}},
		{"elsewhere", dnsFacts{addrs: addrs("203.0.113.9"), interfaces: addrs("203.0.113.5")}, []string{"dns.a problem", "dns.aaaa ok"}},
		{"not known", dnsFacts{addrs: addrs("203.0.113.9"), interfaces: addrs("10.0.0.5")}, []string{"dns.a warning", "dns.aaaa ok"}},
		{"AAAA without IPv6", dnsFacts{addrs: here, interfaces: addrs("203.0.113.5")}, []string{"dns.a ok", "dns.aaaa problem"}},
		{"AAAA, and a server for IPv4 only", dnsFacts{addrs: here, interfaces: here, only: "4"}, []string{"dns.a ok", "dns.aaaa problem"}},
		{"A, and a server for IPv6 only", dnsFacts{addrs: here, interfaces: here, only: "6"}, []string{"dns.a problem", "dns.aaaa ok"}},
		{"IPv6 that nobody is told of", dnsFacts{addrs: addrs("203.0.113.5"), interfaces: here}, []string{"dns.a ok", "dns.aaaa warning"}},
	} {
		tt.f.host = "call.example.org"
		check(t, tt.name, judgeDNS(tt.f), tt.want...)
	}
}

func TestJudgeClock(t *testing.T) {
	check(t, "kept", judgeClock(clockFacts{known: true, synced: true}), "clock.sync ok")
	check(t, "not kept", judgeClock(clockFacts{known: true}), "clock.sync warning")
	check(t, "not known", judgeClock(clockFacts{}))
	for _, tt := range []struct {
		ahead, unsure time.Duration
		want          Level
	}{
		{time.Second, 0, OK}, {-3 * time.Second, 0, Warning}, {3 * time.Second, 2 * time.Second, OK}, {-2 * time.Hour, time.Second, Problem},
	} {
		check(t, tt.ahead.String(), judgeClock(clockFacts{others: []otherClock{{"https://other.example", tt.ahead, tt.unsure}}}), "clock.offset "+string(tt.want))
	}
}

func TestJudgeKernel(t *testing.T) {
	well := kernelFacts{connections: 20_000, files: 65_536, rmem: 8 << 20, wmem: 8 << 20, tracked: 10, track: 262_144, dropped: 1, came: 1e6}
	check(t, "well", judgeKernel(well), "kernel.nofile ok", "kernel.buffers ok", "kernel.conntrack ok", "kernel.udp_drops ok")
	poor := kernelFacts{connections: 20_000, files: 1024, rmem: 212_992, wmem: 212_992, tracked: 60_000, track: 65_536, dropped: 1e4, came: 1e6}
	check(t, "poor", judgeKernel(poor), "kernel.nofile warning", "kernel.buffers warning", "kernel.conntrack problem", "kernel.udp_drops warning")
	check(t, "another system", judgeKernel(kernelFacts{files: -1, rmem: -1, wmem: -1, tracked: -1, track: -1}))
}

func TestJudgeData(t *testing.T) {
	check(t, "well", judgeData(dataFacts{mode: 0o700, dbMode: 0o600, free: 5 << 30}), "data.writable ok", "data.mode ok", "data.space ok")
	check(t, "to be made", judgeData(dataFacts{missing: true, free: 5 << 30}), "data.writable ok", "data.space ok")
	check(t, "open to all", judgeData(dataFacts{mode: 0o755, free: -1}), "data.writable ok", "data.mode warning")
	check(t, "database open to all", judgeData(dataFacts{mode: 0o700, dbMode: 0o644, free: -1}), "data.writable ok", "data.mode warning")
	check(t, "little room", judgeData(dataFacts{mode: 0o700, free: 500 << 20}), "data.writable ok", "data.mode ok", "data.space warning")
	check(t, "no room", judgeData(dataFacts{mode: 0o700, free: 5 << 20}), "data.writable ok", "data.mode ok", "data.space problem")
	check(t, "not writable", judgeData(dataFacts{writable: errors.New("read-only file system")}), "data.writable problem")
}

func TestJudgeProxy(t *testing.T) {
	broken := errors.New("400 Bad Request")
	check(t, "well", judgeProxy(proxyFacts{running: true}), "proxy.websocket ok")
	check(t, "well, and patient", judgeProxy(proxyFacts{running: true, hold: time.Minute}), "proxy.websocket ok", "proxy.idle ok")
	check(t, "on this machine", judgeProxy(proxyFacts{running: true, clients: 5, near: 1}), "proxy.websocket ok", "proxy.near ok")
	check(t, "on another machine", judgeProxy(proxyFacts{running: true, clients: 5}), "proxy.websocket ok", "proxy.near warning")
	check(t, "impatient", judgeProxy(proxyFacts{running: true, hold: time.Minute, held: 10 * time.Second}), "proxy.websocket ok", "proxy.idle problem")
	check(t, "no WebSocket", judgeProxy(proxyFacts{running: true, err: broken}), "proxy.websocket problem")
	check(t, "no server", judgeProxy(proxyFacts{err: broken}), "proxy.websocket warning")
	check(t, "not from here", judgeProxy(proxyFacts{running: true, err: broken, unseen: true}), "proxy.websocket warning")
}

func TestJudgeHairpin(t *testing.T) {
	check(t, "well", judgeHairpin(hairpinFacts{}), "hairpin.tcp ok", "hairpin.udp ok")
	check(t, "no way", judgeHairpin(hairpinFacts{tcp: errSilent, udp: errSilent}), "hairpin.tcp warning", "hairpin.udp warning")
	check(t, "near", judgeHairpin(hairpinFacts{near: true, udp: errSilent}), "hairpin.tcp ok", "hairpin.udp warning")
}

func TestReport(t *testing.T) {
	for _, tt := range []struct {
		findings []Finding
		want     Level
	}{
		{nil, OK},
		{[]Finding{good("a", "")}, OK},
		{[]Finding{warn("a", "", ""), good("b", "")}, Warning},
		{[]Finding{bad("a", "", ""), warn("b", "", "")}, Problem},
	} {
		if got := report("", tt.findings).Worst; got != tt.want {
			t.Errorf("%v: %s, want %s", brief(tt.findings), got, tt.want)
		}
	}
}

func TestNear(t *testing.T) {
	for listen, want := range map[string]string{
		":443": "127.0.0.1:443 ", "0.0.0.0:443": "127.0.0.1:443 4", "[::]:443": "[::1]:443 6", "192.0.2.7:443": "192.0.2.7:443 4", "localhost:443": "127.0.0.1:443 4",
	} {
		c := Config{Listen: listen}
		if got := c.near() + " " + c.family(); got != want {
			t.Errorf("%s is near at %q, want %q", listen, got, want)
		}
	}
}

func TestHostPort(t *testing.T) {
	for origin, want := range map[string]string{
		"https://call.example.org": "call.example.org 443 true", "http://localhost:8080": "localhost 8080 false",
		"https://[2001:db8::5]": "2001:db8::5 443 true", "https://[2001:db8::5]:8443": "2001:db8::5 8443 true", "": " 0 false",
	} {
		host, port, secure := hostPort(origin)
		if got := fmt.Sprintf("%s %d %v", host, port, secure); got != want {
			t.Errorf("%q is %s, want %s", origin, got, want)
		}
	}
}
