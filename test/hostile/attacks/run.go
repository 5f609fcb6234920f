package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/visavis-call/visavis/test/hostile"
)

// places are the packages or files in which a runner's proofs are.
func places(rows []hostile.Attack, runner hostile.Runner) []string {
	var out []string
	for _, p := range proofs(rows) {
		if p.Runner == runner && !slices.Contains(out, p.Where) {
			out = append(out, p.Where)
		}
	}
	return out
}

func proofs(rows []hostile.Attack) (out []hostile.Proof) {
	for _, a := range rows {
		out = append(out, a.Proofs...)
	}
	return out
}

// runGo runs the tests of one package, once each.
func runGo(ctx context.Context, pkg string, rows []hostile.Attack, results outcomes) {
	var names []string
	for _, p := range proofs(rows) {
		if p.Runner == hostile.Go && p.Where == pkg && !slices.Contains(names, p.Test) {
			names = append(names, p.Test)
		}
	}
	fmt.Fprintf(os.Stderr, "%s: %d tests\n", pkg, len(names))
	cmd := exec.CommandContext(ctx, "go", "test", "-json", "-count=1", "-timeout=60m", "-run", "^("+strings.Join(names, "|")+")$", pkg) //nolint:gosec // names are of the table
	out, err := cmd.Output()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", pkg, err) // the rows say which
	}
	said := regexp.MustCompile(`attack (\w+) got: (.*)`)
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e struct{ Action, Test, Output string }
		if json.Unmarshal(lines.Bytes(), &e) != nil || e.Test == "" {
			continue
		}
		name, _, isPart := strings.Cut(e.Test, "/")
		proof := hostile.Proof{Runner: hostile.Go, Where: pkg, Test: name}
		r := results[proof]
		if m := said.FindStringSubmatch(e.Output); m != nil {
			if r.said == nil {
				r.said = map[string]string{}
			}
			if a, ok := hostile.Find(m[1]); !ok || r.said[m[1]] == "" || m[2] != a.Expected { // a bad one stays
				r.said[m[1]] = m[2]
			}
		}
		switch {
		case e.Action == "fail" && strings.TrimSpace(e.Output) == "":
			fmt.Fprintf(os.Stderr, "%s: %s failed\n", pkg, e.Test)
		case e.Action == "pass" && !isPart:
			r.passed = true
		}
		results[proof] = r
	}
}

// runVitest runs one file; its proof has no title: all of it has to pass.
func runVitest(ctx context.Context, file string, results outcomes) {
	fmt.Fprintln(os.Stderr, file)
	cmd := exec.CommandContext(ctx, "npx", "vitest", "run", file) //nolint:gosec // of the table
	cmd.Dir, cmd.Stderr = "web", os.Stderr
	err := cmd.Run()
	results[hostile.Proof{Runner: hostile.Vitest, Where: file}] = outcome{passed: err == nil}
}

// suite is what Playwright's JSON reporter writes.
type suite struct {
	File   string
	Suites []suite
	Specs  []struct {
		Title string
		OK    bool // also if it was skipped
		Tests []struct{ Status string }
	}
}

func runPlaywright(ctx context.Context, files []string, rows []hostile.Attack, results outcomes) {
	fmt.Fprintf(os.Stderr, "browser: %s\n", strings.Join(files, " "))
	var titles []string
	for _, p := range proofs(rows) {
		if p.Runner == hostile.Playwright {
			titles = append(titles, regexp.QuoteMeta(p.Test))
		}
	}
	args := []string{"playwright", "test", "--reporter=json", "--grep", strings.Join(titles, "|")}
	cmd := exec.CommandContext(ctx, "npx", append(args, files...)...) //nolint:gosec // of the table
	cmd.Dir, cmd.Stderr = "web", os.Stderr
	out, err := cmd.Output()
	if err != nil {
		fmt.Fprintf(os.Stderr, "browser: %v\n", err) // the rows say which
	}
	var all suite
	if err := json.Unmarshal(out, &all); err != nil {
		fmt.Fprintf(os.Stderr, "browser: report: %v\n", err)
		return
	}
	for _, p := range proofs(rows) {
		if p.Runner == hostile.Playwright {
			if ok, ran := all.find(p); ran {
				results[p] = outcome{passed: ok}
			}
		}
	}
}

// find says whether all tests whose titles begin as the proof's does have passed.
func (s suite) find(p hostile.Proof) (ok, ran bool) {
	ok = true
	for _, spec := range s.Specs {
		if strings.HasSuffix(p.Where, s.File) && strings.HasPrefix(spec.Title, p.Test) {
			ok, ran = ok && spec.OK, true
			for _, t := range spec.Tests {
				ok = ok && t.Status != "skipped"
			}
		}
	}
	for _, inner := range s.Suites {
		if inner.File == "" {
			inner.File = s.File
		}
		innerOK, innerRan := inner.find(p)
		ok, ran = ok && innerOK, ran || innerRan
	}
	return ok, ran
}
