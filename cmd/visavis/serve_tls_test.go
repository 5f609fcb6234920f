package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/protocol"
)

// writeCertificate puts a certificate for name, and its key, into two files.
func writeCertificate(t *testing.T, certFile, keyFile, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{name}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// nameShown is the name in the certificate that a new connection gets.
func nameShown(addr string) (string, error) {
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].DNSNames[0], nil
}

// waitForName fails unless new connections get this certificate soon.
func waitForName(t *testing.T, addr, want string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		got, err := nameShown(addr)
		if err == nil && got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("certificate is for %q, %v; want %q", got, err, want)
		}
	}
}

// A renewed certificate needs no restart, and nobody who is connected notices.
func TestServeTakesARenewedCertificate(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, cert, key, "first.example")
	s := startServe(t, "--data", filepath.Join(dir, "data"), "--metrics", "", "--tls-cert", cert, "--tls-key", key)
	addr := strings.TrimPrefix(s.url, "https://")
	waitForName(t, addr, "first.example")
	binding(t, "udp", addr)
	binding(t, "tcp", addr)
	for _, asked := range [][]string{nil, {"stun.turn"}, {"stun.nat-discovery"}} {
		c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: asked})
		if err != nil {
			t.Fatal(err)
		}
		bindingOn(t, c, fmt.Sprintf("tls %v", asked))
		_ = c.Close()
	}

	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	conn, _, err := websocket.Dial(ctx, "wss://"+addr+protocol.PathSignaling, &websocket.DialOptions{ //nolint:bodyclose // its contract: there is nothing to close
		Subprotocols: []string{protocol.SubprotocolNative}, HTTPClient: &http.Client{Transport: transport},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	receive[protocol.Welcome](ctx, t, conn)

	writeCertificate(t, cert, key, "second.example")
	hangUp(t)
	waitForName(t, addr, "second.example")
	if err := os.WriteFile(cert, []byte("half a fi"), 0o600); err != nil {
		t.Fatal(err)
	}
	hangUp(t)
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(s.log.String(), "the old certificate stays in use"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("nothing is said of a broken file: %s", s.log)
		}
	}
	waitForName(t, addr, "second.example")
	send(ctx, t, conn, protocol.Join{Role: protocol.RoleGuest, Call: protocol.ID{9}.String(), CID: protocol.ID{2}.String()})
	receive[protocol.Joined](ctx, t, conn)
	_ = conn.CloseNow()
	if code := s.stop(); code != exitOK {
		t.Errorf("exit code %d; log:\n%s", code, s.log)
	}
}

// hangUp is `systemctl reload`.
func hangUp(t *testing.T) {
	t.Helper()
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Signal(syscall.SIGHUP)
	}
	if err != nil {
		t.Fatal(fmt.Errorf("SIGHUP: %w", err))
	}
}

// unusedAddress is an address that nobody has right now.
func unusedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
