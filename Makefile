# Two commands do everything: make run, make test. The others are their parts.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GOLANGCI_VERSION := v2.15.0
GOLANGCI := $(shell go env GOPATH)/bin/golangci-lint-$(GOLANGCI_VERSION)
COMMIT   := $(shell git describe --always --dirty --exclude '*' --abbrev=12 2>/dev/null)
LDFLAGS  := -s -w -X main.revision=$(COMMIT)
# Everything the web bundle is made of; the stamp is older than any of it: build again.
WEB_SRC  := $(shell find web/src web/messages web/public web/scripts web/project.inlang -type f -not -path '*/i18n/paraglide/*' -not -path '*/cache/*' 2>/dev/null) \
            web/index.html web/vite.config.ts web/package.json web/package-lock.json

.PHONY: help run build web test test-go test-web test-e2e lint fmt generate check-generated check-reproducible vectors \
        bench bench-call lab screenshots fuzz setup clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build and start: http://localhost:8080
	./bin/visavis serve

build: web/dist/index.html ## the one binary, bin/visavis, web app inside
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/visavis ./cmd/visavis

web: web/dist/index.html ## the web app, web/dist

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(WEB_SRC)
	cd web && npm run build

# The tests in the network lab may not skip themselves here; VISAVIS_LAB=skip lets them, where there is no root.
test: export VISAVIS_LAB ?= require
test: setup build check-generated check-reproducible ## everything CI runs
	$(MAKE) --jobs=2 --output-sync=target lint-go checks-web
	$(MAKE) test-go
	$(MAKE) test-e2e

.PHONY: checks-web
checks-web: # one after the other: both make what is generated
	$(MAKE) lint-web
	$(MAKE) test-web

setup: ## what the tests need from the system: Chromium, fonts
	@scripts/setup-tests.sh

check-generated: ## generated wire types are those of the Go source
	scripts/check-generated.sh

check-reproducible: web/dist/index.html ## the web app builds to the same bytes elsewhere
	scripts/check-reproducible.sh

lint: lint-go lint-web ## linters, Go and web

.PHONY: lint-go lint-web
lint-go: $(GOLANGCI)
	go vet ./...
	$(GOLANGCI) run ./...

lint-web: web/node_modules/.package-lock.json
	cd web && npm run lint && npm run check && npm run check:messages

$(GOLANGCI):
	@echo "installing golangci-lint $(GOLANGCI_VERSION) (once, a few minutes)"
	GOBIN=$(shell go env GOPATH)/bin/.golangci go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(shell go env GOPATH)/bin/.golangci/golangci-lint $@

test-web: web/dist/index.html ## unit tests and budgets of the web client
	cd web && npm run test && npm run size

test-go: web/dist/index.html ## unit, vector, store, architecture and system tests, with the race detector
	go test -race -timeout 15m ./...

test-e2e: build ## real calls in real browsers
	cd web && npx playwright test --project=pages --workers=2
	cd web && VISAVIS_BIN=$(CURDIR)/bin/visavis npx playwright test --project=calls

bench: bench-call bench-sframe bench-effects bench-recovery bench-weather bench-noise ## all benchmarks

bench-call: build setup ## admit to first frame, beside a bare page in the same run
	cd web && node bench/call.mjs

.PHONY: bench-sframe
bench-sframe: build setup ## what the encryption of every frame costs, beside the same call without
	cd web && node bench/sframe.mjs

.PHONY: bench-effects
bench-effects: build setup ## how well a background is cut out, and what it costs, beside the same call without
	cd web && node bench/effects.mjs

.PHONY: bench-weather
bench-weather: build setup ## loss and slow lines: picture and sound, beside a bare page in the same run (root)
	cd web && node bench/weather.mjs

.PHONY: bench-rehearsal
bench-rehearsal: build setup ## admission to the first picture, with the path opened before and without (root)
	cd web && node bench/rehearsal.mjs

.PHONY: bench-noise
bench-noise: build setup ## strong noise suppression: what it gains on noisy speech, keeps of clean speech, and costs
	cd web && node bench/noise.mjs

.PHONY: bench-recovery
bench-recovery: build setup ## from a dead path to the picture, beside a bare page in the same run (root)
	cd web && node bench/recovery.mjs

.PHONY: bench-relay
bench-relay: build ## what relaying costs, beside coturn in the same run; REFERENCE= leaves that out
	./bin/visavis bench relay --rate $(or $(RATE),50000) --slices $(or $(SLICES),5) --seconds $(or $(SECONDS),5) --reference '$(REFERENCE)' $(ARGS)
bench-relay: REFERENCE ?= scripts/coturn.sh

.PHONY: bench-relay-veth
bench-relay-veth: build ## the same over a link, with the kernel's receiving counted and the offload measured, too (root, ethtool)
	scripts/bench-veth.sh --rate $(or $(RATE),50000) --slices $(or $(SLICES),5) --seconds $(or $(SECONDS),5) --offload --reference scripts/coturn.sh $(ARGS)

.PHONY: bench-bursts
bench-bursts: build setup ## how the packets of two browsers come to the relay; where --burst of bench-relay has its default from (root, tcpdump)
	cd web && node bench/bursts.mjs

.PHONY: bench-signaling
bench-signaling: build ## what signaling connections cost, in memory and in time
	./bin/visavis bench signaling $(ARGS)

lab: build ## a server and two namespaces, and a prompt to make the network between them worse (root)
	@go run ./test/lab

.PHONY: attacks test-long
attacks: build setup ## every attack of the table, what has to come of it, and what came
	VISAVIS_ATTACKS=$${VISAVIS_ATTACKS:-short} go run ./test/hostile/attacks $(ID)

test-long: build setup ## the attacks as long as a patient attacker makes them, receipts, every parser for FUZZ=20s (root; CONTRIBUTING.md)
	VISAVIS_ATTACKS=long go run ./test/hostile/attacks
	cd web && VISAVIS_LAB=require VISAVIS_ATTACKS=long npx playwright test --project=calls e2e/lab/receipt.spec.ts
	scripts/fuzz.sh $(or $(FUZZ),20s)

screenshots: build setup ## the pictures of the README
	cd web && node scripts/screenshots.mjs

fuzz: ## every fuzz target, FUZZ=30s each
	scripts/fuzz.sh $(or $(FUZZ),30s)

fmt: web/node_modules/.package-lock.json $(GOLANGCI) ## format Go and web sources
	$(GOLANGCI) fmt ./...
	cd web && npx prettier --log-level warn --write .

generate: ## TypeScript wire types from Go
	go generate ./...

clean: ## remove what the build made
	rm -rf bin web/node_modules web/dist/assets web/dist/index.html*
