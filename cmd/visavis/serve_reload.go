package main

import (
	"context"
	"os"
	"os/signal"

	"github.com/visavis-call/visavis/internal/config"
	"github.com/visavis-call/visavis/internal/telemetry"
)

// rereadOn reads the settings again at a signal. Without a configuration file there is
// nothing that could have changed, and the signal keeps its meaning: that the terminal is gone.
func (n *node) rereadOn(s os.Signal, settings func() (config.Config, error)) {
	n.settings = settings
	n.reread = make(chan os.Signal, 1) // one that is waiting is enough
	signal.Notify(n.reread, s)
}

// followSettings takes what can be changed in a server that runs, until ctx ends.
func (n *node) followSettings(ctx context.Context) {
	for {
		select {
		case <-n.reread:
			n.takeSettings()
		case <-ctx.Done():
			return
		}
	}
}

// takeSettings reads the settings, and goes on with the old ones if they are wrong.
func (n *node) takeSettings() {
	cfg, err := n.settings()
	if err != nil {
		n.log.Warn("the configuration is wrong: the old one stays in use", telemetry.FieldError, err)
		return
	}
	n.relay.Offload(cfg.Relay.Offload == "auto") // which says what has come of it
	if cfg.Relay = n.cfg.Relay; cfg != n.cfg {
		n.log.Warn("of the configuration only relay.offload is taken while the server runs; the rest has changed, too, and takes a restart")
	}
}
