package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// familyDial bounds the wait for a connection of [FamilyHTTP].
const familyDial = 10 * time.Second

// ErrFamily says that there is no way in the family that was asked for: the name has no
// such address, or this machine has none.
var ErrFamily = errors.New("no way in this family")

// FamilyHTTP is a client that connects by IPv4 or IPv6 alone, for Config.HTTP. It uses no
// proxy: that would choose the family itself.
func FamilyHTTP(family int) *http.Client {
	dialer := &net.Dialer{Timeout: familyDial}
	network := "tcp" + strconv.Itoa(family)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			return conn, withoutFamily(err, family)
		},
		TLSHandshakeTimeout: familyDial,
	}
	return &http.Client{Transport: transport}
}

// withoutFamily finds the errors that are about the family and not about the server.
func withoutFamily(err error, family int) error {
	_, address := errors.AsType[*net.AddrError](err) // "no suitable address"
	if address || errors.Is(err, syscall.ENETUNREACH) || errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL) {
		return fmt.Errorf("%w, IPv%d: %w", ErrFamily, family, err)
	}
	return err
}
