package e2ee

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// SAS is the short authentication string: what two people compare aloud to be
// sure that nobody sits between them. It is computed after the key
// confirmation, over nonces of which the host committed to its own before it
// saw the guest's; whoever sits between has one try in 2^30.
type SAS struct {
	Emoji  [5]int    // indices into the table, 6 bits each
	Words  [5]string // their English names
	Digits string    // nine digits, for people who prefer them; shown 3-3-3
}

const emojiNames = "anchor apple balloon bell bicycle book boot bridge " +
	"broom butterfly cactus cake camera candle carrot castle " +
	"cheese cherries clock cloud compass crab crown drum " +
	"duck elephant fire fish flag fork fox guitar " +
	"hammer hat helicopter horse house key kite ladder " +
	"lamp lemon lion lock magnet moon mountain mushroom " +
	"octopus owl panda pencil penguin piano rocket rose " +
	"sailboat scissors snail star sun tractor turtle umbrella"

// EmojiName returns the English name of emoji i, 0 to 63, or "".
func EmojiName(i int) string {
	if i < 0 || i > 63 {
		return ""
	}
	return strings.Fields(emojiNames)[i]
}

func newSAS(b [8]byte) SAS {
	u := binary.BigEndian.Uint64(b[:])
	sas := SAS{Digits: fmt.Sprintf("%09d", u%1_000_000_000)}
	for i := range sas.Emoji {
		sas.Emoji[i] = int(u >> (58 - 6*i) & 63)
		sas.Words[i] = EmojiName(sas.Emoji[i])
	}
	return sas
}
