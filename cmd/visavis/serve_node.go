package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/visavis-call/visavis/internal/call"
	"github.com/visavis-call/visavis/internal/config"
	"github.com/visavis-call/visavis/internal/httpd"
	"github.com/visavis-call/visavis/internal/mirror"
	"github.com/visavis-call/visavis/internal/relay"
	"github.com/visavis-call/visavis/internal/signaling"
	"github.com/visavis-call/visavis/internal/store/sqlstore"
	"github.com/visavis-call/visavis/internal/switchboard"
	"github.com/visavis-call/visavis/internal/telemetry"
	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/web"
)

const (
	// shutdownTimeout bounds the goodbye to clients.
	shutdownTimeout = 8 * time.Second
	// tidyInterval is how often a server that does little gives memory back. Under
	// load the runtime collects often enough by itself.
	tidyInterval    = 30 * time.Second
	tidyCollections = 2
	// tidyWorth is how much must have been allocated since the last time: to tidy is to
	// look at all that lives, and passing frames on leaves no garbage.
	tidyWorth = 4 << 20
	// purgeInterval is how often calls that are over are cleared away.
	purgeInterval = time.Hour
	// checksAtOnce network checks run, of at most 2.5 Mbit/s each way; checksPerAddress
	// is for one: two people, or one whose last check is still being closed.
	checksAtOnce     = 8
	checksPerAddress = 2
)

// node is the server, wired. Its parts are closed in the reverse order of this list.
type node struct {
	cfg         config.Config
	log         *slog.Logger
	url         string
	store       *sqlstore.DB
	relay       *relay.Server
	mirror      *mirror.Mirror
	switchboard *switchboard.Switchboard
	signaling   *signaling.Server
	certs       certificates   // nil: no TLS
	hangup      chan os.Signal // SIGHUP, for the certificate; nil: no TLS
	reread      chan os.Signal // SIGHUP, for the configuration file; nil: there is none
	settings    func() (config.Config, error)
	challenges  http.Handler // nil: no ACME
	udp         net.PacketConn
	splitter    *httpd.Splitter
	http        *http.Server
	plain       *http.Server // nil: no second port
	plainAt     net.Listener
	metrics     *http.Server // nil: off
	metricsAt   net.Listener
}

// newNode opens the store and the sockets and wires everything; nothing is
// served yet.
func newNode(ctx context.Context, cfg config.Config, log *slog.Logger) (_ *node, err error) {
	n := &node{cfg: cfg, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	registry := telemetry.NewRegistry()
	metrics := telemetry.NewMetrics(registry)
	pseudonyms := telemetry.NewPseudonyms()
	if n.store, err = sqlstore.Open(ctx, cfg.Storage.Data); err != nil {
		return nil, err
	}
	n.relay, err = relay.New(relay.Config{
		Path: relayPath(cfg.Relay), Log: log.With(telemetry.FieldComponent, "relay"), Registerer: registry,
	})
	if err != nil {
		return nil, err
	}
	if n.mirror, err = newMirror(n.relay, registry, log); err != nil {
		return nil, err
	}
	n.switchboard = switchboard.New(switchboard.Config{
		MaxCalls: cfg.Limits.Calls,
		Call: call.Config{
			Registry:    switchboard.Registry{Store: n.store},
			EndRelay:    func(id protocol.ID) { n.relay.EndCall(id) },
			RevokeRelay: func(id protocol.ID) { n.relay.Revoke(id, protocol.RoleGuest) },
			Drop:        metrics.Drop,
			Forward:     metrics.Forwarded,
		},
		Log: func(id protocol.ID) *slog.Logger {
			return log.With(telemetry.FieldComponent, "call", telemetry.FieldCall, pseudonyms.Call(id))
		},
		Open: func(open int) { metrics.CallsOpen.Set(float64(open)) },
	})
	if err := n.openPort(ctx, registry, metrics, pseudonyms); err != nil {
		return nil, err
	}
	if n.metricsAt, err = listenMetrics(ctx, cfg.Metrics, log); err != nil {
		return nil, err
	}
	if n.metricsAt != nil {
		n.metrics = httpd.NewMetricsServer(registry)
	}
	return n, nil
}

func relayPath(c config.Relay) relay.Path {
	if c.Offload == "auto" {
		return relay.PathOffload
	}
	return relay.PathFast
}

// newMirror makes the other end of network checks, inside the relay.
func newMirror(r *relay.Server, registry prometheus.Registerer, log *slog.Logger) (*mirror.Mirror, error) {
	return mirror.New(mirror.Config{
		Open:   func(now time.Time) (mirror.Line, error) { return r.OpenCheck(now) },
		Checks: checksAtOnce, ChecksPerSource: checksPerAddress,
		Registerer: registry, Log: log.With(telemetry.FieldComponent, "mirror"),
	})
}

// openPort opens the one port and puts signaling and the web app behind it.
func (n *node) openPort(ctx context.Context, registry prometheus.Registerer, metrics *telemetry.Metrics, pseudonyms *telemetry.Pseudonyms) error {
	token, err := n.cfg.Token()
	if err != nil {
		return err
	}
	tlsConfig, err := n.openTLS(registry)
	if err != nil {
		return err
	}
	tcp, udp, err := httpd.Listen(ctx, n.cfg.Server.Listen)
	if err != nil {
		return unlistened(err)
	}
	n.udp = udp
	n.splitter = httpd.NewSplitter(tcp, tlsConfig, n.log.With(telemetry.FieldComponent, "listener"))
	n.url = publicURL(n.cfg, tcp.Addr())
	limits := n.cfg.Limits
	n.signaling, err = signaling.New(signaling.Config{
		Switchboard:           n.switchboard,
		Relay:                 n.relay,
		Mirror:                n.mirror,
		PublicURL:             n.cfg.Server.URL,
		RelayPort:             portOf(tcp.Addr()),
		RelayTLS:              tlsConfig != nil,
		Token:                 token,
		ConnectsPerMinute:     limits.ConnectsPerMinute,
		CreatesPerMinute:      limits.CreatesPerMinute,
		ConnectionsPerAddress: limits.ConnectionsPerAddress,
		Connections:           limits.Connections,
		Pseudonyms:            pseudonyms,
		Metrics:               metrics,
		Log:                   n.log.With(telemetry.FieldComponent, "signaling"),
	})
	if err != nil {
		return err
	}
	n.http, err = httpd.NewServer(httpd.Config{
		App:       web.Dist(),
		Signaling: n.signaling,
		Check:     n.signaling.Check,
		Ready:     n.store.Ping,
		PublicURL: n.cfg.Server.URL,
		TLS:       tlsConfig != nil, Challenges: n.challenges,
		Log: n.log.With(telemetry.FieldComponent, "http"),
	})
	if err != nil {
		return err
	}
	return n.openPlain(ctx, portOf(tcp.Addr()))
}

// serve runs all parts until ctx ends or one of them fails.
func (n *node) serve(ctx context.Context) error {
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return n.relay.ServePacket(n.udp) })
	parts.Go(func() error { return n.relay.ServeListener(n.splitter.Relay()) })
	parts.Go(n.splitter.Serve)
	parts.Go(func() error { return ignoreClosed(n.http.Serve(n.splitter.HTTP())) })
	if n.plain != nil {
		parts.Go(func() error { return ignoreClosed(n.plain.Serve(n.plainAt)) })
	}
	if n.metrics != nil {
		parts.Go(func() error { return ignoreClosed(n.metrics.Serve(n.metricsAt)) })
	}
	parts.Go(func() error { n.purge(ctx); return nil })
	parts.Go(func() error { tidy(ctx, tidyInterval); return nil })
	if n.certs != nil {
		parts.Go(func() error { n.certs.Run(ctx, n.hangup); return nil })
	}
	if n.reread != nil {
		parts.Go(func() error { n.followSettings(ctx); return nil })
	}
	parts.Go(func() error {
		<-ctx.Done()
		n.log.Info("stopping")
		return n.close()
	})
	n.log.Info("serving", "version", version, "commit", commit())
	return parts.Wait()
}

// close says goodbye to clients and then closes part after part. Parts that were
// never made are skipped.
func (n *node) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	var errs []error
	if n.signaling != nil {
		n.signaling.Shutdown(ctx)
	}
	if n.http != nil {
		errs = append(errs, n.http.Shutdown(ctx))
	}
	if n.plain != nil {
		errs = append(errs, n.plain.Shutdown(ctx))
	}
	if n.metrics != nil {
		errs = append(errs, n.metrics.Shutdown(ctx))
	}
	if n.splitter != nil {
		errs = append(errs, n.splitter.Close())
	}
	if n.mirror != nil {
		n.mirror.Close()
	}
	if n.relay != nil {
		errs = append(errs, n.relay.Close())
	}
	if n.udp != nil { // the relay closes it too, if it was serving
		if err := n.udp.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if n.switchboard != nil {
		n.switchboard.Close()
	}
	if n.store != nil {
		errs = append(errs, n.store.Close())
	}
	for _, c := range []chan os.Signal{n.hangup, n.reread} { // last: from then on SIGHUP kills
		if c != nil {
			signal.Stop(c)
		}
	}
	return errors.Join(errs...)
}

// tidy gives unused memory back to the system after each interval in which little
// garbage was collected, and there is some. The runtime alone lets the heap double, and
// waits two minutes when nothing happens: half of what a server of waiting connections
// had was garbage.
func tidy(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var tidied spent
	for before := used(); ; {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		now := used()
		if now.untidy(before, tidied) {
			debug.FreeOSMemory()
			tidied = now
		}
		before = used()
	}
}

// spent is what the program has done with memory so far.
type spent struct {
	collections int64
	allocated   uint64 // bytes
}

// untidy reports whether giving back is worth it: before is what was an interval ago,
// tidied what was the last time.
func (u spent) untidy(before, tidied spent) bool {
	return u.collections-before.collections <= tidyCollections && u.allocated-tidied.allocated >= tidyWorth
}

func used() spent {
	var stats debug.GCStats
	debug.ReadGCStats(&stats)
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return spent{stats.NumGC, sample[0].Value.Uint64()}
}

func (n *node) purge(ctx context.Context) {
	ticker := time.NewTicker(purgeInterval)
	defer ticker.Stop()
	for {
		rows, err := n.store.Purge(ctx, time.Now())
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			n.log.Error("purge failed", telemetry.FieldError, err)
		case rows > 0:
			n.log.Info("purged calls that are over", "rows", rows)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
