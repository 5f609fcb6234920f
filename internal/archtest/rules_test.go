package archtest

import "strings"

// imports says which of our packages each package may import. Every package
// is here; one that is not fails the test until somebody decides where it
// belongs. Everything may also import internal/telemetry, for field names.
//
//	cmd → httpd → signaling → {switchboard, relay, mirror} → {call, store} → protocol
func imports() map[string][]string {
	return map[string][]string{
		"protocol":        {},
		"protocol/sealed": {},
		"e2ee":            {},
		"peer":            {"protocol", "protocol/sealed", "e2ee", "peer/files", "peer/quality"},
		"peer/files":      {"protocol", "protocol/sealed"},
		"peer/quality":    {"protocol/sealed"},
		"web":             {},

		"internal/call":               {"protocol"},
		"internal/switchboard":        {"internal/call", "internal/store", "protocol"},
		"internal/signaling":          {"internal/call", "internal/mirror", "internal/sockets", "internal/switchboard", "protocol", "e2ee"},
		"internal/sockets":            {},
		"internal/httpd":              {"internal/bundle", "internal/signaling", "protocol", "web"},
		"internal/bundle":             {},
		"internal/relay":              {"internal/relay/offload", "protocol"},
		"internal/relay/offload":      {},
		"internal/mirror":             {"protocol"},
		"internal/store":              {"protocol"},
		"internal/store/sqlstore":     {"internal/store", "protocol"},
		"internal/store/storetest":    {"internal/store", "protocol"},
		"internal/certs":              {},
		"internal/certs/acmetest":     {},
		"internal/config":             {"protocol"},
		"internal/telemetry":          {"protocol"},
		"internal/mediafile":          {},
		"internal/doctor":             {"protocol"},
		"internal/probe":              {"e2ee", "peer", "protocol"},
		"internal/bench":              {},
		"internal/bench/relayload":    {"internal/bench"},
		"internal/bench/signalload":   {"internal/bench", "protocol", "e2ee"},
		"internal/archtest":           {},
		"internal/testkit/selfsigned": {},
		"internal/testkit/stream":     {},
		"internal/netlab":             {},
		"internal/netlab/labtest":     {"internal/netlab"},
	}
}

// unbound packages put everything together and may import all of ours.
func unbound(pkg string) bool {
	return strings.HasPrefix(pkg, "cmd/") || strings.HasPrefix(pkg, "test/") || pkg == "internal/testkit"
}

// foreign says which modules a package may use besides the standard library,
// for those that must stay small. A trailing slash allows all below.
func foreign() map[string][]string {
	return map[string][]string{
		"protocol":        {},
		"protocol/sealed": {},
		"internal/call":   {},
		"e2ee":            {"github.com/gtank/ristretto255", "golang.org/x/"},
	}
}

const (
	fileSoft = 400 // lines: above, the test names the file
	fileHard = 600 // lines: above, it fails
	funcMax  = 60  // lines of a function outside tests
)

// longFunctions may be longer than funcMax. Each needs a reason.
func longFunctions() map[string]string {
	return map[string]string{
		"cmd/visavis.newNode": "the wiring of the server, one step after another",
	}
}

// vagueNames say nothing about what a package does.
func vagueNames() []string {
	return []string{"util", "utils", "common", "helper", "helpers", "types", "models", "misc", "shared", "pkg", "lib"}
}

// constantCalls make values that nobody changes, so a package variable may hold them.
func constantCalls() []string {
	return []string{"errors.New", "fmt.Errorf", "regexp.MustCompile", "time.Unix", "time.UnixMilli", "time.Date"}
}

// defaultLoggers write to a logger that nobody injected. (Package log itself is
// of use: http.Server takes one.)
func defaultLoggers() []string {
	return []string{
		"slog.Debug", "slog.DebugContext", "slog.Info", "slog.InfoContext", "slog.Warn", "slog.WarnContext",
		"slog.Error", "slog.ErrorContext", "slog.Log", "slog.LogAttrs", "slog.With", "slog.Default", "slog.SetDefault",
		"log.Print", "log.Printf", "log.Println", "log.Fatal", "log.Fatalf", "log.Fatalln", "log.Panic", "log.Panicf", "log.Default",
	}
}
