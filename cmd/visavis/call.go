package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/internal/mediafile"
	"github.com/visavis-call/visavis/peer"
)

type callCmd struct {
	Link           string   `arg:"" help:"Host link or guest link, in quotes: a shell would take # for a comment. Or only what follows the #."`
	Server         string   `default:"http://localhost:8080" placeholder:"URL" env:"VISAVIS_SERVER" help:"Server of a link that is given without one (default ${default})."`
	Video          string   `placeholder:"F.ivf" help:"Send this video, VP8 or VP9 in IVF, in a loop (default: a test picture)."`
	Audio          string   `placeholder:"F.ogg" help:"Send this sound, Opus in Ogg, in a loop (default: a tone)."`
	Record         string   `placeholder:"OUT.webm" help:"Write the camera and the voice of the other side to this new file, not what it shares of its screen. The other side is told; ask first all the same."`
	Send           []string `placeholder:"FILE" sep:"none" help:"Offer this file once the call is connected; may be given several times."`
	Save           string   `placeholder:"DIR" help:"Put files of the other side into this directory, each after a question. Nothing there is overwritten. Without it files are declined."`
	AcceptFiles    bool     `help:"Take files without a question. Only with --save."`
	AcceptLimit    size     `default:"2G" placeholder:"SIZE" help:"With --accept-files: at most this much in all, like 100M (default ${default})."`
	Duration       span     `placeholder:"60s" help:"Hang up this long after the call is connected, like 60s, 5m or 1h."`
	JSON           bool     `name:"json" help:"Print events as JSON lines; the last one has type ended."`
	Admit          string   `enum:"ask,first" default:"ask" placeholder:"ask|first" help:"Host: ask for each visitor, to be answered y or n on standard input, or let the first one in (default ${default})."`
	NoWaitingRoom  bool     `help:"The same as --admit first."`
	Limit          span     `placeholder:"30m" help:"Host: end the call this long after the guest was admitted, like 30m."`
	OneTime        bool     `help:"Host: the links stop working once the call has taken place."`
	Title          string   `placeholder:"T" help:"Host: what the call is about."`
	Password       string   `placeholder:"PW" help:"Password of the call. It shows in the list of processes; prefer --password-file."`
	PasswordFile   string   `placeholder:"FILE" help:"Read the password from the first line of this file; - is standard input."`
	Name           string   `placeholder:"N" help:"Your name, as the other side sees it (default: the login name)."`
	Note           string   `placeholder:"TEXT" help:"Guest: say this when knocking."`
	RelayOnly      bool     `help:"Send media through the server only: the other side does not learn your address."`
	RelayTransport string   `enum:",udp,tcp,tls" default:"" placeholder:"udp|tcp|tls" help:"Use only this transport to the relay, to test it."`
	LAN            bool     `name:"lan" help:"Let the other side name link-local addresses. Loopback is allowed only if the server itself is on it."`
}

// Help is shown by visavis call --help.
func (*callCmd) Help() string {
	return `Takes part in a call: as its host with the host link, as its guest with the guest link. Read the
verification words to each other: if they are the same, nobody sits between you.

While it runs, a line on standard input is
  y, n, h TEXT     host: let the visitor in, send them away, ask them to wait
  /match, /differ  what you say about the verification words; differ ends the call
  /mute, /unmute   stop and go on sending sound
  /more            host: unlock after too many wrong passwords
  /send FILE       offer a file
  /accept, /decline [N]  answer the oldest offer, or that of file number N
  /cancel [N]      stop a file, of either side
  /end             host: end the call for good, its links stop working
  /leave           hang up (as Ctrl-C does)
and anything else is a chat message; one that begins with / is sent with // in front. From a pipe,
a command acts at once; an answer waits for the knock, the words or the file it answers, and chat and
/send wait for the call.

With --json each line is an object with a type: phase, hello, knock, knock_gone, held, words, frames,
password_wrong, live, state, track, chat, chat_delivered, cue, verified, signaling, rekeyed, and of files
  {"type":"file","id":…,"mine":…,"name":…,"size":…,"can_run":…}
  {"type":"file_progress","id":…,"done":…,"size":…}
  {"type":"file_ended","id":…,"mine":…,"name":…,"reason":…,"problem":…,"path":…}
whose id takes the place of N in a command. reason: done, declined, canceled, too-large, busy, failed,
damaged; problem, on this side: "", no-space, write, read, rules, call-over. The last line is
  {"type":"ended","reason":…,"code":…,"path":"direct"|"relayed"|null,
   "over":"udp"|"tcp"|"tls","family":4|6,"words":[5 names],"digits":…,
   "duration_ms":…,"setup_ms":…,"video_frames_received":…,"audio_packets_received":…,
   "screen_frames_received":…,"quality":…}
reason: hangup, peer-hangup, removed, refused, limit, differ, expired, replaced, error.
over is how this side's part of the path travels: to the other side if it is direct, else to the
relay; family is that of a direct path. live has them too. duration_ms counts from admission, setup_ms from admission to the first media packet.

Exit codes: 0 the call took place and ended by a person, the limit or --duration, or /end; 1 failed,
or no call took place; 2 wrong usage, a damaged link included; 3 wrong password, or too many of them; 4 refused, busy or
removed; 5 the link has expired or the call was ended; 6 the server cannot be reached;
7 the words differ or a check of the encryption failed;
8 the call was fine, but a file that was sent or accepted did not arrive whole.`
}

// Run takes part until the call ends.
func (c *callCmd) Run(ctx context.Context, std streams) error {
	out := c.screen(std)
	origin, link, err := parseLink(c.Link, c.Server)
	if err != nil {
		return out.failed(err)
	}
	if c.Duration < 0 || c.Limit < 0 || c.Limit > 0 && time.Duration(c.Limit) < time.Second {
		return out.failed(usage(errors.New("--duration and --limit: want at least 1s")))
	}
	if err := c.misplaced(link.Host()); err != nil {
		return out.failed(usage(err))
	}
	cfg := peer.Config{
		Link: link, Origin: origin,
		Name: c.name(), Note: c.Note, Title: c.Title,
		OpenDoor: !c.asks(), Limit: time.Duration(c.Limit), OneTime: c.OneTime,
		RelayOnly: c.RelayOnly, RelayTransport: peer.RelayTransport(c.RelayTransport), LAN: c.LAN,
	}
	if cfg.Password, err = c.password(link, std); err != nil {
		return out.failed(err)
	}
	files, err := c.open(&cfg)
	if err != nil {
		return out.failed(usage(err))
	}
	defer func() {
		if err := files.Close(); err != nil {
			fmt.Fprintf(std.err, "visavis: close files: %v\n", err)
		}
	}()
	call, err := peer.Start(ctx, cfg)
	if err != nil {
		return out.failed(errorOf(err, "the password"))
	}
	r := &callRun{call: call, out: out, std: std, cfg: cfg, duration: time.Duration(c.Duration), ask: !cfg.OpenDoor}
	r.files.queue = c.Send
	return r.loop(ctx)
}

// misplaced finds a flag of the other seat: without effect it would promise what does
// not happen.
func (c *callCmd) misplaced(host bool) error {
	if host && c.Note != "" {
		return errors.New("--note is the guest's, and this is the host link")
	}
	for flag, given := range map[string]bool{
		"--admit": c.Admit == "first", "--no-waiting-room": c.NoWaitingRoom, "--limit": c.Limit > 0, "--one-time": c.OneTime, "--title": c.Title != "",
	} {
		if given && !host {
			return fmt.Errorf("%s is the host's, and this is the guest link", flag)
		}
	}
	return nil
}

func (c *callCmd) screen(std streams) screen {
	if c.JSON {
		return jsonScreen{std.out}
	}
	return textScreen{std.out, c.asks()}
}

// asks reports whether each visitor is a question.
func (c *callCmd) asks() bool { return c.Admit == "ask" && !c.NoWaitingRoom }

func (c *callCmd) name() string {
	if c.Name != "" {
		return c.Name
	}
	return os.Getenv("USER")
}

// password reads what the flags say, or asks a guest at a terminal.
func (c *callCmd) password(link e2ee.Link, std streams) (string, error) {
	password, err := readPassword(c.Password, c.PasswordFile, std.in)
	if err != nil {
		return "", usage(err)
	}
	switch {
	case password != "" && link.Flags()&e2ee.FlagPassword == 0:
		return "", usage(errors.New("this call has no password; leave --password and --password-file out"))
	case password != "" || link.Flags()&e2ee.FlagPassword == 0:
		return password, nil
	}
	if password, err = askPassword(std); err != nil {
		return "", err
	}
	return password, nil
}

// askPassword reads a password from the terminal without showing it.
func askPassword(std streams) (string, error) {
	f, ok := std.in.(*os.File)
	if !ok || !isTerminal(f) {
		return "", usage(errors.New("this call has a password: give it with --password-file"))
	}
	fmt.Fprint(std.err, "Password of the call: ")
	raw, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(std.err)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return string(raw), nil
}

// open opens the files of the flags and puts them into cfg.
func (c *callCmd) open(cfg *peer.Config) (closers, error) {
	var files closers
	fail := func(err error) (closers, error) { return nil, errors.Join(err, files.Close()) }
	video, err := openOr(c.Video, mediafile.OpenIVF, mediafile.Pattern)
	if err != nil {
		return fail(err)
	}
	files = append(files, video)
	audio, err := openOr(c.Audio, mediafile.OpenOgg, mediafile.Tone)
	if err != nil {
		return fail(err)
	}
	files = append(files, audio)
	cfg.Video, cfg.Audio = videoSource{video}, audioSource{audio}
	if c.Record != "" {
		to, err := newRecorder(c.Record)
		if err != nil {
			return fail(err)
		}
		files = append(files, to)
		cfg.Sink, cfg.Recording = to, true
	}
	folder, err := c.openFolder(cfg)
	if err != nil {
		return fail(err)
	}
	return append(files, folder...), nil
}

func openOr[F any](path string, open func(string) (F, error), builtin func() (F, error)) (F, error) {
	if path == "" {
		return builtin()
	}
	return open(path)
}

type closers []io.Closer

func (cs closers) Close() error {
	var errs []error
	for _, c := range cs {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
