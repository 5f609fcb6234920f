package e2ee

import "encoding/binary"

// maxField bounds one length-prefixed field. Nothing in the protocol is larger
// than one padded outer frame.
const maxField = 65_535

// appendPL appends pl(b): the length of b as LEB128, then b.
func appendPL(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// lv joins fields unambiguously: pl(a) || pl(b) || … This is lv_cat of
// draft-irtf-cfrg-cpace-21, section 3.1.
func lv(fields ...[]byte) []byte {
	n := 0
	for _, f := range fields {
		n += len(f) + 3
	}
	out := make([]byte, 0, n)
	for _, f := range fields {
		out = appendPL(out, f)
	}
	return out
}

// takePL splits pl(field) || rest. A length must be in its shortest form:
// two encodings of one message would be two transcripts.
func takePL(b []byte) (field, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > maxField {
		return nil, nil, false
	}
	if size > 1 && b[size-1] == 0 { // not minimal
		return nil, nil, false
	}
	b = b[size:]
	if uint64(len(b)) < n {
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}

// splitLV parses exactly n fields and nothing after them.
func splitLV(b []byte, n int) ([][]byte, error) {
	fields := make([][]byte, n)
	for i := range fields {
		var ok bool
		if fields[i], b, ok = takePL(b); !ok {
			return nil, fail(CodeParse, "malformed field")
		}
	}
	if len(b) != 0 {
		return nil, fail(CodeParse, "bytes after the last field")
	}
	return fields, nil
}
