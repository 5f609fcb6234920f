package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/visavis-call/visavis/e2ee"
	"github.com/visavis-call/visavis/peer"
	"github.com/visavis-call/visavis/protocol"
)

// Exit codes of visavis call and visavis new beyond the common ones.
const (
	exitPassword    = 3
	exitRefused     = 4
	exitGone        = 5
	exitUnreachable = 6
	exitInsecure    = 7
	exitFiles       = 8
)

const wrongPassword = protocol.ErrorCodeConfirm

func usage(err error) error { return &exitError{exitUsage, err} }

// explanation says what happened, on whose side, and what to do. It is for
// people; machines get the code.
func explanation(code protocol.ErrorCode) (text string, exit int) {
	switch code {
	case protocol.ErrorCodeVersion:
		return "this link needs a newer visavis; update and try again", exitUsage
	case protocol.ErrorCodeParse:
		return "the link is damaged or incomplete; copy it again, whole and in quotes", exitUsage
	case protocol.ErrorCodePasswordForm:
		return "the password must have 1 to 256 bytes of text", exitUsage
	case protocol.ErrorCodePWRequired:
		return "this call has a password; give it with --password-file", exitPassword
	case protocol.ErrorCodeConfirm:
		return "the password is wrong; check it with the host. Without a password this means that the link was altered: get it again by another way", exitPassword
	case protocol.ErrorCodeLocked:
		return "the call is locked, after too many wrong passwords or by the host; ask the host to unlock it", exitPassword
	case protocol.ErrorCodeBusy:
		return "two people are already in this call; ask the host for a link of your own", exitRefused
	case protocol.ErrorCodeDenied:
		return "the host did not let you in; talk to the host before you try again", exitRefused
	case protocol.ErrorCodeGone:
		return "the call was ended or its link has expired; ask for a new link", exitGone
	case protocol.ErrorCodeReplaced:
		return "the host link was opened somewhere else; that one has the call now", exitFailed
	case protocol.ErrorCodeAuth:
		return "the server does not know this call, or asks for a token; make the call again with visavis new", exitFailed
	case protocol.ErrorCodeRate:
		return "the server was asked too often; wait a minute", exitFailed
	case protocol.ErrorCodeTimeout:
		return "no connection to the other side; try again, with --relay-only if the network is strict", exitFailed
	case protocol.ErrorCodePolicy:
		return "one side demands what the other cannot do; both need a client of the same kind", exitFailed
	case protocol.ErrorCodeSASDiffer:
		return "the verification words differ: somebody may sit between you. Get a new link by another way", exitInsecure
	case protocol.ErrorCodeHostKey, protocol.ErrorCodeHostSig, protocol.ErrorCodePoint, protocol.ErrorCodeKEM,
		protocol.ErrorCodeCommit, protocol.ErrorCodeEpoch, protocol.ErrorCodeSDP, protocol.ErrorCodeDTLSFP,
		protocol.ErrorCodeBind, protocol.ErrorCodeSFrame:
		return "a check of the encryption failed, so the call was stopped; the server or the other side is not what it says it is", exitInsecure
	}
	return "the call failed", exitFailed
}

var errNoCall = errors.New("no call took place")

// outcome is what the end of a call means for the exit code. held says that the
// two were connected, or that the host has ended the call as it wanted to.
func outcome(e peer.Ended, origin string, held bool) error {
	if e.Code != "" {
		return coded(e.Code, e.Err)
	}
	if e.Reason == peer.EndError {
		return explained(e.Err, origin)
	}
	if !held {
		return errNoCall
	}
	return nil
}

func coded(code protocol.ErrorCode, err error) error {
	text, exit := explanation(code)
	if wire, ok := errors.AsType[*protocol.WireError](err); ok && code == protocol.ErrorCodeDenied && wire.Detail != "" {
		text += ". The host says: " + wire.Detail
	}
	return &exitError{exit, &problem{text, code}}
}

// problem is an explained failure. It keeps its code for machines.
type problem struct {
	text string
	code protocol.ErrorCode
}

func (p *problem) Error() string { return fmt.Sprintf("%s (%s)", p.text, p.code) }
func (p *problem) Unwrap() error { return &protocol.WireError{Code: p.code} }

// unregistered explains why a call could not be made. It is not told to make another.
func unregistered(err error, origin, token string) error {
	code := codeIn(err)
	if code != protocol.ErrorCodeAuth {
		return explained(err, origin)
	}
	if token != "" {
		return &exitError{exitFailed, &problem{"the server does not accept this token for making calls; ask its operator, and check the file of --token-file", code}}
	}
	return &exitError{exitFailed, &problem{"the server asks for a token to make calls; give it with --token-file", code}}
}

// printable is text as a terminal may have it. Others have a hand in it: names in a
// certificate, for one, may be sequences that write over what was said before.
func printable(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = peer.CleanLine(line)
	}
	return strings.Join(lines, "\n")
}

// explained turns an error of the library into one for people. Errors without a
// code come from the network.
func explained(err error, origin string) error {
	if code := codeIn(err); code != "" {
		return coded(code, err)
	}
	if moved, ok := errors.AsType[*peer.RedirectError](err); ok && moved.Origin != origin {
		return &exitError{exitUnreachable, fmt.Errorf("%s leads to %s: use that address, in links too", origin, moved.Origin)}
	}
	if errors.Is(err, peer.ErrFamily) {
		return &exitError{exitUnreachable, fmt.Errorf("%s: %w; does its name have such an address (A, AAAA), and this machine one, too?", origin, err)}
	}
	if distrusted := uncertified(err, origin); distrusted != nil {
		return &exitError{exitUnreachable, distrusted}
	}
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" { // crypto/tls: an alert of the server
		return &exitError{exitUnreachable, fmt.Errorf("%s refuses TLS: %w; perhaps it has no certificate yet, or none for this name: its log says why", origin, alert.Err)}
	}
	if strings.HasPrefix(origin, "https:") && (errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF)) {
		return &exitError{exitUnreachable, fmt.Errorf("no TLS comes about with %s: %w; if the server has no certificate, its address begins with http://", origin, err)}
	}
	return &exitError{exitUnreachable, fmt.Errorf("no visavis server answers at %s; check the address and that it runs: %w", origin, err)}
}

// uncertified says what to do about a certificate, if that is what err is about.
func uncertified(err error, origin string) error {
	distrusted, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok {
		return nil
	}
	return fmt.Errorf("the certificate of %s is not accepted: %w; if its authority is one of your own, put SSL_CERT_FILE=ca.pem before the command", origin, distrusted.Err)
}

func codeIn(err error) protocol.ErrorCode {
	if wire, ok := errors.AsType[*protocol.WireError](err); ok {
		return wire.Code
	}
	return protocol.ErrorCode(e2ee.CodeOf(err))
}

// errorOf explains an error about what the user gave.
func errorOf(err error, what string) error {
	if code := codeIn(err); code != "" {
		return coded(code, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// shortestCode is less than any code has; a shorter word is no link of a later
// version but a mistake.
const shortestCode = 40

// parseLink takes a whole link, or what follows its # together with the server.
func parseLink(s, server string) (origin string, link e2ee.Link, err error) {
	if strings.Contains(s, "/") || len(s) < shortestCode {
		origin, link, err = e2ee.ParseURL(s)
	} else {
		if origin, err = parseOrigin(server); err != nil {
			return "", e2ee.Link{}, usage(err)
		}
		link, err = e2ee.ParseFragment(s)
	}
	if err != nil {
		return "", e2ee.Link{}, coded(codeIn(err), err)
	}
	return origin, link, nil
}

// parseOrigin accepts scheme://host[:port] with or without a slash at the end.
func parseOrigin(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" {
		return "", fmt.Errorf("--server %q: want http://HOST or https://HOST", s)
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

func readPassword(given, file string, in io.Reader) (string, error) {
	if given != "" && file != "" {
		return "", errors.New("--password and --password-file: give one of them")
	}
	if given != "" {
		return given, nil
	}
	password, err := readSecretFile(file, in)
	if err != nil {
		return "", fmt.Errorf("--password-file: %w", err)
	}
	return password, nil
}

// readSecretFile returns the first line of a file, "" for no file.
func readSecretFile(file string, in io.Reader) (string, error) {
	if file == "" {
		return "", nil
	}
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", err
		}
		defer f.Close()
		in = f
	}
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read %s: %w", file, err)
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", fmt.Errorf("%s: the first line is empty", file)
	}
	return line, nil
}
