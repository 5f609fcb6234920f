package certs

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/visavis-call/visavis/internal/telemetry"
)

const (
	// An ACME server says how long its advice is good for; beyond these bounds it is not
	// believed (RFC 9773 §4.3.2).
	adviceShortest = time.Minute
	adviceLongest  = 24 * time.Hour
	// adviceFailed is how long nobody asks again after no answer (RFC 9773 §4.3.3).
	adviceFailed = 6 * time.Hour
)

// advice is when the ACME server would like a certificate to be renewed (RFC 9773): it
// knows of days with much to do, and of certificates it is about to revoke.
type advice struct {
	window window
	again  time.Time // when to ask next; zero: at once
}

type window struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// consult asks, if it is time to, and moves a.wake to a moment in the window that it is
// told. Without an answer the certificate is renewed by its lifetime.
func (a *ACME) consult(ctx context.Context, now time.Time) {
	cert := a.cert.Load()
	if cert == nil || a.wake.IsZero() || !now.Before(a.wake) || now.Before(a.advice.again) {
		return
	}
	found, again, err := a.suggested(ctx, cert.Leaf)
	a.advice.again = now.Add(again)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		a.log.Info("the ACME server was asked when to renew, and gave no answer; renewing by the lifetime of the certificate", telemetry.FieldError, err)
	case found == window{} || found == a.advice.window: // it has no opinion, or the same one
	default:
		a.advice.window = found
		a.wake = within(found, cert.Leaf)
		a.log.Info("the ACME server has said when to renew", "renew", a.wake.UTC().Format(time.RFC3339))
	}
}

// within is a moment of the window, at random as others choose theirs (RFC 9773 §4.2). It
// is not in the first moments of the life of c, so that a server that always says "now"
// is not asked without end; and not in the last quarter, which is for attempts that fail.
func within(w window, c *x509.Certificate) time.Time {
	at := w.Start.Add(rand.N(w.End.Sub(w.Start)))
	life := lifetime(c)
	first, last := c.NotBefore.Add(min(life/10, 24*time.Hour)), c.NotAfter.Add(-life/4)
	switch {
	case at.Before(first):
		return first
	case at.After(last):
		return last
	}
	return at
}

// suggested asks for the window of c; without one the server has no opinion. again is when
// to ask the next time.
func (a *ACME) suggested(ctx context.Context, c *x509.Certificate) (found window, again time.Duration, err error) {
	var directory struct {
		RenewalInfo string `json:"renewalInfo"`
	}
	if _, err := a.getJSON(ctx, a.cfg.Directory, &directory); err != nil {
		return window{}, adviceFailed, err
	}
	id := certID(c)
	if directory.RenewalInfo == "" || id == "" {
		return window{}, adviceLongest, nil
	}
	if at, err := url.Parse(directory.RenewalInfo); err != nil || at.Scheme != "https" {
		return window{}, adviceFailed, errors.New("its address for that is not https")
	}
	var info struct {
		Window window `json:"suggestedWindow"`
	}
	header, err := a.getJSON(ctx, strings.TrimSuffix(directory.RenewalInfo, "/")+"/"+id, &info)
	if err != nil {
		return window{}, adviceFailed, err
	}
	if !info.Window.Start.Before(info.Window.End) {
		return window{}, adviceFailed, errors.New("a window that ends before it begins")
	}
	return info.Window, retryAfter(header, time.Now()), nil
}

// getJSON is for what everybody may ask.
func (a *ACME) getJSON(ctx context.Context, from string, into any) (http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", userAgent)
	response, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return response.Header, nil
}

// retryAfter is in seconds or a date (RFC 9110 §10.2.3).
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	pause := adviceFailed
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		pause = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(text); err == nil {
		pause = date.Sub(now)
	}
	return min(max(pause, adviceShortest), adviceLongest)
}

// certID names a certificate to the server that issued it (RFC 9773 §4.1); "" if it does
// not say by whose key it was signed.
func certID(c *x509.Certificate) string {
	if len(c.AuthorityKeyId) == 0 || c.SerialNumber == nil {
		return ""
	}
	serial := c.SerialNumber.Bytes()
	if len(serial) == 0 || serial[0]&0x80 != 0 { // as DER has it: a sign before it
		serial = append([]byte{0}, serial...)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode(c.AuthorityKeyId) + "." + encode(serial)
}
