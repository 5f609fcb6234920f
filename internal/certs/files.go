package certs

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// filesInterval is how often the files are looked at. Contents are compared, not
// times: a link that points elsewhere (certbot, Kubernetes) counts, a touch does not.
const filesInterval = 30 * time.Second

// FilesConfig is what [Files] needs.
type FilesConfig struct {
	Cert, Key  string // PEM files
	Log        *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
}

// Files is a certificate in two files, which somebody else renews.
type Files struct {
	*shelf
	cfg  FilesConfig
	seen [sha256.Size]byte // of what was read last, good or not; owned by Run
}

// NewFiles reads the files. It is an error if they are not good: a server that never
// had a certificate should not start.
func NewFiles(cfg FilesConfig) (*Files, error) {
	s, err := newShelf(cfg.Log, cfg.Registerer)
	if err != nil {
		return nil, err
	}
	f := &Files{shelf: s, cfg: cfg}
	cert, err := f.read()
	if err != nil {
		return nil, fmt.Errorf("load TLS certificate: %w", err)
	}
	f.put(cert)
	f.remind(time.Now())
	return f, nil
}

// Certificate is for [tls.Config.GetCertificate].
func (f *Files) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return f.cert.Load(), nil
}

// Run looks at the files from time to time, and whenever something comes from now,
// until ctx ends.
func (f *Files) Run(ctx context.Context, now <-chan os.Signal) {
	ticker := time.NewTicker(filesInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-now:
			f.seen = [sha256.Size]byte{} // say what is wrong, even if it has been said
		case <-ticker.C:
		}
		f.look()
		f.remind(time.Now())
	}
}

// look takes what is new. A file that is broken, or does not fit the other, is said to
// be once; it may be half written, and is read again next time.
func (f *Files) look() {
	cert, err := f.read()
	switch {
	case errors.Is(err, errUnchanged):
	case err != nil:
		f.failed("the certificate files cannot be used", err)
	default:
		f.put(cert)
	}
}

var errUnchanged = errors.New("unchanged")

func (f *Files) read() (*tls.Certificate, error) {
	chain, err := os.ReadFile(f.cfg.Cert)
	var key []byte
	if err == nil {
		key, err = os.ReadFile(f.cfg.Key)
	}
	sum := sha256.New()
	for _, part := range [][]byte{chain, key, fmt.Append(nil, err)} {
		fmt.Fprintf(sum, "%d ", len(part)) // a hash takes everything
		sum.Write(part)
	}
	seen := [sha256.Size]byte(sum.Sum(nil))
	if seen == f.seen {
		return nil, errUnchanged
	}
	f.seen = seen
	if err != nil {
		return nil, err
	}
	return parse(chain, key)
}
