package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/visavis-call/visavis/internal/config"
	"github.com/visavis-call/visavis/internal/doctor"
)

// exitWarnings says that doctor found nothing worse than warnings.
const exitWarnings = 3

// holdMax bounds --hold.
const holdMax = 10 * time.Minute

type doctorCmd struct {
	Outside  string   `placeholder:"URL" help:"Check this server from here instead, as one of the machines that reach it."`
	Via      []string `placeholder:"URL" help:"Ask this other visavis server what it sees of this machine, and what time it is; two tell more of a NAT."`
	Address  []string `placeholder:"IP" help:"A public address of this machine, if it is known."`
	Hold     span     `placeholder:"90s" help:"Behind a proxy: keep an idle connection for so long, and see whether it is cut."`
	JSON     bool     `name:"json" help:"Print one JSON object: subject, worst, findings (id, level, text, remedy), next."`
	Settings serveCmd `embed:""`
}

// Help is shown by visavis doctor --help.
func (*doctorCmd) Help() string {
	return `Checks this machine and the settings of the server on it: ports, firewall, public address and NAT, DNS,
certificate, proxy, clock, limits of the kernel, data directory. Give it the same settings as
visavis serve; the server may run or not. Each finding has what mends it.

What only others see is checked on another machine, anywhere: visavis doctor --outside URL looks at
DNS, TCP, TLS, UDP and the relay from there; visavis probe URL places a call. --via asks another
visavis server for what it tells everybody: the address it sees, and its clock.

Exit codes: 0 all is well; 1 a problem, or doctor itself failed; 2 wrong usage or settings;
3 warnings only.`
}

// Run examines and reports.
func (c *doctorCmd) Run(ctx context.Context, std streams) error {
	r, err := c.examine(ctx)
	if err != nil {
		return usage(err)
	}
	if c.JSON {
		err = json.NewEncoder(std.out).Encode(r)
	} else {
		err = printFindings(std.out, r)
	}
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return errors.New("interrupted: what was not answered by then counts as not answered")
	case r.Worst == doctor.Problem:
		return errors.New("there are problems")
	case r.Worst == doctor.Warning:
		return &exitError{exitWarnings, errors.New("there are warnings")}
	}
	return nil
}

func (c *doctorCmd) examine(ctx context.Context) (doctor.Report, error) {
	if c.Outside != "" {
		origin, err := parseOrigin(c.Outside)
		if err != nil {
			return doctor.Report{}, fmt.Errorf("--outside %q: want http://HOST or https://HOST", c.Outside)
		}
		return doctor.Outside(ctx, origin), nil
	}
	settings, err := c.Settings.settings(os.Environ())
	if err != nil {
		return doctor.Report{}, err
	}
	cfg := doctorConfig(settings)
	if cfg.Hold = time.Duration(c.Hold); cfg.Hold < 0 || cfg.Hold > holdMax {
		return doctor.Report{}, fmt.Errorf("--hold %v: want at most %v", cfg.Hold, holdMax)
	}
	for _, v := range c.Via {
		origin, err := parseOrigin(v)
		if err != nil {
			return doctor.Report{}, fmt.Errorf("--via %q: want http://HOST or https://HOST", v)
		}
		cfg.Via = append(cfg.Via, origin)
	}
	for _, a := range c.Address {
		addr, err := netip.ParseAddr(a)
		if err != nil {
			return doctor.Report{}, fmt.Errorf("--address %q: want an address like 203.0.113.5", a)
		}
		cfg.Address = append(cfg.Address, addr.Unmap())
	}
	return doctor.Examine(ctx, cfg), nil
}

// doctorConfig is what matters of the server's settings.
func doctorConfig(c config.Config) doctor.Config {
	_, tokenErr := c.Token()
	return doctor.Config{
		Listen: c.Server.Listen, Plain: c.Server.HTTPListen, URL: doctorURL(c),
		Cert: c.Server.TLSCert, Key: c.Server.TLSKey, TLS: c.TLS(),
		ByPort: c.ACME.Domains != "" && c.ACME.DNSCommand == "",
		Data:   c.Storage.Data, Metrics: c.Metrics.Listen, MetricsAsked: c.Metrics.Asked, Connections: c.Limits.Connections,
		Offload: c.Relay.Offload == "auto", TokenFile: c.Create.TokenFile, TokenErr: tokenErr,
	}
}

// doctorURL is where people come to, "" if no setting says so.
func doctorURL(c config.Config) string {
	at, err := net.ResolveTCPAddr("tcp", c.Server.Listen)
	if err != nil || c.Server.URL != "" {
		return c.Server.URL
	}
	if c.ACME.Domains == "" {
		// Without another word, people come by the name that the certificate is for.
		if c.ACME.Domains = certificateName(c.Server.TLSCert); c.ACME.Domains == "" {
			return ""
		}
	}
	return publicURL(c, at)
}

// certificateName is the first host name of the certificate in a file that others can
// come by, "" if there is none.
func certificateName(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return ""
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return ""
	}
	for _, name := range leaf.DNSNames {
		if strings.Contains(name, ".") && !strings.HasPrefix(name, "*") {
			return name
		}
	}
	return ""
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func printFindings(w io.Writer, r doctor.Report) error {
	text := ""
	count := map[doctor.Level]int{}
	width := 20
	for _, f := range r.Findings {
		width = max(width, len(f.ID))
	}
	for _, f := range r.Findings {
		count[f.Level]++
		text += fmt.Sprintf("%-8s %-*s %s\n", f.Level, width, f.ID, printable(f.Text))
		if f.Remedy != "" {
			text += fmt.Sprintf("%-8s %-*s -> %s\n", "", width, "", printable(f.Remedy))
		}
	}
	text += fmt.Sprintf("%d ok, %s, %s\n", count[doctor.OK], counted(count[doctor.Warning], "warning"), counted(count[doctor.Problem], "problem"))
	for _, next := range r.Next {
		if strings.HasPrefix(next, "visavis ") {
			next = "on this machine: " + next
		}
		text += "Next, " + next + "\n"
	}
	_, err := io.WriteString(w, text)
	return err
}
