package certs

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/acme"
)

// Only what was ordered is shown: an ACME server cannot have a record set, or a
// certificate made, for another name.
func TestForeignNames(t *testing.T) {
	var s *httptest.Server
	s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Replay-Nonce", "nonce")
		switch r.URL.Path {
		case "/":
			fmt.Fprintf(w, `{"newNonce":"%[1]s/nonce","newAccount":"%[1]s/account","newOrder":"%[1]s/order"}`, s.URL)
		case "/authz":
			fmt.Fprintf(w, `{"status":"pending","identifier":{"type":"dns","value":"bank.example"},"challenges":[
				{"type":"dns-01","url":"%[1]s/x","token":"t"},{"type":"tls-alpn-01","url":"%[1]s/x","token":"t"},{"type":"http-01","url":"%[1]s/x","token":"t"}]}`, s.URL)
		default:
			fmt.Fprint(w, `{"type":"dns-01","status":"invalid"}`)
		}
	}))
	defer s.Close()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ran := filepath.Join(t.TempDir(), "ran")
	hook := filepath.Join(t.TempDir(), "hook")
	if err := os.WriteFile(hook, []byte("#!/bin/sh\necho \"$@\" >>"+ran), 0o700); err != nil {
		t.Fatal(err)
	}
	a := &ACME{cfg: ACMEConfig{Domains: []string{domain}, DNSCommand: hook}}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, way := range []string{dns01, tlsALPN, http01} {
		client := &acme.Client{Key: key, KID: "account", DirectoryURL: s.URL, HTTPClient: s.Client(), RetryBackoff: backoff}
		if err := a.authorize(ctx, client, s.URL+"/authz", way); err == nil || !strings.Contains(err.Error(), "was not ordered") {
			t.Errorf("%s: %v", way, err)
		}
	}
	if text, err := os.ReadFile(ran); err == nil {
		t.Errorf("the command was run: %s", text)
	}
}
