package mediafile

import (
	"encoding/binary"
	"math"
)

// Element identifiers of EBML (RFC 8794) and Matroska (RFC 9559), marker bits
// included, as they stand in the file.
const (
	idEBML               = 0x1A45DFA3
	idEBMLVersion        = 0x4286
	idEBMLReadVersion    = 0x42F7
	idEBMLMaxIDLength    = 0x42F2
	idEBMLMaxSizeLength  = 0x42F3
	idDocType            = 0x4282
	idDocTypeVersion     = 0x4287
	idDocTypeReadVersion = 0x4285
	idVoid               = 0xEC

	idSegment      = 0x18538067
	idSeekHead     = 0x114D9B74
	idSeek         = 0x4DBB
	idSeekID       = 0x53AB
	idSeekPosition = 0x53AC

	idInfo          = 0x1549A966
	idTimecodeScale = 0x2AD7B1
	idDuration      = 0x4489
	idMuxingApp     = 0x4D80
	idWritingApp    = 0x5741

	idTracks            = 0x1654AE6B
	idTrackEntry        = 0xAE
	idTrackNumber       = 0xD7
	idTrackUID          = 0x73C5
	idTrackType         = 0x83
	idCodecID           = 0x86
	idCodecPrivate      = 0x63A2
	idSeekPreRoll       = 0x56BB
	idVideo             = 0xE0
	idPixelWidth        = 0xB0
	idPixelHeight       = 0xBA
	idAudio             = 0xE1
	idSamplingFrequency = 0xB5
	idChannels          = 0x9F

	idCluster     = 0x1F43B675
	idTimecode    = 0xE7
	idSimpleBlock = 0xA3

	idCues               = 0x1C53BB6B
	idCuePoint           = 0xBB
	idCueTime            = 0xB3
	idCueTrackPositions  = 0xB7
	idCueTrack           = 0xF7
	idCueClusterPosition = 0xF1
)

// unknownSize is an eight-byte element size that says "until the end".
const unknownSize = 0x01FF_FFFF_FFFF_FFFF

// element returns one element with the given parts as its content.
func element(id uint32, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	out := make([]byte, 0, n+12)
	out = appendID(out, id)
	out = appendSize(out, n)
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func uintElement(id uint32, v uint64) []byte {
	b := binary.BigEndian.AppendUint64(nil, v)
	for len(b) > 1 && b[0] == 0 {
		b = b[1:]
	}
	return element(id, b)
}

func floatElement(id uint32, v float64) []byte {
	return element(id, binary.BigEndian.AppendUint64(nil, math.Float64bits(v)))
}

func stringElement(id uint32, s string) []byte { return element(id, []byte(s)) }

// voidElement fills exactly n bytes; n must be at least 9.
func voidElement(n int) []byte {
	out := make([]byte, n)
	out[0] = idVoid
	binary.BigEndian.PutUint64(out[1:], 1<<56|uint64(n-9))
	return out
}

func appendID(out []byte, id uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, id)
	for b[0] == 0 {
		b = b[1:]
	}
	return append(out, b...)
}

// appendSize writes a size in four bytes, which holds up to 256 MiB: more
// than anything here writes at once.
func appendSize(out []byte, n int) []byte {
	return binary.BigEndian.AppendUint32(out, 1<<28|uint32(n))
}
