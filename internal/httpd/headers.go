package httpd

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// permissions is the Permissions-Policy: what the call page uses is for itself,
// the rest is for nobody.
const permissions = "camera=(self), microphone=(self), display-capture=(self), autoplay=(self), " +
	"fullscreen=(self), picture-in-picture=(self), screen-wake-lock=(self), clipboard-write=(self), " +
	"speaker-selection=(self), " +
	"accelerometer=(), clipboard-read=(), geolocation=(), gyroscope=(), hid=(), " +
	"idle-detection=(), local-fonts=(), magnetometer=(), midi=(), payment=(), " +
	"publickey-credentials-get=(), serial=(), usb=(), xr-spatial-tracking=()"

// hsts is sent over TLS only: two years, as the preload list asks.
const hsts = "max-age=63072000"

// integrityPolicy lets no script run whose hash the page does not vouch for
// (Subresource Integrity level 2): neither the entry nor what is loaded later.
const integrityPolicy = "blocked-destinations=(script)"

// policy is the Content-Security-Policy. Browsers before 2022 do not count ws: as
// 'self', so this host is named too. scripts is the script-src directive.
func policy(host, scripts string) string {
	connect := "'self'"
	if safeHost.MatchString(host) {
		connect += " ws://" + host + " wss://" + host
	}
	return strings.Join([]string{
		"default-src 'none'",
		scripts,
		"style-src 'self'",
		"img-src 'self' blob: data:",
		"media-src 'self' blob:",
		"connect-src " + connect,
		"worker-src 'self'",
		"manifest-src 'self'",
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
		"require-trusted-types-for 'script'",
		"trusted-types svelte-trusted-html visavis",
	}, "; ")
}

// safeHost is host[:port] as it may stand in the policy: the Host header comes
// from outside and must not add to it.
var safeHost = regexp.MustCompile(`^([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?$`)

// secure sets the headers that every answer has.
func secure(publicURL, scripts string, next http.Handler) http.Handler {
	var publicHost string
	if u, err := url.Parse(publicURL); err == nil {
		publicHost = u.Host
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := publicHost
		if host == "" {
			host = r.Host
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policy(host, scripts))
		h.Set("Integrity-Policy", integrityPolicy)
		h.Set("Permissions-Policy", permissions)
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Embedder-Policy", "require-corp")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if r.TLS != nil || strings.HasPrefix(publicURL, "https://") {
			h.Set("Strict-Transport-Security", hsts)
		}
		next.ServeHTTP(w, r)
	})
}
