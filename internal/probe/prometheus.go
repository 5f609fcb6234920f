package probe

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// family is one metric with its samples.
type family struct {
	name, help string
	samples    []string
}

func (f *family) add(value float64, labels ...string) {
	var b strings.Builder
	for i := 0; i < len(labels); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		// Names of transports, steps and servers: what %q escapes is what the format does.
		fmt.Fprintf(&b, "%s=%q", labels[i], labels[i+1])
	}
	f.samples = append(f.samples, fmt.Sprintf("%s{%s} %g", f.name, b.String(), value))
}

// WritePrometheus writes the report in the text exposition format.
func (r *Report) WritePrometheus(w io.Writer) error {
	server := r.labels()
	up := family{name: "visavis_probe_up", help: "1 if a call could be made at the server."}
	up.add(oneIf(r.Up), server...)
	at := family{name: "visavis_probe_last_run_timestamp_seconds", help: "When the probe began, Unix time."}
	at.add(float64(r.StartedMS)/1000, server...)
	took := family{name: "visavis_probe_duration_seconds", help: "How long the probe took."}
	took.add(r.DurationMS/1000, server...)
	down := family{name: "visavis_probe_down_info", help: "Why no call could be made; reason is one of a fixed set."}
	if !r.Up {
		down.add(1, append(server, "reason", string(r.Reason))...)
	}
	all := append([]family{up, down, at, took}, r.families()...)
	for _, f := range all {
		if len(f.samples) == 0 {
			continue
		}
		if _, err := fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s gauge\n%s\n", f.name, f.help, f.name, strings.Join(f.samples, "\n")); err != nil {
			return err
		}
	}
	return nil
}

// labels are those of every sample. A forced family is one of them: else two probes of one
// server would write the same series.
func (r *Report) labels() []string {
	l := []string{"server", r.Server}
	if r.Family != 0 {
		l = append(l, "family", strconv.Itoa(r.Family))
	}
	return slices.Clip(l)
}

// families are those with a label for the transport.
func (r *Report) families() []family {
	offered := family{name: "visavis_probe_offered", help: "1 if the server offers the transport."}
	ok := family{name: "visavis_probe_ok", help: "1 if a call went over the transport as it should; only of those that are offered."}
	words := family{name: "visavis_probe_words_equal", help: "1 if both parties had the same verification words."}
	steps := family{name: "visavis_probe_setup_seconds", help: "Time of each step of the set-up; total is from the arrival of the guest to the first picture at both."}
	loss := family{name: "visavis_probe_loss_ratio", help: "Share of the packets of sound that did not come to this party."}
	rtt := family{name: "visavis_probe_round_trip_seconds", help: "Mean round trip of the path, as this party measured it."}
	jitter := family{name: "visavis_probe_jitter_seconds", help: "Mean difference of the time on the way between neighboring packets of sound."}
	path := family{name: "visavis_probe_path_info", help: "What carried the media: kinds of candidates, and the way to the relay, or the family of a direct path."}
	problem := family{name: "visavis_probe_problem_info", help: "Why the transport failed."}
	for i := range r.Transports {
		t := &r.Transports[i]
		labels := append(r.labels(), "transport", string(t.Transport))
		with := func(more ...string) []string { return append(append([]string{}, labels...), more...) }
		offered.add(oneIf(t.Offered), labels...)
		if !t.Offered {
			continue
		}
		ok.add(oneIf(t.OK), labels...)
		if t.Problem != "" {
			problem.add(1, with("problem", string(t.Problem), "code", string(t.Code))...)
		}
		if t.WordsEqual != nil {
			words.add(oneIf(*t.WordsEqual), labels...)
		}
		for _, s := range t.Steps.list() {
			if s.ms > 0 {
				steps.add(s.ms/1000, with("step", s.name)...)
			}
		}
		for _, p := range []struct {
			name string
			*Path
		}{{"host", t.Host}, {"guest", t.Guest}} {
			if p.Path == nil {
				continue
			}
			loss.add(p.Loss, with("party", p.name)...)
			rtt.add(p.RTTMS/1000, with("party", p.name)...)
			jitter.add(p.JitterMS/1000, with("party", p.name)...)
			path.add(1, with("party", p.name, "local", p.Local, "remote", p.Remote, "relay", string(p.Relay), "ip", p.ip())...)
		}
	}
	return []family{offered, ok, words, steps, loss, rtt, jitter, path, problem}
}

// ip is the family of a direct path, "" of a relayed one.
func (p *Path) ip() string {
	if p.Family == 0 {
		return ""
	}
	return strconv.Itoa(p.Family)
}

type step struct {
	name string
	ms   float64
}

// list names the steps in their order.
func (s Steps) list() []step {
	return []step{
		{"connect", s.Connect},
		{"arrive", s.Arrive},
		{"handshake", s.Handshake},
		{"admit", s.Admit},
		{"media", s.Media},
		{"picture", s.Picture},
		{"total", s.Total},
	}
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
