package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/visavis-call/visavis/protocol"
)

// Metrics are the counters of signaling. Labels are taken from fixed lists, never
// from what a client sent.
type Metrics struct {
	Connections *prometheus.GaugeVec   // by role: none before the join
	CallsOpen   prometheus.Gauge       // calls with somebody connected, or just left
	Frames      prometheus.Counter     // binary frames forwarded
	Bytes       prometheus.Counter     // bytes in them
	Drops       *prometheus.CounterVec // frames and connections not served, by reason
	Errors      *prometheus.CounterVec // refusals, by error code
}

// NewRegistry returns a registry of its own with the process's figures.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// NewMetrics registers the metrics with r.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		Connections: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "visavis_signaling_connections", Help: "Open signaling connections, by role.",
		}, []string{"role"}),
		CallsOpen: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "visavis_calls_open", Help: "Calls with somebody connected or just left.",
		}),
		Frames: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "visavis_signaling_frames_forwarded_total", Help: "Sealed frames forwarded.",
		}),
		Bytes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "visavis_signaling_bytes_forwarded_total", Help: "Bytes in sealed frames forwarded.",
		}),
		Drops: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "visavis_signaling_drops_total", Help: "Frames and connections not served, by reason.",
		}, []string{"reason"}),
		Errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "visavis_signaling_errors_total", Help: "Refusals sent to clients, by error code.",
		}, []string{"code"}),
	}
	r.MustRegister(m.Connections, m.CallsOpen, m.Frames, m.Bytes, m.Drops, m.Errors)
	return m
}

// Drop counts what was not served.
func (m *Metrics) Drop(reason string) { m.Drops.WithLabelValues(reason).Inc() }

// Refused counts a refusal.
func (m *Metrics) Refused(code protocol.ErrorCode) { m.Errors.WithLabelValues(string(code)).Inc() }

// Forwarded counts a forwarded frame.
func (m *Metrics) Forwarded(bytes int) {
	m.Frames.Inc()
	m.Bytes.Add(float64(bytes))
}
