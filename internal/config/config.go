// Package config reads the server's settings: defaults, then a TOML file, then
// the environment (VISAVIS_SECTION_KEY), then flags; the later wins. A setting
// that does not exist is an error wherever it stands; in the environment, names of
// one word (VISAVIS_CONFIG, VISAVIS_BIN) are not settings.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/visavis-call/visavis/protocol"
)

// DefaultMetricsListen is where metrics are served if nobody says otherwise.
const DefaultMetricsListen = "127.0.0.1:9090"

// DefaultACMEDirectory is Let's Encrypt.
const DefaultACMEDirectory = "https://acme-v02.api.letsencrypt.org/directory"

// EnvPrefix begins the name of every environment variable that is read; section
// and key follow.
const EnvPrefix = "VISAVIS_"

// Config is every setting there is.
type Config struct {
	Server  Server  `toml:"server"`
	ACME    ACME    `toml:"acme"`
	Storage Storage `toml:"storage"`
	Relay   Relay   `toml:"relay"`
	Metrics Metrics `toml:"metrics"`
	Log     Log     `toml:"log"`
	Create  Create  `toml:"create"`
	Limits  Limits  `toml:"limits"`
}

// Server is the one port.
type Server struct {
	// Listen is the address for HTTP, WebSocket and relay, TCP and UDP.
	Listen string `toml:"listen"`
	// URL is the public origin, scheme://host[:port]; empty: whatever clients use.
	URL string `toml:"url"`
	// TLSCert and TLSKey are PEM files; both or none.
	TLSCert string `toml:"tls_cert"`
	TLSKey  string `toml:"tls_key"`
	// HTTPListen is a second address, without TLS, that sends everybody to the first;
	// empty: none.
	HTTPListen string `toml:"http_listen"`
}

// ACME is the certificate that the server gets for itself.
type ACME struct {
	Domains     string `toml:"domains"`      // with commas between; empty: off
	TermsAgreed bool   `toml:"terms_agreed"` // to those of the ACME server
	Email       string `toml:"email"`        // may be empty
	Directory   string `toml:"directory"`    // URL of the ACME server
	CAFile      string `toml:"ca_file"`      // its own authority, PEM; empty: the system's
	// DNSCommand is a program that sets TXT records; with it DNS-01 is used.
	DNSCommand string `toml:"dns_command"`
	// EABKeyID and EABKeyFile are what a company gives to its customers, who alone get
	// certificates from its ACME server; both or none.
	EABKeyID   string `toml:"eab_key_id"`
	EABKeyFile string `toml:"eab_key_file"` // holds the HMAC key, base64url
}

// Storage is where data lives.
type Storage struct {
	Data string `toml:"data"` // directory
}

// Relay is how media is relayed.
type Relay struct {
	Offload string `toml:"offload"` // auto or off: whether the kernel forwards, if it can
}

// Metrics is the listener for Prometheus.
type Metrics struct {
	Listen string `toml:"listen"` // empty: off
	// Asked says that somebody chose Listen: then it has to be free.
	Asked bool `toml:"-"`
}

// Log is the log on standard error.
type Log struct {
	Level string `toml:"level"` // debug, info, warn, error
}

// Create says who may create calls.
type Create struct {
	TokenFile string `toml:"token_file"` // holds the token; empty: everybody may
}

// Limits protect the server. Those of the protocol are fixed.
type Limits struct {
	Calls                 int `toml:"calls"`                   // open at once
	Connections           int `toml:"connections"`             // open at once
	ConnectionsPerAddress int `toml:"connections_per_address"` // open at once; IPv6: per /64
	ConnectsPerMinute     int `toml:"connects_per_minute"`     // per address
	CreatesPerMinute      int `toml:"creates_per_minute"`      // per address
}

// Default returns the settings of a server that was told nothing.
func Default() Config {
	return Config{
		Server:  Server{Listen: ":8080"},
		ACME:    ACME{Directory: DefaultACMEDirectory},
		Storage: Storage{Data: "visavis-data"},
		Relay:   Relay{Offload: "off"},
		Metrics: Metrics{Listen: DefaultMetricsListen},
		Log:     Log{Level: "info"},
		Limits: Limits{
			Calls:                 10_000,
			Connections:           20_000,
			ConnectionsPerAddress: 256,
			ConnectsPerMinute:     protocol.LimitConnectsPerMinute,
			CreatesPerMinute:      protocol.LimitCreatesPerMinute,
		},
	}
}

// Load returns the defaults, changed by the file (if path is not empty) and by
// the environment, given as os.Environ does. The result is not validated yet:
// flags come after.
func Load(path string, environ []string) (Config, error) {
	c := Default()
	if path != "" {
		meta, err := toml.DecodeFile(path, &c)
		if err != nil {
			if _, ok := errors.AsType[*fs.PathError](err); ok {
				return Config{}, fmt.Errorf("read configuration: %w", err) // which names the file
			}
			return Config{}, fmt.Errorf("read configuration %s: %w", path, err)
		}
		if unknown := meta.Undecoded(); len(unknown) > 0 {
			return Config{}, fmt.Errorf("read configuration %s: no such setting: %s", path, unknown[0])
		}
		c.Metrics.Asked = meta.IsDefined("metrics", "listen")
	}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		setting, ours := strings.CutPrefix(name, EnvPrefix)
		if !ours || !strings.Contains(setting, "_") {
			continue // of one word, as VISAVIS_CONFIG: stands for a flag of some command
		}
		if err := c.setEnv(name, value); err != nil {
			return Config{}, err
		}
		c.Metrics.Asked = c.Metrics.Asked || name == EnvPrefix+"METRICS_LISTEN"
	}
	return c, nil
}

// setEnv finds the field whose TOML path, in capitals, is the name.
func (c *Config) setEnv(name, value string) error {
	sections := reflect.ValueOf(c).Elem()
	for i := range sections.NumField() {
		section := sections.Field(i)
		prefix := EnvPrefix + strings.ToUpper(sections.Type().Field(i).Tag.Get("toml")) + "_"
		for j := range section.NumField() {
			key := section.Type().Field(j).Tag.Get("toml")
			if key == "-" || name != prefix+strings.ToUpper(key) {
				continue
			}
			if err := setField(section.Field(j), value); err != nil {
				return fmt.Errorf("environment %s: %w", name, err)
			}
			return nil
		}
	}
	return fmt.Errorf("environment %s: no such setting", name)
}

func setField(field reflect.Value, value string) error {
	switch field.Kind() {
	case reflect.String:
		field.SetString(value)
	case reflect.Bool:
		yes, err := strconv.ParseBool(value)
		if err != nil {
			return errors.New("neither true nor false")
		}
		field.SetBool(yes)
	default:
		n, err := strconv.Atoi(value)
		if err != nil {
			return errors.New("not a number")
		}
		field.SetInt(int64(n))
	}
	return nil
}

// Validate explains the first thing that is wrong.
func (c Config) Validate() error {
	if err := checkAddress("server.listen", c.Server.Listen); err != nil {
		return err
	}
	if c.Server.URL != "" {
		if err := checkOrigin(c.Server.URL); err != nil {
			return fmt.Errorf("server.url %q: %w", c.Server.URL, err)
		}
	}
	if err := c.validateTLS(); err != nil {
		return err
	}
	if c.Storage.Data == "" {
		return errors.New("storage.data: must name a directory")
	}
	if c.Relay.Offload != "auto" && c.Relay.Offload != "off" {
		return fmt.Errorf("relay.offload %q: want auto or off", c.Relay.Offload)
	}
	if c.Metrics.Listen != "" {
		if err := checkAddress("metrics.listen", c.Metrics.Listen); err != nil {
			return err
		}
	}
	for name, n := range map[string]int{
		"calls": c.Limits.Calls, "connections": c.Limits.Connections,
		"connections_per_address": c.Limits.ConnectionsPerAddress,
		"connects_per_minute":     c.Limits.ConnectsPerMinute, "creates_per_minute": c.Limits.CreatesPerMinute,
	} {
		if n < 1 {
			return fmt.Errorf("limits.%s: must be at least 1", name)
		}
	}
	return nil
}

// checkAddress wants an address to listen on.
func checkAddress(setting, s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return fmt.Errorf("%s %q: want host:port or :port, like :8080, 192.0.2.7:8080 or [2001:db8::7]:8080", setting, s)
	}
	if n, err := strconv.Atoi(port); err == nil && (n < 0 || n > 65535) {
		return fmt.Errorf("%s %q: %s is no port, they end at 65535", setting, s, port)
	}
	if strings.Contains(host, "/") {
		return fmt.Errorf("%s %q: want an address to listen on, not a URL; that is server.url", setting, s)
	}
	return nil
}

// checkOrigin wants exactly what a browser sends as Origin, because that is what
// it is compared with.
func checkOrigin(s string) error {
	u, err := url.Parse(s)
	if err != nil {
		return errors.New("not a URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("want http://host or https://host")
	}
	if s != u.Scheme+"://"+strings.ToLower(u.Host) {
		return errors.New("want scheme, host and port only, in lower case, without a slash at the end")
	}
	if u.Scheme == "http" && u.Port() == "80" || u.Scheme == "https" && u.Port() == "443" {
		return errors.New("leave the default port away, as browsers do")
	}
	return nil
}

// Token reads the token for creating calls; empty if none is needed.
func (c Config) Token() (string, error) {
	if c.Create.TokenFile == "" {
		return "", nil
	}
	b, err := os.ReadFile(c.Create.TokenFile)
	if err != nil {
		return "", fmt.Errorf("create.token_file: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if len(token) < 16 || len(token) > 256 {
		return "", fmt.Errorf("create.token_file %s: want a token of 16 to 256 characters", c.Create.TokenFile)
	}
	return token, nil
}
