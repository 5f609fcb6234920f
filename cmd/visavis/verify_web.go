package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/visavis-call/visavis/internal/bundle"
	"github.com/visavis-call/visavis/web"
)

// exitDiffers says that a server sends other code than this binary holds.
const exitDiffers = 2

// compareTimeout bounds a whole comparison.
const compareTimeout = 2 * time.Minute

type verifyWebCmd struct {
	URL  string `arg:"" help:"The server, like https://call.example.org; a link's secret part is not sent."`
	JSON bool   `name:"json" help:"Print one JSON object."`
}

// Help is shown by visavis verify-web --help.
func (*verifyWebCmd) Help() string {
	return "Asks the server for every page and file of the web app, in each form that browsers ask for, and\n" +
		"compares them byte by byte with those in this binary, and the policy that says which scripts may run.\n\n" +
		"It finds a server that sends other code to everybody. It cannot find one that sends other code to\n" +
		"you alone: for that, run the code from here (visavis ui).\n\n" +
		"Exit codes: 0 the same code; 1 the server could not be asked; 2 other code, or wrong usage."
}

// Run compares and reports.
func (c *verifyWebCmd) Run(ctx context.Context, std streams) error {
	origin, err := bundle.Origin(c.URL)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	own, err := bundle.Load(web.Dist())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, compareTimeout)
	defer cancel()
	report, err := own.Compare(ctx, &http.Client{}, origin)
	if distrusted := uncertified(err, origin); distrusted != nil {
		return distrusted
	}
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(std.out).Encode(struct {
			URL string `json:"url"`
			bundle.Report
		}{origin, report})
	} else {
		err = printReport(std.out, origin, report)
	}
	if err == nil && !report.Same {
		err = &exitError{exitDiffers, errors.New("the server sends other code than this binary holds")}
	}
	return err
}

func printReport(w io.Writer, origin string, r bundle.Report) error {
	if r.Same {
		_, err := fmt.Fprintf(w, "%s sends the code of this binary: %d files, version %s\ncode %s\n", origin, r.Files, r.Version, r.Digest)
		return err
	}
	text := ""
	words := map[bundle.Problem]string{
		bundle.ProblemMissing: "is not there",
		bundle.ProblemChanged: "has other bytes",
		bundle.ProblemPolicy:  "comes with a policy that allows other scripts",
	}
	for _, d := range r.Differences {
		text += fmt.Sprintf("%s %s (asked for as %s)\n", d.Path, words[d.Problem], d.As)
	}
	text += fmt.Sprintf("this binary: version %s, code %s\n", r.Version, r.Digest)
	switch {
	case r.ServerDigest == "":
		text += "the server names no code: it may be older than this check\n"
	case r.ServerVersion != r.Version:
		text += fmt.Sprintf("the server says: version %s, code %s. Compare with a binary of that version.\n", r.ServerVersion, r.ServerDigest)
	default:
		text += fmt.Sprintf("the server says: version %s, code %s\n", r.ServerVersion, r.ServerDigest)
	}
	_, err := io.WriteString(w, text)
	return err
}
