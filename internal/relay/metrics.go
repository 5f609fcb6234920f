package relay

import (
	"errors"

	"github.com/pion/logging"
	"github.com/prometheus/client_golang/prometheus"
)

// Why something was dropped: the values of the label reason.
const (
	dropMalformed    = "malformed"     // neither STUN nor ChannelData
	dropSize         = "size"          // larger than mtu
	dropNoAllocation = "no_allocation" // data from a client that has none
	dropRequestRate  = "request_rate"  // too many requests without credentials
	dropBindingRate  = "binding_rate"  // too many Binding requests
	dropRefused      = "refused"       // a request that was answered with an error
	dropQuota        = "quota"         // one allocation too many
	dropConnections  = "connections"   // one TCP connection too many
	dropForeign      = "foreign_peer"  // to an address that is not the relay's
	dropNoPeer       = "no_peer"       // nobody of this call is there
	dropPacketRate   = "packet_rate"   // over PacketsPerSecond
	dropBitRate      = "bit_rate"      // over BitsPerSecond
	dropVolume       = "call_bytes"    // over CallBytes
	dropQueue        = "queue_full"    // the receiver, or this machine's network, is too slow
)

type metrics struct {
	allocations prometheus.Gauge
	packets     prometheus.Counter
	fast        prometheus.Counter
	kernel      prometheus.Counter
	bytes       prometheus.Counter
	drops       *prometheus.CounterVec
}

func newMetrics() *metrics {
	return &metrics{
		allocations: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "visavis_relay_allocations", Help: "Live TURN allocations.",
		}),
		packets: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "visavis_relay_packets_total", Help: "Packets relayed between the parties of a call.",
		}),
		fast: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "visavis_relay_fast_packets_total", Help: "Of these packets, those that went past pion/turn.",
		}),
		kernel: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "visavis_relay_offloaded_packets_total", Help: "Of the relayed packets, those that the kernel forwarded.",
		}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "visavis_relay_bytes_total", Help: "Payload bytes of these packets.",
		}),
		drops: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "visavis_relay_drops_total", Help: "Packets and requests not served, by reason.",
		}, []string{"reason"}),
	}
}

// register does nothing without a registerer.
func (m *metrics) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	return errors.Join(r.Register(m.allocations), r.Register(m.packets), r.Register(m.fast), r.Register(m.kernel), r.Register(m.bytes), r.Register(m.drops))
}

// forwarded counts what the fast path has sent, and could not send.
func (m *metrics) forwarded(packets, bytes, unsent int) {
	m.packets.Add(float64(packets))
	m.fast.Add(float64(packets))
	m.bytes.Add(float64(bytes))
	if unsent > 0 {
		m.drops.WithLabelValues(dropQueue).Add(float64(unsent))
	}
}

// offloaded counts what the kernel has forwarded, and refused.
func (m *metrics) offloaded(packets, bytes, packetRate, bitRate uint64) {
	m.packets.Add(float64(packets))
	m.kernel.Add(float64(packets))
	m.bytes.Add(float64(bytes))
	for reason, n := range map[string]uint64{dropPacketRate: packetRate, dropBitRate: bitRate} {
		if n > 0 {
			m.drops.WithLabelValues(reason).Add(float64(n))
		}
	}
}

func (m *metrics) drop(reason string) { m.drops.WithLabelValues(reason).Inc() }

// silent is pion's logger: its lines carry addresses, and say nothing that the
// metrics do not.
type silent struct{}

func (silent) NewLogger(string) logging.LeveledLogger { return silent{} }
func (silent) Trace(string)                           {}
func (silent) Tracef(string, ...any)                  {}
func (silent) Debug(string)                           {}
func (silent) Debugf(string, ...any)                  {}
func (silent) Info(string)                            {}
func (silent) Infof(string, ...any)                   {}
func (silent) Warn(string)                            {}
func (silent) Warnf(string, ...any)                   {}
func (silent) Error(string)                           {}
func (silent) Errorf(string, ...any)                  {}
