package signaling

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/visavis-call/visavis/internal/telemetry"
	"github.com/visavis-call/visavis/protocol"
)

// Check begins a network check (protocol.CheckRequest). Only pages of this server
// may ask: unlike a WebSocket, a request from elsewhere would not even need an
// answer to cost something.
func (s *Server) Check(w http.ResponseWriter, r *http.Request) {
	site, err := s.reached(r)
	if origins := r.Header.Values("Origin"); err != nil || len(origins) != 1 || origins[0] != site.origin {
		s.refuseCheck(w, http.StatusForbidden, protocol.ErrorCodeOrigin.Err())
		return
	}
	from := sourceOf(r)
	if !s.checks.allow(from, time.Now()) {
		w.Header().Set("Retry-After", "60")
		s.refuseCheck(w, http.StatusTooManyRequests, protocol.ErrorCodeRate.Err())
		return
	}
	request, err := decodeCheck(r.Body)
	if err != nil {
		s.refuseCheck(w, http.StatusBadRequest, err)
		return
	}
	if !slices.Contains(s.transports(), request.Transport) {
		s.refuseCheck(w, http.StatusBadRequest, protocol.ErrorCodePolicy.Err())
		return
	}
	answer, err := s.cfg.Mirror.Answer(r.Context(), from, request.Offer)
	if err != nil {
		s.refuseCheck(w, statusOfCheck(err), err)
		return
	}
	writeJSON(w, http.StatusOK, protocol.CheckReply{
		Answer: answer.SDP,
		Server: protocol.Server{
			URLs:     []string{s.turnURL(site.host, request.Transport)},
			Username: answer.Username, Credential: answer.Credential,
		},
		Transports: s.transports(),
	})
}

// decodeCheck is strict: one object, no field that we do not know.
func decodeCheck(body io.Reader) (protocol.CheckRequest, error) {
	b, err := io.ReadAll(io.LimitReader(body, protocol.LimitCheckBody+1))
	var request protocol.CheckRequest
	switch {
	case err != nil:
		return request, protocol.ErrorCodeParse.Err()
	case len(b) > protocol.LimitCheckBody:
		return request, protocol.ErrorCodeSize.Err()
	}
	return protocol.DecodeCheckRequest(b)
}

func statusOfCheck(err error) int {
	e, ok := errors.AsType[*protocol.WireError](err)
	switch {
	case !ok:
		return http.StatusInternalServerError
	case e.Code == protocol.ErrorCodeBusy:
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

func (s *Server) refuseCheck(w http.ResponseWriter, status int, err error) {
	pub := protocol.Public(err)
	if status == http.StatusInternalServerError {
		s.cfg.Log.Error("network check failed", telemetry.FieldError, err)
	}
	s.cfg.Metrics.Refused(pub.Code)
	writeJSON(w, status, protocol.Refusal{Type: "error", Code: pub.Code})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
