package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
	"github.com/visavis-call/visavis/protocol/sealed"
)

type newCmd struct {
	Server        string `default:"http://localhost:8080" placeholder:"URL" env:"VISAVIS_SERVER" help:"Server to make the call at (default ${default})."`
	Password      string `placeholder:"PW" help:"The guest has to know this password. It shows in the list of processes; prefer --password-file."`
	PasswordFile  string `placeholder:"FILE" help:"Read the password from the first line of this file; - is standard input."`
	NoWaitingRoom bool   `help:"Let the first visitor in without a knock to answer."`
	Limit         span   `placeholder:"30m" help:"End the call this long after the guest was admitted, like 30m."`
	TTL           days   `name:"ttl" default:"7d" placeholder:"7d" help:"How long the links work, at most 90d (default ${default})."`
	Title         string `placeholder:"T" help:"What the call is about; the guest sees it."`
	RelayOnly     bool   `help:"Send media through the server only: neither side learns the other's address."`
	RequireSFrame bool   `name:"require-sframe" help:"Refuse a guest whose program cannot encrypt picture and sound under the keys of the handshake (post-quantum)."`
	TokenFile     string `placeholder:"FILE" help:"Token of a server whose operator asks for one to make calls."`
	JSON          bool   `name:"json" help:"Print one JSON object: host, guest, expires_ms, call."`
}

// Help is shown by visavis new --help.
func (*newCmd) Help() string {
	return `Prints two links. Give the guest link to the other person; keep the host link: whoever has it
is the host. The links carry the keys behind the #, which no server ever sees.

Waiting room, limit, title and password are the host's business and are enforced by the host,
not by the server. Open the host link in a browser, or pass the same flags to visavis call,
as the printed command does. The links work until they expire or the host ends the call; with
visavis call HOSTLINK --one-time they stop working once a call has taken place.

Exit codes: 0 made, 1 failed, 2 wrong usage, 6 the server cannot be reached.`
}

// newReport is the object that --json prints.
type newReport struct {
	Host      string   `json:"host"`
	Guest     string   `json:"guest"`
	ExpiresMS int64    `json:"expires_ms"`
	Call      []string `json:"call"` // arguments of visavis that take the host's seat
}

// Run makes a call at the server.
func (n *newCmd) Run(ctx context.Context, std streams) error {
	origin, err := parseOrigin(n.Server)
	if err != nil {
		return usage(err)
	}
	if n.Limit < 0 || n.Limit > 0 && time.Duration(n.Limit) < time.Second {
		return usage(fmt.Errorf("--limit %v: want at least 1s", time.Duration(n.Limit)))
	}
	ttl := time.Duration(n.TTL)
	if ttl < time.Minute || ttl.Milliseconds() > protocol.LimitTTLMS {
		return usage(fmt.Errorf("--ttl %v: want 1m to 90d", n.TTL))
	}
	if len([]rune(n.Title)) > sealed.LimitTitle {
		return usage(fmt.Errorf("--title: at most %d characters", sealed.LimitTitle))
	}
	var flags e2ee.Flags
	if n.RelayOnly {
		flags |= e2ee.FlagRelayOnly
	}
	if n.RequireSFrame {
		flags |= e2ee.FlagSFrameRequired
	}
	password, err := readPassword(n.Password, n.PasswordFile, std.in)
	if err != nil {
		return usage(err)
	}
	if password != "" {
		flags |= e2ee.FlagPassword
		if _, err := e2ee.CanonicalPassword(password); err != nil {
			return usage(errorOf(err, "the password"))
		}
	}
	token, err := readSecretFile(n.TokenFile, std.in)
	if err != nil {
		return usage(fmt.Errorf("--token-file: %w", err))
	}
	link, err := e2ee.NewLink(nil, flags)
	if err != nil {
		return err
	}
	expires, err := peer.Register(ctx, peer.Registration{Link: link, Origin: origin, TTL: ttl, Token: token})
	if err != nil {
		return unregistered(err, origin, token)
	}
	return n.print(std.out, newReport{
		Host:      link.URL(origin),
		Guest:     link.Guest().URL(origin),
		ExpiresMS: expires.UnixMilli(),
		Call:      n.callArgs(link.URL(origin)),
	})
}

// callArgs is how to take the host's seat with the same choices. A password is
// never repeated: it would stand in the shell's history once more.
func (n *newCmd) callArgs(host string) []string {
	args := []string{"call", host}
	if n.PasswordFile != "" && n.PasswordFile != "-" {
		args = append(args, "--password-file", n.PasswordFile)
	}
	if n.NoWaitingRoom {
		args = append(args, "--no-waiting-room")
	}
	if n.Limit > 0 {
		args = append(args, "--limit", time.Duration(n.Limit).String())
	}
	if n.Title != "" {
		args = append(args, "--title", n.Title)
	}
	return args
}

func (n *newCmd) print(out io.Writer, r newReport) error {
	if n.JSON {
		return json.NewEncoder(out).Encode(r)
	}
	quoted := make([]string, len(r.Call))
	for i, a := range r.Call {
		quoted[i] = shellQuote(a)
	}
	_, err := fmt.Fprintf(out, `Guest link, for the other person:
  %s
Host link, for you alone:
  %s
Both work until %s. Open yours in a browser, or answer from here:
  %s %s
`, r.Guest, r.Host, time.UnixMilli(r.ExpiresMS).Format("2006-01-02 15:04"), shellQuote(os.Args[0]), strings.Join(quoted, " "))
	return err
}

// shellQuote makes a copied command mean what it says in any POSIX shell.
func shellQuote(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// span is a duration whose mistakes are explained.
type span time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *span) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q: want a number with its unit, like 60s, 30m or 1h", text)
	}
	*s = span(v)
	return nil
}

// days is a duration that may also be given in days, like 7d.
type days time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *days) UnmarshalText(text []byte) error {
	s := string(text)
	if count, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(count, 10, 16)
		if err != nil {
			return fmt.Errorf("%q is not a number of days", s)
		}
		*d = days(time.Duration(n) * 24 * time.Hour)
		return nil
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%q: want something like 7d, 12h or 90m", s)
	}
	*d = days(v)
	return nil
}

func (d days) String() string { return time.Duration(d).String() }
