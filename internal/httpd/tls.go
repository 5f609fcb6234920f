package httpd

import "crypto/tls"

// What a client can ask for inside TLS (ALPN, RFC 7301). A client that names STUN or
// TURN (RFC 7443) has said what it is; of others the first byte tells.
const (
	alpnHTTP = "http/1.1" // WebSocket and the splitter need it
	alpnTURN = "stun.turn"
	alpnSTUN = "stun.nat-discovery"
	// ALPNACME is for an ACME server that looks whether a name is ours (RFC 8737). Nothing
	// is said on such a connection.
	ALPNACME = "acme-tls/1"
)

// GetCertificate is [tls.Config.GetCertificate].
type GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error)

// NewTLS returns the TLS of the one port. more are protocols beside those of the port.
func NewTLS(get GetCertificate, more ...string) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: get,
		NextProtos:     append([]string{alpnHTTP, alpnTURN, alpnSTUN}, more...),
	}
}
