package sockets

import (
	"bytes"
	"crypto/sha1" // RFC 6455 §4.2.2 says so; it protects nothing
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// acceptKey is what proves that a server means WebSockets, RFC 6455 §1.3.
const acceptKey = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// upgradeTimeout bounds the answer to a request.
const upgradeTimeout = 10 * time.Second

// Upgrade answers a request for a WebSocket, with the first of the subprotocols that
// the client offers, if there is one. On an error the request has been answered, too.
func (h *Hub) Upgrade(w http.ResponseWriter, r *http.Request, subprotocols ...string) (*Conn, error) {
	if status, err := check(r); err != nil {
		if status == http.StatusUpgradeRequired {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "websocket")
		}
		w.Header().Set("Sec-WebSocket-Version", "13")
		http.Error(w, err.Error(), status)
		return nil, err
	}
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, http.StatusText(http.StatusNotImplemented), http.StatusNotImplemented)
		return nil, fmt.Errorf("take over the connection: %w", err)
	}
	early, err := rw.Peek(rw.Reader.Buffered()) // what came behind the request
	if err == nil {
		err = answer(conn, w.Header(), r, subprotocols)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("answer: %w", err), conn.Close())
	}
	return newConn(h, conn, bytes.Clone(early)), nil
}

// check reads the request, RFC 6455 §4.2.1.
func check(r *http.Request) (status int, err error) {
	switch keys := r.Header.Values("Sec-Websocket-Key"); {
	case !r.ProtoAtLeast(1, 1), r.ProtoMajor != 1:
		return http.StatusUpgradeRequired, errors.New("want HTTP/1.1")
	case !has(r.Header, "Connection", "upgrade"), !has(r.Header, "Upgrade", "websocket"):
		return http.StatusUpgradeRequired, errors.New("want an upgrade to websocket")
	case r.Method != http.MethodGet:
		return http.StatusMethodNotAllowed, errors.New("want GET")
	case r.ContentLength != 0: // its body would be read as frames
		return http.StatusBadRequest, errors.New("want no body")
	case r.Header.Get("Sec-Websocket-Version") != "13":
		return http.StatusBadRequest, errors.New("want version 13")
	case len(keys) != 1 || !validKey(keys[0]):
		return http.StatusBadRequest, errors.New("want one Sec-WebSocket-Key of 16 bytes")
	}
	return 0, nil
}

func validKey(key string) bool {
	b, err := base64.StdEncoding.DecodeString(key)
	return err == nil && len(b) == 16
}

// tokens are the parts of a header that is a list.
func tokens(h http.Header, name string) []string {
	var out []string
	for _, line := range h.Values(name) {
		for t := range strings.SplitSeq(line, ",") {
			out = append(out, strings.TrimSpace(t))
		}
	}
	return out
}

func has(h http.Header, name, token string) bool {
	return slices.ContainsFunc(tokens(h, name), func(t string) bool { return strings.EqualFold(t, token) })
}

// answer says yes. What the handlers before have put into the header goes with it.
func answer(conn net.Conn, header http.Header, r *http.Request, subprotocols []string) error {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + acceptKey))
	header = header.Clone()
	header.Set("Upgrade", "websocket")
	header.Set("Connection", "Upgrade")
	header.Set("Sec-WebSocket-Accept", base64.StdEncoding.EncodeToString(sum[:]))
	offered := tokens(r.Header, "Sec-Websocket-Protocol")
	if i := slices.IndexFunc(subprotocols, func(s string) bool { return slices.Contains(offered, s) }); i >= 0 {
		header.Set("Sec-WebSocket-Protocol", subprotocols[i])
	}
	var out bytes.Buffer
	out.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	if err := header.Write(&out); err != nil {
		return err
	}
	out.WriteString("\r\n")
	if err := conn.SetDeadline(time.Now().Add(upgradeTimeout)); err != nil {
		return err
	}
	if _, err := conn.Write(out.Bytes()); err != nil {
		return err
	}
	return conn.SetDeadline(time.Time{})
}
