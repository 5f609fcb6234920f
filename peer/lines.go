package peer

import (
	"github.com/pion/webrtc/v4"

	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

// limitMID is the longest name of an m-line (sealed.Line).
const limitMID = 16

// lineOf tells what an m-line carries from sender: as the media plan says, or
// as its last description did. ok is false for a line that neither names, or
// of the other medium: then nothing of it is taken.
func lineOf(sender protocol.Role, lines []sealed.Line, mid string, kind Kind) (line sealed.LineKind, ok bool) {
	planned := map[string]sealed.LineKind{"0": sealed.LineKindMicrophone, "1": sealed.LineKindCamera}
	if sender == protocol.RoleGuest {
		planned = map[string]sealed.LineKind{"2": sealed.LineKindMicrophone, "3": sealed.LineKindCamera}
	}
	line, ok = planned[mid]
	for i := 0; !ok && i < len(lines) && i < sealed.LimitLines; i++ {
		l := lines[i]
		if l.MID == mid && len(mid) <= limitMID && (l.Kind == sealed.LineKindScreen || l.Kind == sealed.LineKindScreenSound) {
			line, ok = l.Kind, true
		}
	}
	sound := line == sealed.LineKindMicrophone || line == sealed.LineKindScreenSound
	return line, ok && sound == (kind == KindAudio)
}

// lines names the m-lines of what this party shares, for its descriptions.
func (c *connection) lines() []sealed.Line {
	var lines []sealed.Line
	for _, t := range c.pc.GetTransceivers() {
		if t.Mid() != "" && c.screens[t.Sender()] && len(lines) < sealed.LimitLines {
			lines = append(lines, sealed.Line{MID: t.Mid(), Kind: sealed.LineKindScreen})
		}
	}
	return lines
}

// other is the role of the other party.
func other(own protocol.Role) protocol.Role {
	if own == protocol.RoleHost {
		return protocol.RoleGuest
	}
	return protocol.RoleHost
}

// trackInfo describes a remote track; ok is false for one that was not
// announced, or whose codec is not one of ours.
func (c *Call) trackInfo(conn *connection, track *webrtc.TrackRemote, rx *webrtc.RTPReceiver) (info Track, ok bool) {
	info = Track{MID: midOf(conn.pc, rx), Kind: KindVideo, Codec: codecOf(track.Codec().MimeType)}
	if track.Kind() == webrtc.RTPCodecTypeAudio {
		info.Kind = KindAudio
	}
	line, ok := lineOf(other(c.seat.role()), conn.remote.lines, info.MID, info.Kind)
	info.Screen = line == sealed.LineKindScreen || line == sealed.LineKindScreenSound
	return info, ok && info.Codec != ""
}
