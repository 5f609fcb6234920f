package doctor

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// fakeProc has the files of the kernel that are read, with what a test says.
func fakeProc(t *testing.T, files map[string]string) string {
	t.Helper()
	proc := t.TempDir()
	for name, text := range files {
		path := filepath.Join(proc, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return proc
}

const (
	tcpTable = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
		"   0: 0100007F:01BB 0200007F:E604 01 00000000:00000000 00:00000000 00000000     0        0 4000 1 0 100 0 0 10 0\n"
	tcp6Table = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n" +
		"   0: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0\n" +
		"   1: 0000000000000000FFFF00000100007F:01BB 0000000000000000FFFF00000100007F:E606 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0 0 10 0\n" +
		"   2: 0000000000000000FFFF00000500000A:01BB 0000000000000000FFFF00007F00000A:E606 01 00000000:00000000 00:00000000 00000000     0        0 4713 1 0 100 0 0 10 0\n"
)

func TestHolder(t *testing.T) {
	proc := fakeProc(t, map[string]string{"net/tcp": tcpTable, "net/tcp6": tcp6Table, "42/comm": "nginx\n", "42/fd/x": "", "1/comm": "sh\n", "1/fd/x": ""})
	for link, target := range map[string]string{"42/fd/3": "socket:[4711]", "1/fd/3": "socket:[4000]"} {
		if err := os.Symlink(target, filepath.Join(proc, link)); err != nil {
			t.Fatal(err)
		}
	}
	if got := holder(proc, 443); got != "nginx (pid 42)" {
		t.Errorf("port 443 is held by %q", got)
	}
	if all, near := clients(proc, 443); all != 3 || near != 2 {
		t.Errorf("%d clients, %d of them near; want 3 and 2", all, near)
	}
	if got := holder(proc, 444); got != "" {
		t.Errorf("port 444 is held by %q", got)
	}
}

func TestKernelFiles(t *testing.T) {
	proc := fakeProc(t, map[string]string{
		"self/limits":                          "Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 524288               files\n",
		"sys/net/core/rmem_max":                "212992\n",
		"sys/net/core/wmem_max":                "8388608\n",
		"sys/net/netfilter/nf_conntrack_max":   "1000\n",
		"sys/net/netfilter/nf_conntrack_count": "900\n",
		"net/snmp":                             "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors\nUdp: 1000 0 0 1000 500\nUdpLite: InDatagrams\nUdpLite: 0\n",
	})
	cfg := Config{Connections: 20_000, proc: proc}
	check(t, "files", checkKernel(t.Context(), &cfg, &place{}), "kernel.nofile ok", "kernel.buffers warning", "kernel.conntrack problem", "kernel.udp_drops warning")
}

func TestToken(t *testing.T) {
	runs := &place{running: &greeting{}}
	check(t, "none", checkToken(t.Context(), &Config{}, runs))
	cfg := &Config{TokenFile: "/etc/visavis/token"}
	check(t, "there", checkToken(t.Context(), cfg, &place{}), "token.file ok")
	cfg.TokenErr = &fs.PathError{Op: "open", Path: cfg.TokenFile, Err: fs.ErrPermission}
	check(t, "of another user", checkToken(t.Context(), cfg, runs), "token.file ok")
	check(t, "closed", checkToken(t.Context(), cfg, &place{}), "token.file problem")
	cfg.TokenErr = errors.New("too short")
	check(t, "too short", checkToken(t.Context(), cfg, runs), "token.file problem")
}

func TestDataDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir: "data.writable ok", filepath.Join(dir, "a", "b"): "data.writable ok", file: "data.writable problem", filepath.Join(file, "a"): "data.writable problem",
	} {
		got := checkData(t.Context(), &Config{Data: path}, &place{})
		if brief(got)[0] != want {
			t.Errorf("%s: %q, want %s", path, brief(got), want)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
