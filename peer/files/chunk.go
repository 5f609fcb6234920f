package files

import (
	"encoding/base64"
	"encoding/binary"

	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

const (
	idBytes     = 12
	headerBytes = idBytes + 8
	// MaxChunk is the longest chunk.
	MaxChunk = headerBytes + sealed.LimitFileChunk
)

// chunk is a part of a file: id(12) || offset(8) || bytes.
type chunk struct {
	id    string
	off   uint64
	bytes []byte
}

func encodeChunk(id string, off int64, bytes []byte) []byte {
	out := make([]byte, 0, headerBytes+len(bytes))
	raw, _ := base64.RawURLEncoding.DecodeString(id) // NewID made it
	out = append(out, raw...)
	out = binary.BigEndian.AppendUint64(out, uint64(off))
	return append(out, bytes...)
}

func decodeChunk(plain []byte) (chunk, error) {
	if len(plain) <= headerBytes || len(plain) > MaxChunk {
		return chunk{}, &protocol.WireError{Code: protocol.ErrorCodeParse, Detail: "length of a chunk"}
	}
	return chunk{
		id:    base64.RawURLEncoding.EncodeToString(plain[:idBytes]),
		off:   binary.BigEndian.Uint64(plain[idBytes:headerBytes]),
		bytes: plain[headerBytes:],
	}, nil
}
