package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/visavis-call/visavis/internal/netlab"
)

// server is a visavis server on port 443 of a node, with a certificate for its
// addresses that nobody but the lab trusts.
type server struct {
	node   *netlab.Node
	binary string
	dir    string // certificate, database and log
	cert   string // file; clients in Go trust it by SSL_CERT_FILE
	url    string

	cmd *exec.Cmd // or nil
}

func newServer(n *netlab.Node, binary string) (*server, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "visavis-lab-")
	if err != nil {
		return nil, err
	}
	s := &server{node: n, binary: binary, dir: dir, cert: filepath.Join(dir, "cert.pem")}
	var ips []net.IP
	for _, l := range n.Links() {
		for _, a := range l.Public() {
			ips = append(ips, a.AsSlice())
		}
	}
	s.url = "https://" + ips[0].String()
	if ips[0].To4() == nil {
		s.url = "https://[" + ips[0].String() + "]"
	}
	if err := certify(s.cert, s.key(), ips); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.configure("off"); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func (s *server) key() string { return filepath.Join(s.dir, "key.pem") }

// certify writes a certificate that is its own authority.
func certify(certFile, keyFile string, ips []net.IP) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "visavis lab"},
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: ips,
		IsCA:        true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o644),
		os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600),
	)
}

// start returns when the server is ready.
func (s *server) start(ctx context.Context) error {
	if s.cmd != nil {
		return errors.New("the server is running")
	}
	log, err := os.OpenFile(s.log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	// It ends by stop, kill or the end of the lab, not with ctx.
	cmd := s.node.Command(context.WithoutCancel(ctx), s.binary, "serve", "--listen", ":443", "--data", filepath.Join(s.dir, "data"),
		"--config", s.config(), "--metrics", metricsAt, "--tls-cert", s.cert, "--tls-key", s.key())
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "is ready") {
			s.cmd = cmd
			return nil
		}
	}
	err = cmd.Wait()
	said, _ := os.ReadFile(s.log())
	return fmt.Errorf("the server ended before it was ready: %w\n%s", err, said)
}

func (s *server) log() string { return filepath.Join(s.dir, "server.log") }

// stop is what systemd does: clients are told.
func (s *server) stop() error { return s.end(syscall.SIGTERM) }

// kill is a power cut.
func (s *server) kill() error { return s.end(syscall.SIGKILL) }

func (s *server) end(signal os.Signal) error {
	if s.cmd == nil {
		return errors.New("the server is not running")
	}
	err := s.cmd.Process.Signal(signal)
	var exit *exec.ExitError
	if e := s.cmd.Wait(); e != nil && !errors.As(e, &exit) {
		err = errors.Join(err, e)
	}
	s.cmd = nil
	return err
}

func (s *server) close() error {
	var err error
	if s.cmd != nil {
		err = s.stop()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}
