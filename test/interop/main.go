// Command interop runs one machine of package e2ee for a test in another
// language: events in as lines on standard input, effects out as lines on
// standard output, "." after the effects of each event.
//
//	host FRAGMENT STRETCHED | guest FRAGMENT STRETCHED     first; STRETCHED is hex or -
//	connected CID | disconnected | tick MS
//	peer SLOT CID | gone SLOT | admit SLOT                 host only
//	online CID | password STRETCHED                        guest only
//	recv SLOT FRAME | send SLOT JSON | data TEXT | open FRAME
//	rekey | opened FRAME                                   re-key messages go over the data channel
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/visavis-call/visavis/e2ee"
)

const maxLine = 1 << 20

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "interop:", err)
		os.Exit(1)
	}
}

// driver holds one machine; the other pointer is nil.
type driver struct {
	host    *e2ee.Host
	guest   *e2ee.Guest
	session *e2ee.Session
	now     time.Time
	out     io.Writer
}

func run(in io.Reader, out io.Writer) error {
	d := &driver{now: time.Unix(1_700_000_000, 0), out: out}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	for lines.Scan() {
		word := strings.SplitN(lines.Text(), " ", 3)
		word = append(word, "", "")
		if err := d.event(word[0], word[1], word[2]); err != nil {
			return fmt.Errorf("%s: %w", word[0], err)
		}
		d.effects()
		fmt.Fprintln(out, ".")
	}
	return lines.Err()
}

func (d *driver) event(verb, a, b string) error {
	switch verb {
	case "host", "guest":
		return d.start(verb, a, b)
	case "tick":
		ms, err := strconv.Atoi(a)
		d.now = d.now.Add(time.Duration(ms) * time.Millisecond)
		if d.host != nil {
			d.host.Tick(d.now)
		} else {
			d.guest.Tick(d.now)
		}
		return err
	case "data":
		frame, err := d.session.SealData([]byte(a))
		fmt.Fprintf(d.out, "data %x\n", frame)
		return err
	case "open":
		frame, err := hex.DecodeString(a)
		if err != nil {
			return err
		}
		plain, err := d.session.OpenData(frame)
		fmt.Fprintf(d.out, "opened %s\n", plain)
		return err
	}
	if verb == "rekey" || verb == "opened" {
		return d.rekeyEvent(verb, a)
	}
	if d.host != nil {
		return d.hostEvent(verb, a, b)
	}
	return d.guestEvent(verb, a, b)
}

// keys are what both machines have for the data channel.
type keys interface {
	Rekey(now time.Time)
	SealData(json []byte) ([]byte, error)
	OpenData(frame []byte, now time.Time) ([]byte, error)
}

func (d *driver) keys() keys {
	if d.host != nil {
		return d.host
	}
	return d.guest
}

func (d *driver) rekeyEvent(verb, a string) error {
	if verb == "rekey" {
		d.keys().Rekey(d.now)
		return nil
	}
	frame, err := hex.DecodeString(a)
	if err != nil {
		return err
	}
	json, err := d.keys().OpenData(frame, d.now)
	if json != nil {
		fmt.Fprintf(d.out, "heard %s\n", json)
	}
	return err
}

func (d *driver) start(role, fragment, stretched string) error {
	link, err := e2ee.ParseFragment(fragment)
	if err != nil {
		return err
	}
	password, err := hex.DecodeString(strings.TrimPrefix(stretched, "-"))
	if err != nil {
		return err
	}
	caps := e2ee.Caps{SFrame: 1, Video: []string{"vp8"}, Record: 1, App: "interop"}
	if role == "host" {
		d.host, err = e2ee.NewHost(e2ee.HostConfig{Link: link, Stretched: password, Caps: caps})
		return err
	}
	d.guest, err = e2ee.NewGuest(e2ee.GuestConfig{Link: link, Stretched: password, Caps: caps})
	return err
}

func (d *driver) hostEvent(verb, a, b string) error {
	if verb == "connected" {
		id, err := cid(a)
		d.host.Connected(id, d.now)
		return err
	}
	if verb == "disconnected" {
		d.host.Disconnected(d.now)
		return nil
	}
	n, err := strconv.ParseUint(a, 10, 16)
	if err != nil {
		return err
	}
	slot := uint16(n)
	switch verb {
	case "peer":
		id, err := cid(b)
		d.host.PeerArrived(slot, id, d.now)
		return err
	case "gone":
		d.host.PeerGone(slot, d.now)
	case "admit":
		return d.host.Admitted(slot, d.now)
	case "recv":
		frame, err := hex.DecodeString(b)
		d.host.Receive(slot, frame, d.now)
		return err
	case "send":
		return d.host.Send(slot, []byte(b), d.now)
	default:
		return fmt.Errorf("unknown event")
	}
	return nil
}

func (d *driver) guestEvent(verb, a, b string) error {
	switch verb {
	case "connected", "online":
		id, err := cid(a)
		if verb == "connected" {
			d.guest.Connected(id, d.now)
		} else {
			d.guest.HostOnline(id, d.now)
		}
		return err
	case "disconnected":
		d.guest.Disconnected(d.now)
	case "password":
		key, err := hex.DecodeString(a)
		d.guest.SetStretched(key, d.now)
		return err
	case "recv":
		frame, err := hex.DecodeString(b)
		d.guest.Receive(frame, d.now)
		return err
	case "send":
		return d.guest.Send([]byte(b), d.now)
	default:
		return fmt.Errorf("unknown event")
	}
	return nil
}

func (d *driver) effects() {
	var drained []e2ee.Effect
	if d.host != nil {
		drained = d.host.Drain()
	} else if d.guest != nil {
		drained = d.guest.Drain()
	}
	for _, effect := range drained {
		switch e := effect.(type) {
		case e2ee.SendFrame:
			fmt.Fprintf(d.out, "frame %d %x\n", e.Slot, e.Frame)
		case e2ee.Ready:
			d.session = e.Session
			d.ready(e)
		case e2ee.Say:
			frame, err := d.keys().SealData(e.JSON)
			if err == nil {
				fmt.Fprintf(d.out, "say %x\n", frame)
			}
		case e2ee.Epoch:
			if e.Sending {
				d.session = e.Session
				d.ready(e2ee.Ready{Slot: e.Slot, Session: e.Session, Resumed: true})
			}
		case e2ee.Message:
			fmt.Fprintf(d.out, "message %d %s\n", e.Slot, e.JSON)
		case e2ee.Failed:
			fmt.Fprintf(d.out, "failed %d %s\n", e.Slot, e.Code)
		case e2ee.WrongPassword:
			fmt.Fprintf(d.out, "wrong-password %d %t\n", e.Failures, e.Locked)
		}
	}
}

// ready prints what both sides must agree on; the bind MACs are over two
// made-up fingerprints.
func (d *driver) ready(e e2ee.Ready) {
	var fpGuest, fpHost [32]byte
	fpGuest[0], fpHost[0] = 1, 2
	s := e.Session
	fmt.Fprintf(d.out, "ready %d %t %d %s %x %x %x %x\n", e.Slot, e.Resumed, s.Epoch(), s.SAS().Digits, s.ID(), s.Media(),
		s.Bind(e2ee.RoleGuest, fpGuest, fpHost), s.Bind(e2ee.RoleHost, fpGuest, fpHost))
}

func cid(s string) (id [16]byte, err error) {
	b, err := hex.DecodeString(s)
	if err == nil && len(b) != len(id) {
		err = fmt.Errorf("connection id of %d bytes", len(b))
	}
	copy(id[:], b)
	return id, err
}
