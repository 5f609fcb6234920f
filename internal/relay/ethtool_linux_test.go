package relay

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ethtool asks the driver of a wire (include/uapi/linux/ethtool.h).
func ethtool(value []byte) error {
	const siocEthtool = 0x8946
	request := struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [24 - unsafe.Sizeof(uintptr(0))]byte
	}{data: unsafe.Pointer(&value[0])}
	copy(request.name[:], "wire")
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), siocEthtool, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return errno
	}
	return nil
}

func words(all ...uint32) (b []byte) {
	for _, w := range all {
		b = binary.NativeEndian.AppendUint32(b, w)
	}
	return b
}

// setChecksums says who makes checksums. Between virtual devices they are left out for the
// "device" to make, and nobody looks; if the kernel makes them, receivers do.
func setChecksums(device bool) error {
	const command = 0x17 // ETHTOOL_STXCSUM
	value := uint32(0)
	if device {
		value = 1
	}
	if err := ethtool(words(command, value)); err != nil {
		return fmt.Errorf("set checksum offload: %w", err)
	}
	return nil
}

// setGRO lets the kernel make one of datagrams that come together (GRO), for sockets that
// have asked for that.
func setGRO() error {
	const command = 0x2c // ETHTOOL_SGRO
	if err := ethtool(words(command, 1)); err != nil {
		return fmt.Errorf("set GRO: %w", err)
	}
	return nil
}
