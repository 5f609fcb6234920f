package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestJudgeOffload(t *testing.T) {
	const all = uint64(1<<capBPF | 1<<capPerfmon | 1<<capNetAdmin)
	can := offloadFacts{release: "6.1.0-18-amd64", rights: all, known: true, interfaces: 1}
	for name, tt := range map[string]struct {
		change func(*offloadFacts)
		level  Level
		id     string
		says   string
	}{
		"it does":           {func(f *offloadFacts) { f.running, f.forwards, f.rights = true, true, 0 }, OK, "kernel.offload", "forwards"},
		"it could":          {func(*offloadFacts) {}, OK, "kernel.offload", "this shell"},
		"it does not":       {func(f *offloadFacts) { f.running = true }, Warning, "kernel.offload", "journalctl"},
		"another system":    {func(f *offloadFacts) { *f = offloadFacts{} }, Warning, "kernel.offload_version", "only Linux"},
		"old":               {func(f *offloadFacts) { f.release = "5.9.16" }, Warning, "kernel.offload_version", "5.10 or later"},
		"just new enough":   {func(f *offloadFacts) { f.release = "5.10.0" }, OK, "kernel.offload", "can"},
		"unknown":           {func(f *offloadFacts) { f.release = "next" }, OK, "kernel.offload", "can"},
		"no rights":         {func(f *offloadFacts) { f.rights, f.refused = 1<<capNetAdmin, true }, Warning, "kernel.offload_rights", "CAP_BPF, CAP_PERFMON:"},
		"no rights there":   {func(f *offloadFacts) { f.rights, f.running = all&^(1<<capNetAdmin), true }, Warning, "kernel.offload_rights", "server that runs is neither root nor has CAP_NET_ADMIN"},
		"rights not known":  {func(f *offloadFacts) { f.rights, f.known = 0, false }, OK, "kernel.offload", "can"},
		"a filter of calls": {func(f *offloadFacts) { f.refused = true }, Warning, "kernel.offload_calls", "SystemCallFilter=bpf"},
		"no interface":      {func(f *offloadFacts) { f.interfaces = 0 }, Warning, "kernel.offload_interfaces", "hardware address"},
	} {
		f := can
		tt.change(&f)
		got := judgeOffload(f)
		if len(got) != 1 || got[0].Level != tt.level || got[0].ID != tt.id || !strings.Contains(got[0].Text+" "+got[0].Remedy, tt.says) {
			t.Errorf("%s: %+v, want %s %s with %q", name, got, tt.level, tt.id, tt.says)
		}
		if (got[0].Remedy == "") != (tt.level == OK) {
			t.Errorf("%s: remedy %q", name, got[0].Remedy)
		}
	}
}

// What is read of a process is its own.
func TestOffloadFacts(t *testing.T) {
	proc := fakeProc(t, map[string]string{
		"7/status": "Name:\tvisavis\nCapPrm:\t0000000000000000\nCapEff:\t000000c000001000\nSeccomp:\t2\n", "7/fd/x": "", "8/fd/x": "",
	})
	for link, target := range map[string]string{"7/fd/3": "anon_inode:bpf-map", "7/fd/4": "anon_inode:bpf-prog", "8/fd/3": "anon_inode:bpf-map"} {
		if err := os.Symlink(target, filepath.Join(proc, link)); err != nil {
			t.Fatal(err)
		}
	}
	bits, ok := capabilities(filepath.Join(proc, "7/status"))
	if got := missingRights(offloadFacts{rights: bits, known: ok}); !ok || len(got) != 0 {
		t.Errorf("%x, %v: %v is missing", bits, ok, got)
	}
	if _, ok := capabilities(filepath.Join(proc, "8/status")); ok {
		t.Error("rights of nobody are known")
	}
	if !hasProgram(filepath.Join(proc, "7/fd")) || hasProgram(filepath.Join(proc, "8/fd")) {
		t.Error("who has a program in the kernel is not who forwards")
	}
	if got := checkOffload(t.Context(), &Config{}, &place{}); got != nil {
		t.Errorf("where it is off: %v", got)
	}
	if got := checkOffload(t.Context(), &Config{Offload: true, proc: proc}, &place{}); len(got) == 0 {
		t.Error("where it is on nothing is said")
	}
}
