package httpd

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/visavis-call/visavis/protocol"
)

const (
	remoteDialTimeout  = 10 * time.Second
	remoteWriteTimeout = 10 * time.Second
	remoteAnswerLimit  = 64 << 10
)

// LocalConfig is what [NewLocalServer] needs.
type LocalConfig struct {
	App fs.FS
	// Self is the origin under which this machine's browser finds the page.
	Self string
	// Server is the origin of the server that holds the calls.
	Server string
	// Client speaks to it.
	Client *http.Client
	Log    *slog.Logger
}

// NewLocalServer serves the app of this binary to the browser of this machine,
// and carries its socket to another server. That server sends no code, only
// messages; everything in them is sealed for the other party.
func NewLocalServer(cfg LocalConfig) (*http.Server, error) {
	a, err := loadApp(cfg.App)
	if err != nil {
		return nil, err
	}
	if f := a.files[indexFile]; f != nil {
		a.files[indexFile] = named(f, cfg.Server)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+protocol.PathSignaling, func(w http.ResponseWriter, r *http.Request) { carry(w, r, cfg) })
	mux.HandleFunc("POST "+protocol.PathCheck, func(w http.ResponseWriter, r *http.Request) { carryCheck(w, r, cfg) })
	a.route(mux)
	h := onlyHost(cfg.Self, secure(cfg.Self, a.scripts, mux))
	return newServer(recovered(cfg.Log, http.MaxBytesHandler(h, maxBody))), nil
}

// named tells the page whose calls it shows (web/src/main.ts).
func named(f *file, server string) *file {
	meta := `<meta name="visavis-server" content="` + html.EscapeString(server) + `">`
	page := bytes.Replace(f.plain, []byte("<title>"), []byte(meta+"\n    <title>"), 1)
	return &file{contentType: f.contentType, etag: f.etag + "-local", cache: "no-store", plain: page}
}

// onlyHost refuses requests under other names: a page elsewhere whose name was
// made to lead here (DNS rebinding) is not to use this server.
func onlyHost(self string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if "http://"+r.Host != self {
			plain(w, http.StatusMisdirectedRequest, "this address is for the browser of this machine: "+self)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// carry connects the page's socket with the server's, until either ends.
func carry(w http.ResponseWriter, r *http.Request, cfg LocalConfig) {
	if r.Header.Get("Origin") != cfg.Self {
		plain(w, http.StatusForbidden, "origin not allowed")
		return
	}
	remote, err := dialRemote(r.Context(), cfg)
	if err != nil {
		cfg.Log.Debug("server cannot be reached", "err", err)
		plain(w, http.StatusBadGateway, "the server cannot be reached")
		return
	}
	defer func() { _ = remote.CloseNow() }()
	page, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols:    []string{protocol.SubprotocolWeb},
		CompressionMode: websocket.CompressionDisabled,
	})
	if err != nil {
		return // the handshake has answered
	}
	defer func() { _ = page.CloseNow() }()
	for _, c := range []*websocket.Conn{remote, page} {
		c.SetReadLimit(protocol.LimitFrameBytes)
	}
	ctx, cancel := context.WithCancel(r.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel()
		pump(ctx, remote, page)
	}()
	pump(ctx, page, remote)
	cancel()
	<-done
}

// carryCheck asks the server for a network check in the page's name. The check
// itself goes from the browser to the server's relay.
func carryCheck(w http.ResponseWriter, r *http.Request, cfg LocalConfig) {
	if r.Header.Get("Origin") != cfg.Self {
		plain(w, http.StatusForbidden, "origin not allowed")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), remoteDialTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, cfg.Server+protocol.PathCheck, r.Body)
	if err != nil {
		plain(w, http.StatusBadRequest, "bad request")
		return
	}
	request.Header.Set("Origin", cfg.Server)
	answer, err := cfg.Client.Do(request)
	if err != nil {
		cfg.Log.Debug("server cannot be reached", "err", err)
		plain(w, http.StatusBadGateway, "the server cannot be reached")
		return
	}
	defer func() { _ = answer.Body.Close() }()
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(answer.StatusCode)
	_, _ = io.Copy(w, io.LimitReader(answer.Body, remoteAnswerLimit)) // the page may be gone
}

func dialRemote(ctx context.Context, cfg LocalConfig) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, remoteDialTimeout)
	defer cancel()
	u, err := url.Parse(cfg.Server)
	if err != nil {
		return nil, fmt.Errorf("server address: %w", err)
	}
	u.Scheme = strings.Replace(u.Scheme, "http", "ws", 1)
	u.Path = protocol.PathSignaling
	remote, _, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{ //nolint:bodyclose // its contract: there is nothing to close
		HTTPClient:      cfg.Client,
		HTTPHeader:      http.Header{"Origin": {cfg.Server}},
		Subprotocols:    []string{protocol.SubprotocolWeb},
		CompressionMode: websocket.CompressionDisabled,
	})
	return remote, err
}

// pump copies messages, one at a time, and passes on why the source closed.
func pump(ctx context.Context, to, from *websocket.Conn) {
	for {
		kind, data, err := from.Read(ctx)
		if err != nil {
			if status := websocket.CloseStatus(err); status >= 4000 {
				_ = to.Close(status, "")
			}
			return
		}
		writing, cancel := context.WithTimeout(ctx, remoteWriteTimeout)
		err = to.Write(writing, kind, data)
		cancel()
		if err != nil {
			return
		}
	}
}
