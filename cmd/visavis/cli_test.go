package main

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/visavis-call/visavis/internal/testkit"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"visavis": main})
}

// TestCommandLine runs testdata/*.txtar, which read as a manual. $SERVER is a
// server that runs; $TLS_SERVER has a certificate that the programs trust, and asks
// for the token 0123456789abcdef; $NOWHERE is an address where none runs.
func TestCommandLine(t *testing.T) {
	s := testkit.StartServer(t)
	cert, key := certificate(t, time.Hour)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	secure := startServe(t, "--data", t.TempDir(), "--metrics", "", "--tls-cert", cert, "--tls-key", key, "--token-file", token)
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("SERVER", s.Origin)
			env.Setenv("TLS_SERVER", secure.url)
			env.Setenv("TLS_ADDRESS", strings.TrimPrefix(secure.url, "https://"))
			env.Setenv("CERT", cert)
			env.Setenv("KEY", key)
			env.Setenv("SSL_CERT_FILE", cert)
			env.Setenv("NOWHERE", "http://127.0.0.1:1") // tcpmux: nobody listens
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"field": field,
		},
		RequireExplicitExec: true,
	})
}

// field takes a string of a JSON object into a variable, or compares it:
//
//	field VARIABLE FILE NAME           the last line's NAME
//	field VARIABLE FILE NAME TYPE      NAME of the first line with this type
func field(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: field VARIABLE FILE NAME [TYPE]")
	}
	variable, name := args[0], args[2]
	var found map[string]any
	scanner := bufio.NewScanner(strings.NewReader(ts.ReadFile(args[1])))
	for scanner.Scan() {
		var line map[string]any
		if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
			ts.Fatalf("%s: not a JSON line: %v", args[1], err)
		}
		if len(args) == 4 && line["type"] != args[3] {
			continue
		}
		found = line
		if len(args) == 4 {
			break
		}
	}
	value, ok := found[name]
	if !ok {
		ts.Fatalf("%s: no %s", args[1], name)
	}
	text, ok := value.(string)
	if !ok {
		raw, err := json.Marshal(value)
		ts.Check(err)
		text = string(raw)
	}
	ts.Setenv(variable, text)
}
