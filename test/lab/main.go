// Command lab is the network lab for people, and for tests in other languages: it
// builds a network of namespaces, starts a server in it, and makes the lines between
// worse or better as it is told, one command a line on standard input. Each
// answer is one line that begins with "ok" or "error:". "help" lists the commands.
//
//	sudo make lab
//
// needs root, Linux, ip and nft. It ends, and takes everything away, at "quit",
// at the end of its input, and at Ctrl-C.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/visavis-call/visavis/internal/netlab"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) (err error) {
	flags := flag.NewFlagSet("lab", flag.ContinueOnError)
	binary := flags.String("bin", "bin/visavis", "the visavis `FILE` that is the server")
	bare := flags.Bool("bare", false, "begin without any node")
	check := flags.Bool("check", false, "only say whether there can be a lab here")
	script := flags.String("run", "", "read commands from this `FILE` first")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := netlab.Check(); err != nil || *check {
		return err
	}
	lab, err := netlab.New(ctx, netlab.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lab.Close()) }()
	d := &desk{lab: lab, out: out, binary: *binary}
	defer func() { err = errors.Join(err, d.close()) }()
	if !*bare {
		if err := d.welcome(ctx); err != nil {
			return err
		}
	}
	if *script != "" {
		f, err := os.Open(*script)
		if err != nil {
			return err
		}
		defer f.Close()
		if over, err := d.read(ctx, f, true); over || err != nil {
			return err
		}
	}
	_, err = d.read(ctx, in, false)
	return err
}

// read carries out line after line. A script ends at the first error; a person
// tries again.
func (d *desk) read(ctx context.Context, in io.Reader, strict bool) (over bool, err error) {
	lines := make(chan string)
	go func() { // ends with the input; at Ctrl-C with the process
		defer close(lines)
		for s := bufio.NewScanner(in); s.Scan(); {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		var line string
		var more bool
		select {
		case <-ctx.Done():
			return true, nil
		case line, more = <-lines:
		}
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		switch {
		case !more:
			return false, nil
		case len(words) == 0:
			continue
		case words[0] == "quit":
			return true, nil
		}
		if strict {
			fmt.Fprintln(d.out, ">", line)
		}
		answer, err := d.command(ctx, words[0], words[1:])
		if err != nil && strict {
			return true, fmt.Errorf("%s: %w", line, err)
		}
		if err != nil {
			answer = "error: " + strings.Join(strings.Fields(err.Error()), " ")
		} else {
			answer = strings.TrimSpace("ok " + answer)
		}
		fmt.Fprintln(d.out, answer)
	}
}

// welcome builds what a person wants to begin with.
func (d *desk) welcome(ctx context.Context) error {
	for _, line := range []string{"node server", "node host", "node guest", "server start"} {
		words := strings.Fields(line)
		if _, err := d.command(ctx, words[0], words[1:]); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
	}
	host, guest := d.lab.Node("host"), d.lab.Node("guest")
	fmt.Fprintf(d.out, `The server is %[1]s, in a network of its own. In other terminals, as root:

  ip netns exec %[2]s env SSL_CERT_FILE=%[4]s %[5]s new --server %[1]s
  ip netns exec %[2]s env SSL_CERT_FILE=%[4]s %[5]s call 'HOST LINK'
  ip netns exec %[3]s env SSL_CERT_FILE=%[4]s %[5]s call 'GUEST LINK'

or a browser on either side:

  ip netns exec %[3]s chromium --no-sandbox --ignore-certificate-errors --user-data-dir=/tmp/guest \
      --use-fake-ui-for-media-stream --use-fake-device-for-media-stream %[1]s

Now make it worse: "link host delay=50ms loss=20%%". "help" lists the commands, "quit" ends.
`, d.server.url, host.Namespace(), guest.Namespace(), d.server.cert, d.server.binary)
	return nil
}
