package certs

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/acme"
)

// retries of one request: nonces that are used up, and servers that stumble.
const retries = 4

// account opens the account at the ACME server, or makes it.
func (a *ACME) account(ctx context.Context) (*acme.Client, error) {
	key, err := a.kept.accountKey()
	if err != nil {
		return nil, err
	}
	client := &acme.Client{
		Key: key, DirectoryURL: a.cfg.Directory, HTTPClient: a.client, UserAgent: userAgent, RetryBackoff: backoff,
	}
	who := &acme.Account{}
	if a.cfg.EABKeyID != "" {
		who.ExternalAccountBinding = &acme.ExternalAccountBinding{KID: a.cfg.EABKeyID, Key: a.cfg.EABKey}
	}
	if a.cfg.Email != "" {
		who.Contact = []string{"mailto:" + a.cfg.Email}
	}
	if _, err := client.Register(ctx, who, acme.AcceptTOS); err != nil && !errors.Is(err, acme.ErrAccountAlreadyExists) {
		if _, unknown := errors.AsType[x509.UnknownAuthorityError](err); unknown && a.cfg.CAFile == "" {
			err = fmt.Errorf("%w; name its authority with acme.ca_file, if you trust it", err)
		}
		if refused, ok := errors.AsType[*acme.Error](err); ok && strings.HasSuffix(refused.ProblemType, ":externalAccountRequired") {
			err = fmt.Errorf("%w; it wants an account of yours: acme.eab_key_id and acme.eab_key_file", err)
		}
		return nil, fmt.Errorf("open an account at the ACME server: %w", err)
	}
	return client, nil
}

// backoff is how long to wait before a request is made again; below zero: not again.
func backoff(n int, _ *http.Request, r *http.Response) time.Duration {
	switch {
	case n > retries || r.StatusCode == http.StatusTooManyRequests: // the next attempt comes late enough
		return -1
	case r.StatusCode == http.StatusBadRequest: // a nonce
		return time.Millisecond
	}
	return time.Duration(n) * time.Second
}

// order gets one certificate for all names and returns its key and its chain, PEM.
func (a *ACME) order(ctx context.Context, client *acme.Client, way string) ([]byte, error) {
	order, err := client.AuthorizeOrder(ctx, acme.DomainIDs(a.cfg.Domains...))
	if err != nil {
		return nil, fmt.Errorf("order a certificate: %w", err)
	}
	for _, url := range order.AuthzURLs {
		if err := a.authorize(ctx, client, url, way); err != nil {
			return nil, err
		}
	}
	if order, err = client.WaitOrder(ctx, order.URI); err != nil {
		return nil, fmt.Errorf("wait for the order: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	request, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: a.cfg.Domains}, key)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	chain, _, err := client.CreateCertFromOrder(ctx, order, request, true)
	if err != nil {
		return nil, fmt.Errorf("get the certificate: %w", err)
	}
	text, err := encodeKey(key)
	if err != nil {
		return nil, err
	}
	for _, der := range chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return text, nil
}

// authorize shows that one name is ours.
func (a *ACME) authorize(ctx context.Context, client *acme.Client, url, way string) error {
	authz, err := client.GetAuthorization(ctx, url)
	if err != nil {
		return fmt.Errorf("ask what is to be shown: %w", err)
	}
	// What is shown for a name is as good as a certificate for it, and a record is set by
	// the operator's command: none of that for names that are not ours to show.
	if !slices.Contains(a.cfg.Domains, authz.Identifier.Value) {
		return fmt.Errorf("the ACME server asks about %q, which was not ordered", authz.Identifier.Value)
	}
	if authz.Status == acme.StatusValid { // shown not long ago
		return nil
	}
	i := slices.IndexFunc(authz.Challenges, func(c *acme.Challenge) bool { return c.Type == way })
	if i < 0 {
		return fmt.Errorf("the ACME server does not take this way for %s", authz.Identifier.Value)
	}
	challenge := authz.Challenges[i]
	hide, err := a.show(ctx, client, authz.Identifier.Value, challenge)
	if err != nil {
		return err
	}
	_, err = client.Accept(ctx, challenge)
	if err == nil {
		_, err = client.WaitAuthorization(ctx, url)
	}
	if err = errors.Join(err, hide()); err != nil {
		return fmt.Errorf("show that %s is ours: %w", authz.Identifier.Value, err)
	}
	return nil
}

// show puts what the ACME server wants to see where it will look. hide takes it away.
func (a *ACME) show(ctx context.Context, client *acme.Client, name string, c *acme.Challenge) (hide func() error, err error) {
	switch c.Type {
	case tlsALPN:
		cert, err := client.TLSALPN01ChallengeCert(c.Token, name)
		if err != nil {
			return nil, fmt.Errorf("make a certificate for the ACME server: %w", err)
		}
		return a.open.put(tlsALPN+" "+name, answer{cert: &cert}), nil
	case http01:
		text, err := client.HTTP01ChallengeResponse(c.Token)
		if err != nil {
			return nil, fmt.Errorf("make an answer for the ACME server: %w", err)
		}
		return a.open.put(http01+" "+c.Token, answer{text: text}), nil
	}
	record, err := client.DNS01ChallengeRecord(c.Token)
	if err != nil {
		return nil, fmt.Errorf("make a record for the ACME server: %w", err)
	}
	if err := a.runDNS(ctx, "present", name, record); err != nil {
		return nil, err
	}
	return func() error { return a.runDNS(context.WithoutCancel(ctx), "cleanup", name, record) }, nil
}

// firstLine is what a command said, for one line of a log.
func firstLine(b []byte) string {
	line, _, _ := bytes.Cut(bytes.TrimSpace(b), []byte("\n"))
	return string(line[:min(len(line), 200)])
}
