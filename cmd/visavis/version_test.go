package main

import (
	"encoding/json"
	"os"
	"testing"
)

func TestOneVersion(t *testing.T) {
	raw, err := os.ReadFile("../../web/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var web struct{ Version string }
	if err := json.Unmarshal(raw, &web); err != nil {
		t.Fatal(err)
	}
	if web.Version != version {
		t.Errorf("web/package.json is version %q, the binary %q", web.Version, version)
	}
}
