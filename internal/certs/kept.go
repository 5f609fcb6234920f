package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// kept is the directory of one ACME server's account and certificate.
type kept struct{ dir string }

// keep makes the directory. Each ACME server has its own: accounts of one mean nothing
// to another, and who turns from a test server to a real one gets a real certificate.
func keep(dir, directory string) (kept, error) {
	_, name, _ := strings.Cut(directory, "://")
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789.", r) {
			return r
		}
		return '-'
	}, strings.ToLower(name))
	k := kept{filepath.Join(dir, name)}
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return k, fmt.Errorf("make a place for certificates: %w", err)
	}
	return k, nil
}

func (k kept) certificateFile() string { return filepath.Join(k.dir, "certificate.pem") }

// certificate is the one kept, or nil. One that cannot be read is as good as none: a
// new one will replace it.
func (k kept) certificate() (*tls.Certificate, error) {
	text, err := os.ReadFile(k.certificateFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the kept certificate: %w", err)
	}
	cert, err := parse(text, text)
	if err != nil {
		return nil, nil //nolint:nilerr // replaced, see above
	}
	return cert, nil
}

// putCertificate keeps a chain and its key, PEM.
func (k kept) putCertificate(text []byte) error { return write(k.certificateFile(), text) }

// accountKey is that of the account; it is made when there is none.
func (k kept) accountKey() (*ecdsa.PrivateKey, error) {
	name := filepath.Join(k.dir, "account.pem")
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, fmt.Errorf("make an account key: %w", err)
		}
		text, err := encodeKey(key)
		if err != nil {
			return nil, err
		}
		return key, write(name, text)
	}
	if err != nil {
		return nil, fmt.Errorf("read the account key: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s is no PEM: remove it, and there will be a new account", name)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("read the account key: %w", err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s is not an ECDSA key: remove it, and there will be a new account", name)
	}
	return key, nil
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode a key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// write leaves the old file or the new one, whenever the power fails. Only the owner
// may read it.
func write(name string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*") // 0600
	if err != nil {
		return fmt.Errorf("keep %s: %w", filepath.Base(name), err)
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("keep %s: %w", filepath.Base(name), errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}
