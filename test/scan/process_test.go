//go:build linux

package scan

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// memoryMax bounds what is read of one process.
const memoryMax = 2 << 30

// process is the real server, started as an operator starts it.
type process struct {
	url  string
	pid  int
	data string
	home string // working directory, home and temporary files
	log  string // a file
}

// startServer builds the server and starts it with its log at the most talkative
// level. It is stopped when the test ends.
func startServer(t *testing.T) *process {
	t.Helper()
	dir := t.TempDir()
	p := &process{data: filepath.Join(dir, "data"), home: filepath.Join(dir, "home"), log: filepath.Join(dir, "log")}
	program := build(t, dir)
	if err := os.Mkdir(p.home, 0o700); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	server := exec.Command(program, "serve", "--listen", "127.0.0.1:0", "--data", p.data, "--metrics", "127.0.0.1:0", "--log-level", "debug")
	server.Dir, server.Env = p.home, []string{"HOME=" + p.home, "TMPDIR=" + p.home}
	server.Stderr = log
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.stop(t, server) })
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "visavis is ready: ")
	if !ok {
		t.Fatalf("server said %q, %v", line, err)
	}
	p.url, p.pid = url, server.Process.Pid
	return p
}

func build(t *testing.T, dir string) string {
	t.Helper()
	program := filepath.Join(dir, "visavis")
	args := []string{"build", "-o", program}
	if _, err := os.Stat("../../web/dist/index.html"); err != nil {
		args = append(args, "-tags", "noweb") // the web app was not built; the rest is the same
	}
	if out, err := exec.CommandContext(t.Context(), "go", append(args, "../../cmd/visavis")...).CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return program
}

func (p *process) stop(t *testing.T, server *exec.Cmd) {
	if err := server.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("server ended with %v", err)
	}
}

// memory looks through everything the server has in memory.
func (p *process) memory(t *testing.T, f *finder) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	err := readMemory(p.pid, func(r io.Reader) error {
		found, err := f.read(r)
		for name := range found {
			all[name] = true
		}
		return err
	})
	if err != nil {
		t.Fatalf("memory of the server: %v", err)
	}
	return all
}

// disk looks through every file the server could have written.
func (p *process) disk(t *testing.T, f *finder) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	for _, dir := range []string{p.data, p.home} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			for name := range file(t, f, path) {
				all[name] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func file(t *testing.T, f *finder, path string) map[string]bool {
	t.Helper()
	r, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // a journal comes and goes
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	found, err := f.read(r)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// writableFiles lists the files that the server has open for writing.
func (p *process) writableFiles(t *testing.T) []string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", p.pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, e := range entries {
		link := filepath.Join(dir, e.Name()) // its own mode says how the file was opened (proc(5))
		info, err := os.Lstat(link)
		path, pathErr := os.Readlink(link)
		if err != nil || pathErr != nil || !filepath.IsAbs(path) || path == os.DevNull {
			continue // closed meanwhile, or no file
		}
		if info.Mode().Perm()&0o200 != 0 {
			files = append(files, path)
		}
	}
	return files
}

// readMemory gives visit each mapping of a process that holds anything.
func readMemory(pid int, visit func(io.Reader) error) error {
	maps, err := mappings(pid)
	if err != nil {
		return err
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		return err
	}
	defer memory.Close()
	total := int64(0)
	for _, m := range maps {
		if total += m.size; total > memoryMax {
			return fmt.Errorf("more than %d bytes to read", memoryMax)
		}
		if err := visit(io.NewSectionReader(memory, m.start, m.size)); err != nil {
			return fmt.Errorf("%s: %w", m.line, err)
		}
	}
	return nil
}

type mapping struct {
	start, size int64
	line        string
}

// mappings parses smaps (proc(5)): a line with addresses and rights, followed by
// lines of figures. What is neither in memory nor swapped out holds nothing.
// Mappings of many gigabytes are address space that the race detector or the
// runtime reserves for itself.
func mappings(pid int) ([]mapping, error) {
	const reserved = 8 << 30
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		return nil, err
	}
	var all []mapping
	var current mapping
	readable := false
	for line := range bytes.Lines(b) {
		var start, end, kilobytes int64
		var rights string
		if n, _ := fmt.Sscanf(string(line), "%x-%x %s", &start, &end, &rights); n == 3 {
			current = mapping{start, end - start, string(bytes.TrimSpace(line))}
			kernel := bytes.Contains(line, []byte("[v")) // vdso and its data: the kernel's
			readable = rights[0] == 'r' && !kernel && current.size < reserved
			continue
		}
		for _, figure := range []string{"Rss: %d kB", "Swap: %d kB"} {
			if n, _ := fmt.Sscanf(string(line), figure, &kilobytes); n == 1 && kilobytes > 0 && readable {
				all = append(all, current)
				readable = false // once is enough
			}
		}
	}
	return all, nil
}
