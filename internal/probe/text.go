package probe

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText writes a table for people, and below it a sentence for each transport
// that did not do.
func (r *Report) WriteText(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "TRANSPORT\tRESULT\tPATH\tCONNECT\tARRIVE\tHANDSHAKE\tADMIT\tMEDIA\tPICTURE\tTOTAL\tLOSS\tRTT\tJITTER\tWORDS")
	var notes []string
	for _, t := range r.Transports {
		fmt.Fprintln(table, strings.Join(t.cells(), "\t"))
		if t.Offered && !t.OK {
			notes = append(notes, fmt.Sprintf("%s: %s%s", t.Transport, t.Detail, inBrackets(string(t.Code))))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, n := range notes {
		if _, err := fmt.Fprintln(w, n); err != nil {
			return err
		}
	}
	return nil
}

func inBrackets(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

func (t *Result) cells() []string {
	cells := []string{string(t.Transport), t.verdict(), t.via()}
	for _, s := range t.Steps.list() {
		cells = append(cells, inMS(s.ms, s.ms > 0))
	}
	h, g := t.Host, t.Guest
	if h == nil || g == nil {
		return append(cells, "-", "-", "-", t.words())
	}
	return append(cells,
		fmt.Sprintf("%.1f %%", 100*max(h.Loss, g.Loss)),
		inMS(max(h.RTTMS, g.RTTMS), true), inMS(max(h.JitterMS, g.JitterMS), true), t.words())
}

func (t *Result) verdict() string {
	switch {
	case !t.Offered:
		return "not offered"
	case t.OK:
		return "ok"
	}
	return "FAILED"
}

// via is what carried the media, as the host has found it.
func (t *Result) via() string {
	switch p := t.Host; {
	case p == nil:
		return "-"
	case p.Relay != "":
		return "relay/" + string(p.Relay)
	case p.Family != 0:
		return fmt.Sprintf("%s-%s/ipv%d", p.Local, p.Remote, p.Family)
	default:
		return p.Local + "-" + p.Remote
	}
}

func (t *Result) words() string {
	switch {
	case t.WordsEqual == nil:
		return "-"
	case *t.WordsEqual:
		return "equal"
	}
	return "DIFFER"
}

func inMS(v float64, known bool) string {
	switch {
	case !known:
		return "-"
	case v < 10:
		return fmt.Sprintf("%.1f ms", v)
	}
	return fmt.Sprintf("%.0f ms", v)
}
