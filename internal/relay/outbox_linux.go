package relay

import (
	"encoding/binary"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// outSize is how many datagrams are sent in one go at most.
	outSize = 512
	// segments is how many datagrams the kernel makes of one message (UDP_SEGMENT, udp(7)); since Linux 6.9 it would be 128.
	segments = 64
	// longest is the largest message: an IPv4 packet's payload (RFC 768, RFC 791 §3.1).
	longest = 65507
	// fitting is the largest datagram of which several may be a message, which is never cut into
	// fragments: every way has room for it (RFC 8200 §5: 1280, less the headers of IPv6 and UDP).
	fitting = 1280 - 40 - 8
	// sendWait is how long, in milliseconds, a full socket may take to send what is in it.
	sendWait = 5
)

// outgoing is a datagram to be sent.
type outgoing struct {
	data []byte
	next int // of the same message; 0: none, since none comes before the first
}

// message is datagrams to one place that go through the kernel as one: all are segment bytes
// long, but for the last one, which may be shorter.
type message struct {
	to          *wire
	first, last int // of outbox.datagrams
	count       int
	segment     int
	size        int
	full        bool
}

// takes reports whether a datagram of this size can be the next one.
func (m *message) takes(size int) bool {
	return !m.full && size <= m.segment && m.count < segments && m.size+size <= longest
}

// outbox is what the next calls of sendmmsg take away.
type outbox struct {
	segmented bool // the kernel cuts messages into datagrams on this socket
	n         int
	datagrams [outSize]outgoing
	made      int
	messages  [outSize]message
	// By wire.slot, one more than the number of the last message to such a place. Who has the
	// same slot as another takes it over; so there is never a later message than this one.
	latest [256]uint16

	heads   [outSize]mmsghdr
	vectors [outSize]unix.Iovec
	control [outSize][controlSize]byte
}

// full says that send must come before the next add.
func (out *outbox) full() bool { return out.n == outSize }

// add takes a frame, which must stay as it is until send. What goes to one place leaves
// in the order in which it was added.
func (out *outbox) add(frame []byte, w *wire) {
	k := out.n
	out.n++
	out.datagrams[k] = outgoing{data: frame}
	latest := &out.latest[w.slot]
	if *latest > 0 {
		if m := &out.messages[*latest-1]; m.to == w && m.takes(len(frame)) {
			out.datagrams[m.last].next = k
			m.last = k
			m.count++
			m.size += len(frame)
			m.full = len(frame) < m.segment
			return
		}
	}
	out.messages[out.made] = message{
		to: w, first: k, last: k, count: 1, segment: len(frame), size: len(frame),
		full: !out.segmented || w.small || len(frame) > fitting,
	}
	out.made++
	*latest = uint16(out.made)
}

// lay writes the messages down as the kernel wants them.
func (out *outbox) lay() {
	used := 0
	for i := range out.made {
		m := &out.messages[i]
		from := used
		for k := m.first; ; k = out.datagrams[k].next {
			data := out.datagrams[k].data
			if used > from && follows(&out.vectors[used-1], data) { // as it came, in one piece
				v := &out.vectors[used-1]
				v.SetLen(int(v.Len) + len(data))
			} else {
				out.vectors[used].Base = &data[0]
				out.vectors[used].SetLen(len(data))
				used++
			}
			if k == m.last {
				break
			}
		}
		h := &out.heads[i].header
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&m.to.name)), m.to.size
		h.Iov = &out.vectors[from]
		h.SetIovlen(used - from)
		out.controls(i)
	}
}

// follows reports whether data is in memory right after what v has.
func follows(v *unix.Iovec, data []byte) bool {
	return uintptr(unsafe.Pointer(v.Base))+uintptr(v.Len) == uintptr(unsafe.Pointer(&data[0]))
}

// controls says where message i is sent from, and where the kernel cuts it.
func (out *outbox) controls(i int) {
	m, h, room := &out.messages[i], &out.heads[i].header, &out.control[i]
	size := copy(room[:], m.to.control)
	if m.count > 1 {
		c := (*unix.Cmsghdr)(unsafe.Pointer(&room[size]))
		c.Level, c.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		c.SetLen(unix.CmsgLen(2))
		binary.NativeEndian.PutUint16(room[size+unix.CmsgLen(0):], uint16(m.segment))
		size += unix.CmsgSpace(2)
	}
	h.Control = nil
	if size > 0 {
		h.Control = &room[0]
	}
	h.SetControllen(size)
}

// send sends everything, or waits a moment and gives up. It returns how many packets
// went, and how many bytes of channel data were in them.
func (out *outbox) send(fd uintptr) (packets, size int) {
	out.lay()
	waited := false
	for from := 0; from < out.made; {
		n, errno := mmsg(unix.SYS_SENDMMSG, fd, out.heads[from:out.made], unix.MSG_DONTWAIT)
		for i := range n {
			m := &out.messages[from+i]
			packets += m.count
			size += m.size - m.count*channelHeader
		}
		from += n
		switch {
		case n > 0 || errno == syscall.EINTR:
		case errno == syscall.EAGAIN && !waited:
			waited = true
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, sendWait) // the next try tells
		case errno == syscall.EAGAIN:
			from = out.made
		default:
			if m := &out.messages[from]; m.count > 1 && out.refused(m, errno) {
				p, s := out.singly(fd, m)
				packets, size = packets+p, size+s
			}
			from++ // else this one cannot be sent: no way there, or forbidden
		}
	}
	out.clear()
	return packets, size
}

// refused reports whether the kernel may send one by one what it did not want to cut, and
// takes care that it is not asked again.
func (out *outbox) refused(m *message, errno syscall.Errno) bool {
	switch errno {
	case syscall.EINVAL, syscall.EMSGSIZE, // longer than the way's MTU allows
		syscall.EIO: // this way out cannot (udp(7)): each is asked, or one client would decide for all
		m.to.small = true
	default:
		return false
	}
	return true
}

// singly sends a message's datagrams one by one.
func (out *outbox) singly(fd uintptr, m *message) (packets, size int) {
	for k := m.first; ; k = out.datagrams[k].next {
		data := out.datagrams[k].data
		if sendOne(fd, data, m.to, unix.MSG_DONTWAIT) == 0 {
			packets++
			size += len(data) - channelHeader
		}
		if k == m.last {
			return packets, size
		}
	}
}

// clear leaves no pointers to closed calls.
func (out *outbox) clear() {
	clear(out.datagrams[:out.n])
	clear(out.heads[:out.made])
	clear(out.messages[:out.made])
	clear(out.latest[:])
	out.n, out.made = 0, 0
}
