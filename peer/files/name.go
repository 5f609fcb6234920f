package files

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/visavis-call/visavis/protocol/sealed"
)

// devices are what Windows takes for a device, with any ending.
var devices = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com\d|lpt\d)(\.|$)`)

// programs are endings of what runs, or of documents that can bring programs
// along, when opened; the same as in the browser's engine.
const programs = " apk app appimage appref-ms bat bin cmd com command cpl deb desktop dll dmg docm dotm elf exe gadget hta htm html inf " +
	"ins iso img jar js jse lnk mht mhtml msc msi msix msp mst ns pif pkg pl ppam potm pptm ps1 ps1xml ps2 psc1 py pyw rb reg rpm " +
	"run scf scr scpt sct sh shb shs sldm svg swf url vb vbe vbs vhd vhdx wim ws wsc wsf wsh xht xhtml xlam xlsm xltm xml "

// LimitNameBytes is how long a stored name may be: file systems allow 255 bytes,
// and " (99)" may have to be added.
const LimitNameBytes = 240

// SafeName makes a stranger's file name one that can be shown and stored: no
// path, no hidden file, no device, its ending kept. line makes any text one
// visible line.
func SafeName(name string, line func(string) string) string {
	if at := strings.LastIndexAny(name, `/\`); at >= 0 {
		name = name[at+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(`<>:"|?*`, r), r >= '\u200b' && r <= '\u200d', r == '\u2060', r == '\ufeff':
			return '_'
		}
		return r
	}, name)
	// Twice: what is left without its dots may be nothing that could be seen.
	name = line(strings.TrimFunc(line(name), func(r rune) bool { return r == '.' || unicode.IsSpace(r) }))
	if devices.MatchString(name) {
		name = "_" + name
	}
	if name == "" {
		return "file"
	}
	return shorten(name)
}

// shorten cuts a name to the limits, before its ending if that is a short one.
func shorten(name string) string {
	runes, size := []rune(name), len(name)
	if len(runes) <= sealed.LimitFileName && size <= LimitNameBytes {
		return name
	}
	stem, ending := name, ""
	if dot := strings.LastIndexByte(name, '.'); dot > 0 {
		if n := utf8.RuneCountInString(name[dot:]); n > 1 && n <= 13 {
			stem, ending = name[:dot], name[dot:]
		}
	}
	room := sealed.LimitFileName - utf8.RuneCountInString(ending)
	kept := 0
	for at, r := range stem {
		if room--; room < 0 || at+utf8.RuneLen(r)+len(ending) > LimitNameBytes {
			break
		}
		kept = at + utf8.RuneLen(r)
	}
	return stem[:kept] + ending
}

// CanRun reports whether opening a file of this name may run a program.
func CanRun(name string) bool {
	ending := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	return !strings.Contains(ending, " ") && strings.Contains(programs, " "+ending+" ")
}
