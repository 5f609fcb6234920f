// Command attacks tries every attack of the table and prints what came of it.
// It exits with 1 if anything differs from what has to come. Run it in the root
// of the repository; VISAVIS_ATTACKS=long makes the long ones long.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"

	"github.com/visavis-call/visavis/test/hostile"
)

// missed is what an attack came to if its test did not pass and said nothing.
const missed = "not as expected: see"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "attacks:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	only := os.Args[1:] // ids; none: all
	rows := chosen(hostile.Attacks(), only)
	results := outcomes{}
	for _, pkg := range places(rows, hostile.Go) {
		runGo(ctx, pkg, rows, results)
	}
	for _, file := range places(rows, hostile.Vitest) {
		runVitest(ctx, file, results)
	}
	if files := places(rows, hostile.Playwright); len(files) > 0 {
		runPlaywright(ctx, files, rows, results)
	}
	good, err := report(rows, results)
	if err != nil {
		return err
	}
	last, err := json.Marshal(struct {
		Attacks    int `json:"attacks"`
		AsExpected int `json:"as_expected"`
	}{len(rows), good})
	if err != nil {
		return err
	}
	fmt.Println(string(last))
	if good != len(rows) {
		return fmt.Errorf("%d of %d attacks did not end as they have to", len(rows)-good, len(rows))
	}
	return nil
}

func chosen(all []hostile.Attack, ids []string) []hostile.Attack {
	if len(ids) == 0 {
		return all
	}
	var out []hostile.Attack
	for _, a := range all {
		for _, id := range ids {
			if strings.EqualFold(a.ID, id) {
				out = append(out, a)
			}
		}
	}
	return out
}

func report(rows []hostile.Attack, results outcomes) (good int, err error) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	if _, err := fmt.Fprintln(w, "id\tagainst\tattack\texpected\tgot"); err != nil {
		return 0, err
	}
	for _, a := range rows {
		got := results.of(a)
		if got == a.Expected {
			good++
		}
		if _, err := fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", a.ID, a.Against, a.Does, a.Expected, got); err != nil {
			return 0, err
		}
	}
	return good, w.Flush()
}

// outcomes are by proof; a test that says what came of an attack does so by id.
type outcomes map[hostile.Proof]outcome

type outcome struct {
	passed bool
	said   map[string]string // by id of the attack
}

// of is what an attack came to: as expected if all its proofs say so.
func (o outcomes) of(a hostile.Attack) string {
	for _, p := range a.Proofs {
		r, ran := o[p]
		said := r.said[a.ID]
		switch {
		case !ran:
			return "not run: " + p.Test
		case said != "" && said != a.Expected:
			return said
		case !r.passed:
			return missed + " " + p.Test
		}
	}
	return a.Expected
}
