// Command visavis is the one binary of visavis: the server, and a call from the
// terminal. Each subcommand has a file of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes of every subcommand; further ones are in its help.
const (
	exitOK     = 0
	exitFailed = 1 // the thing that was asked for failed
	exitUsage  = 2 // the command line is wrong
)

// commands is the command line: one field per subcommand.
type commands struct {
	Serve     serveCmd     `cmd:"" help:"Run the server: web app, signaling and relay on one port."`
	New       newCmd       `cmd:"" help:"Make a call; prints the host's link and the guest's."`
	Call      callCmd      `cmd:"" help:"Take part in a call from the terminal."`
	Doctor    doctorCmd    `cmd:"" help:"Find what keeps a server from being reached and used."`
	Probe     probeCmd     `cmd:"" help:"Place a real call through a server, over each transport, and measure it."`
	UI        uiCmd        `cmd:"" name:"ui" help:"Open the web app from this binary instead of from a server."`
	VerifyWeb verifyWebCmd `cmd:"" help:"Compare the code that a server sends with the code in this binary."`
	Bench     benchCmd     `cmd:"" help:"Measure what this server costs on this machine, beside others."`
	Version   versionCmd   `cmd:"" help:"Print the version, and which web app is inside."`
}

// streams are where a command reads and writes; tests give their own.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// exitError ends the process with a code of the command's own.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// secretPart is that of a link.
var secretPart = regexp.MustCompile(`#[A-Za-z0-9_-]{16,}`)

// withoutLinks is text that may be kept: a link given in the wrong place would stand in
// the mail of a timer or in somebody's log.
func withoutLinks(text string) string { return secretPart.ReplaceAllString(text, "#…") }

// customary takes what other programs take: --version, and help COMMAND.
func customary(args []string) []string {
	switch {
	case len(args) == 1 && args[0] == "--version":
		return []string{"version"}
	case len(args) > 0 && args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	}
	return args
}

// run is main without the process: arguments in, exit code out. Commands get a
// context that a first SIGINT or SIGTERM cancels, and the streams.
func run(ctx context.Context, args []string, std streams) (code int) {
	var exited *int // kong's way out of --help
	parser, err := kong.New(&commands{},
		kong.Name("visavis"),
		kong.Description("End-to-end encrypted video calls for exactly two people."),
		kong.Writers(std.out, std.err),
		kong.Exit(func(c int) { exited = &c }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(std),
	)
	if err != nil {
		panic(err) // the structs above are wrong: cannot happen in a build that passed its tests
	}
	parsed, err := parser.Parse(customary(args))
	if exited != nil {
		return *exited
	}
	if err != nil {
		help := "visavis"
		if e, ok := errors.AsType[*kong.ParseError](err); ok {
			if at := e.Context.Selected(); at != nil {
				help = at.FullPath()
			}
		}
		// kong's word for the end of the line
		text := strings.Replace(err.Error(), `expected string value but got "EOL" (<EOL>)`, "a value is missing", 1)
		fmt.Fprintf(std.err, "visavis: %s\nRun %s --help.\n", withoutLinks(text), help)
		return exitUsage
	}
	if err := parsed.Run(); err != nil {
		fmt.Fprintf(std.err, "visavis: %s\n", printable(withoutLinks(err.Error())))
		if e, ok := errors.AsType[*exitError](err); ok {
			return e.code
		}
		return exitFailed
	}
	return exitOK
}
