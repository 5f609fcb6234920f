package offload

import (
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Before Linux 6.6 a program is a filter of the interface's clsact queueing discipline
// (tc-bpf(8)). Unlike a link it stays when its process is killed; the program then stops by itself
// (see Alive), and the next server on the same port puts its own in that place.

const (
	clsactParent  = 0xfffffff1 // TC_H_CLSACT
	clsactHandle  = 0xffff0000
	filterIngress = 0xfffffff2 // TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
	filterHandle  = 1

	optionsFD, optionsName, optionsFlags = 6, 7, 8 // TCA_BPF_FD, _NAME, _FLAGS
	directAction                         = 1       // TCA_BPF_FLAG_ACT_DIRECT
)

// filter is the program on one interface.
type filter struct {
	netlink  *routing
	index    int
	priority uint16
}

// install makes the queueing discipline, if it is not there, and puts the program in.
// Priorities are what tells filters apart; the port is nobody else's.
func (r *routing) install(index, program int, priority uint16) (*filter, error) {
	err := r.change(unix.RTM_NEWQDISC, unix.NLM_F_CREATE|unix.NLM_F_EXCL,
		tcMessage(index, clsactHandle, clsactParent, 0, attribute(unix.TCA_KIND, []byte("clsact\x00"))))
	if err != nil && !errors.Is(err, syscall.EEXIST) {
		return nil, fmt.Errorf("make a clsact: %w", err)
	}
	options := attribute(optionsFD, binary.NativeEndian.AppendUint32(nil, uint32(program)))
	options = append(options, attribute(optionsName, []byte("visavis\x00"))...)
	options = append(options, attribute(optionsFlags, binary.NativeEndian.AppendUint32(nil, directAction))...)
	f := &filter{netlink: r, index: index, priority: priority}
	m := append(f.message(), attribute(unix.TCA_KIND, []byte("bpf\x00"))...)
	m = append(m, attribute(unix.TCA_OPTIONS, options)...)
	if err := r.change(unix.RTM_NEWTFILTER, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, m); err != nil {
		return nil, fmt.Errorf("put in a filter: %w", err)
	}
	return f, nil
}

// Close takes the filter out. The queueing discipline, which others may use, stays.
func (f *filter) Close() error {
	m := append(f.message(), attribute(unix.TCA_KIND, []byte("bpf\x00"))...)
	if err := f.netlink.change(unix.RTM_DELTFILTER, 0, m); err != nil {
		return fmt.Errorf("take a filter out: %w", err)
	}
	return nil
}

func (f *filter) message() []byte {
	var proto [2]byte
	binary.BigEndian.PutUint16(proto[:], unix.ETH_P_ALL)
	info := uint32(f.priority)<<16 | uint32(binary.NativeEndian.Uint16(proto[:]))
	return tcMessage(f.index, filterHandle, filterIngress, info, nil)
}

// tcMessage is struct tcmsg, and attributes.
func tcMessage(index int, handle, parent, info uint32, attributes []byte) []byte {
	m := binary.NativeEndian.AppendUint32(nil, unix.AF_UNSPEC)
	for _, n := range []uint32{uint32(index), handle, parent, info} {
		m = binary.NativeEndian.AppendUint32(m, n)
	}
	return append(m, attributes...)
}

// attribute is struct rtattr and its value, padded to four bytes.
func attribute(kind uint16, value []byte) []byte {
	m := binary.NativeEndian.AppendUint16(nil, uint16(unix.SizeofRtAttr+len(value)))
	m = append(binary.NativeEndian.AppendUint16(m, kind), value...)
	return append(m, make([]byte, -len(m)&3)...)
}

// change asks for something to be done, and waits until it is.
func (r *routing) change(kind uint16, flags int, body []byte) error {
	r.seq++
	m := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	m = binary.NativeEndian.AppendUint16(m, kind)
	m = binary.NativeEndian.AppendUint16(m, uint16(unix.NLM_F_REQUEST|unix.NLM_F_ACK|flags))
	m = binary.NativeEndian.AppendUint32(m, r.seq)
	m = append(binary.NativeEndian.AppendUint32(m, 0), body...)
	if err := unix.Sendto(r.fd, m, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer, err := r.receive()
	if err != nil {
		return err
	}
	if answer.Header.Type != unix.NLMSG_ERROR || len(answer.Data) < 4 {
		return ErrUnsupported
	}
	if errno := -int32(binary.NativeEndian.Uint32(answer.Data)); errno != 0 {
		return syscall.Errno(errno)
	}
	return nil
}
