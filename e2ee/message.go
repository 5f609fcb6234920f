package e2ee

import "crypto/mlkem"

// The four messages of the handshake.
//
//	M1 (G→H) = lv("M1", Yg, ADg)         ADg = lv(version suite, ekG, sigPubG, resumeID, capsG)
//	M2 (H→G) = lv("M2", Yh, ADh, sigH)   ADh = lv(version suite, ct, cmt, hostPub, resumed, epoch, capsH)
//	M3 (G→H) = lv("M3", rG, tagG)
//	M4 (H→G) = lv("M4", rH, tagH)

const (
	labelM1 = "M1"
	labelM2 = "M2"
	labelM3 = "M3"
	labelM4 = "M4"

	pointSize = 32
)

// message1 is a parsed M1. The slices alias the message.
type message1 struct {
	raw      []byte
	y, ad    []byte
	ek       []byte
	resumeID []byte // empty or 16 bytes
	caps     Caps
}

func parseM1(raw []byte) (*message1, error) {
	f, err := splitMessage(raw, labelM1, -1, pointSize, -1)
	if err != nil {
		return nil, err
	}
	m := &message1{raw: raw, y: f[1], ad: f[2]}
	if f, err = splitData(m.ad, 5, mlkem.EncapsulationKeySize768, 32); err != nil {
		return nil, err
	}
	if m.ek, m.resumeID = f[1], f[3]; len(m.resumeID) != 0 && len(m.resumeID) != 16 {
		return nil, fail(CodeParse, "resume id of wrong length")
	}
	m.caps, err = decodeCaps(f[4])
	return m, err
}

// message2 is a parsed M2. The slices alias the message.
type message2 struct {
	y, ad, sig  []byte
	ct          []byte
	commitment  []byte
	hostPub     []byte
	resumed     bool
	epoch       uint16
	caps        Caps
	signedBytes []byte // lv("M2", Yh, ADh)
}

func parseM2(raw []byte) (*message2, error) {
	f, err := splitMessage(raw, labelM2, -1, pointSize, -1, 64)
	if err != nil {
		return nil, err
	}
	m := &message2{y: f[1], ad: f[2], sig: f[3], signedBytes: lv(f[0], f[1], f[2])}
	if f, err = splitData(m.ad, 7, mlkem.CiphertextSize768, 32, 32, 1, 2); err != nil {
		return nil, err
	}
	if f[4][0] > 1 {
		return nil, fail(CodeParse, "resumed is neither 0 nor 1")
	}
	m.ct, m.commitment, m.hostPub, m.resumed = f[1], f[2], f[3], f[4][0] == 1
	m.epoch = uint16(f[5][0])<<8 | uint16(f[5][1])
	m.caps, err = decodeCaps(f[6])
	return m, err
}

// parseConfirmation reads M3 or M4: a nonce and a tag.
func parseConfirmation(raw []byte, label string) (nonce, tag []byte, err error) {
	f, err := splitMessage(raw, label, -1, 32, 32)
	if err != nil {
		return nil, nil, err
	}
	return f[1], f[2], nil
}

// splitMessage parses as many fields as there are sizes; -1 is any size. The
// first field must be the label itself: without that check a damaged label
// would leave the two sides with different transcripts and both content.
func splitMessage(raw []byte, label string, sizes ...int) ([][]byte, error) {
	f, err := splitLV(raw, len(sizes))
	if err != nil {
		return nil, err
	}
	if string(f[0]) != label {
		return nil, fail(CodeParse, "not an "+label)
	}
	return f, checkSizes(f, sizes)
}

// splitData parses the n fields of ADg or ADh. The first is version and suite;
// sizes are those of the fields after it.
func splitData(ad []byte, n int, sizes ...int) ([][]byte, error) {
	f, err := splitLV(ad, n)
	if err != nil {
		return nil, err
	}
	if string(f[0]) != string(versionSuite()) {
		return nil, fail(CodeVersion, "handshake of another version")
	}
	return f, checkSizes(f[1:], sizes)
}

func checkSizes(fields [][]byte, sizes []int) error {
	for i, size := range sizes {
		if size >= 0 && len(fields[i]) != size {
			return fail(CodeParse, "field of wrong length")
		}
	}
	return nil
}
