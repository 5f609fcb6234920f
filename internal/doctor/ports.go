package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// tenure is who has a port.
type tenure int

const (
	tenureFree tenure = iota
	tenureVisavis
	tenureOther
	tenureDenied  // we may not open it
	tenureMissing // its address is not one of this machine
	tenureUnknown
)

// portFacts are about the one port of the server.
type portFacts struct {
	listen       string
	port         int
	tcp, udp     tenure
	tcpErr       error
	udpErr       error
	holder       string // who has TCP, if that can be told
	holderUDP    string // who has UDP
	udpSeen      bool   // visavis has TCP and answers over UDP
	six          bool   // it should be there over IPv6, too
	sixErr       error
	plain        string // the second address, "" without one
	plainErr     error
	metrics      string
	metricsBound bool // its address is one that others reach
	metricsErr   error
	metricsAsked bool
}

func checkPorts(ctx context.Context, cfg *Config, here *place) []Finding {
	f := portFacts{listen: cfg.Listen, port: cfg.port(), metrics: cfg.Metrics, plain: cfg.Plain}
	if host, _, err := net.SplitHostPort(cfg.Metrics); err == nil {
		a, err := netip.ParseAddr(host)
		f.metricsBound = host == "" || err == nil && !a.IsLoopback()
	}
	if f.metricsAsked = cfg.MetricsAsked; cfg.Metrics != "" && here.running == nil {
		f.metricsErr = canListen(ctx, "tcp", cfg.Metrics)
	}
	f.plainErr = plainPort(ctx, cfg, here.running != nil)
	var lc net.ListenConfig
	if here.running != nil {
		f.tcp = tenureVisavis
		if conn, err := dialUDP(ctx, "udp", cfg.near()); err == nil {
			_, f.udpErr = seen(conn, false)
			f.udpSeen = f.udpErr == nil
			_ = conn.Close() // it was only asked
		}
		if f.six = cfg.family() == "" && hasIPv6(ctx); f.six {
			f.sixErr = bySix(ctx, f.port)
		}
		return judgePorts(f)
	}
	if l, err := lc.Listen(ctx, "tcp"+cfg.family(), cfg.Listen); err == nil {
		_ = l.Close() // only to see whether it can be had
	} else {
		f.tcp, f.tcpErr = tenureOf(err), err
		f.holder = holder(cfg.procDir(), f.port)
	}
	if l, err := lc.ListenPacket(ctx, "udp"+cfg.family(), cfg.Listen); err == nil {
		_ = l.Close() // the same
	} else {
		f.udp, f.udpErr = tenureOf(err), err
		f.holderUDP = holderUDP(cfg.procDir(), f.port)
	}
	return judgePorts(f)
}

// hasIPv6 reports whether this machine speaks it, with itself at least.
func hasIPv6(ctx context.Context) bool {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp6", "[::1]:0")
	return err == nil && l.Close() == nil
}

// bySix reaches the port by the IPv6 loopback address, over TCP and UDP.
func bySix(ctx context.Context, port int) error {
	address := net.JoinHostPort("::1", strconv.Itoa(port))
	d := net.Dialer{Timeout: askTimeout}
	tcp, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	_ = tcp.Close() // that it opens is enough
	udp, err := dialUDP(ctx, "udp", address)
	if err != nil {
		return err
	}
	defer udp.Close()
	_, err = seen(udp, false)
	return err
}

// plainPort tries the second address: to reach it if the server runs, to have it if not.
func plainPort(ctx context.Context, cfg *Config, running bool) error {
	if cfg.Plain == "" {
		return nil
	}
	if !running {
		return canListen(ctx, "tcp"+(&Config{Listen: cfg.Plain}).family(), cfg.Plain)
	}
	d := net.Dialer{Timeout: askTimeout}
	conn, err := d.DialContext(ctx, "tcp", (&Config{Listen: cfg.Plain}).near())
	if err != nil {
		return err
	}
	return conn.Close()
}

// canListen opens a port, only to see whether it can be had.
func canListen(ctx context.Context, network, address string) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, network, address)
	if err != nil {
		return err
	}
	return l.Close()
}

func tenureOf(err error) tenure {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return tenureOther
	case errors.Is(err, syscall.EACCES):
		return tenureDenied
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return tenureMissing
	}
	return tenureUnknown
}

func judgePorts(f portFacts) []Finding {
	out := []Finding{judgePort("port.tcp", "TCP", f, f.tcp, f.tcpErr), judgePort("port.udp", "UDP", f, f.udp, f.udpErr)}
	if f.tcp == tenureVisavis {
		out[0] = good("port.tcp", "visavis answers at %s over TCP", f.listen)
		out[1] = good("port.udp", "and over UDP")
		if !f.udpSeen {
			out[1] = bad("port.udp", udpRemedy(f.port), "visavis answers at %s over TCP, but not over UDP: no call gets to the relay quickly, and none finds a direct path", f.listen)
		}
	}
	switch {
	case !f.six:
	case f.sixErr != nil:
		out = append(out, warn("port.ipv6", "server.listen without an address, like \":443\", and the firewall of this machine for IPv6", "visavis does not answer over IPv6: %v", f.sixErr))
	default:
		out = append(out, good("port.ipv6", "and over IPv6"))
	}
	switch {
	case f.plain == "":
	case f.plainErr != nil:
		out = append(out, bad("port.http", "free the port (ss -ltnp names who has it), or leave server.http_listen away", "the second address %s cannot be used: %v", f.plain, f.plainErr))
	default:
		out = append(out, good("port.http", "the second address %s can be used", f.plain))
	}
	switch {
	case f.metrics == "":
	case f.metricsErr != nil && f.metricsAsked:
		out = append(out, bad("metrics.listen", "another address at metrics.listen, or metrics.listen = \"\" to turn them off", "the address of the metrics cannot be used, and the server does not start without it: %v", f.metricsErr))
	case f.metricsErr != nil:
		out = append(out, warn("metrics.listen", "another address at metrics.listen", "there will be no metrics, for their usual address cannot be used: %v", f.metricsErr))
	case f.metricsBound:
		out = append(out, warn("metrics.listen", "metrics.listen = \"127.0.0.1:9090\"", "metrics at %s can be read from outside of this machine", f.metrics))
	default:
		out = append(out, good("metrics.listen", "metrics at %s are for this machine only", f.metrics))
	}
	return out
}

func udpRemedy(port int) string {
	return fmt.Sprintf("allow UDP to port %d on this machine (nft list ruleset), and see the log of visavis", port)
}

func judgePort(id, name string, f portFacts, who tenure, err error) Finding {
	switch who {
	case tenureFree:
		return good(id, "port %d is free for %s", f.port, name)
	case tenureOther:
		by := "another program"
		if f.holder != "" && name == "TCP" {
			by = f.holder
		}
		if f.holderUDP != "" && name == "UDP" {
			by = f.holderUDP
		}
		return bad(id, fmt.Sprintf("stop it (ss -lnp 'sport = :%d' names it), or choose another port: server.listen", f.port), "port %d is taken for %s by %s", f.port, name, by)
	case tenureDenied:
		return bad(id, "AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, or: setcap cap_net_bind_service=+ep visavis", "this user may not open port %d for %s", f.port, name)
	case tenureMissing:
		return bad(id, "server.listen = \":"+fmt.Sprint(f.port)+"\"", "%s is not an address of this machine", f.listen)
	case tenureVisavis, tenureUnknown:
	}
	return bad(id, "see server.listen", "%s cannot be opened for %s: %v", f.listen, name, err)
}
