# Tombolo: see README.md. Two targets matter to a newcomer: demo and test.
SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
export CGO_ENABLED := 0
VERSION     := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS     := -s -w -X main.version=$(VERSION)

.PHONY: demo build web web-check screenshots test check conformance bench fuzz soak generate clean

demo: build ## run the founding lab on real packets, and leave it to be looked at
	@scripts/need python3:python3 ping:iputils-ping newuidmap:uidmap
	bin/tombolo lab --keep

build: ## bin/tombolo, static
	@scripts/need go:
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/tombolo ./cmd/tombolo

web: ## rebuild the console's page from web/ into console/assets (needs Node 20 or newer)
	@scripts/need node:nodejs npm:npm
	cd web && npm ci --ignore-scripts --no-audit --no-fund && npm run build
	go run ./console/pack

web-check: ## the page's own tests, and that console/assets is what web/ builds
	@scripts/need node:nodejs npm:npm
	cd web && npm ci --ignore-scripts --no-audit --no-fund && npm test && npm run build
	go run ./console/pack -check

screenshots: build ## the pictures of the docs, from the browser's walk through the lab
	@scripts/need chromium:chromium node:nodejs npm:npm
	cd e2e/console && npm ci --ignore-scripts --no-audit --no-fund --silent && SHOTS=$(CURDIR)/docs/img go test -count=1 -run TestLab .

test: check build ## everything: rules of the house, units, packets, real clients
	@scripts/need nft:nftables aws:awscli ip:iproute2 newuidmap:uidmap ping:iputils-ping curl:curl python3:python3 py-boto3:python3-boto3 pgrep:procps
	go run ./internal/leakwatch go test -count=1 -timeout 18m $(TESTFLAGS) ./...
	@scripts/need ab:apache2-utils vi:vim-tiny top:procps ssh:openssh-client
	cd e2e/plugin && go test -count=1 -parallel 5 -timeout 10m $(TESTFLAGS) .
	@scripts/need chromium:chromium node:nodejs npm:npm
	cd e2e/console && npm ci --ignore-scripts --no-audit --no-fund --silent && go test -count=1 -timeout 45m $(TESTFLAGS) .

check: ## formatting, vet, lint, architecture
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'run gofmt -w on these files'; exit 1; }
	go vet ./...
	go tool staticcheck ./...

conformance: build web-check ## the console's page rebuilt, AWS SDKs for Go v2 and JavaScript v3, Ansible (slow to install and compile)
	@scripts/need ansible-playbook:ansible py-boto3:python3-boto3 node:nodejs npm:npm
	cd e2e && go test -timeout 40m $(TESTFLAGS) ./...

bench: build ## speed, as ratios against a bare veth pair
	go run ./internal/bench
	go test -run '^$$' -bench Planes -benchtime 1x -timeout 30m ./linux/kernel
	go test -run '^$$' -bench 'Path|RuleChange|RouteChange' ./linux/kernel
	go test -run '^$$' -bench . ./reach

FUZZTIME ?= 30s
fuzz: ## FUZZTIME (30s) on every fuzz target
	scripts/fuzz $(FUZZTIME)

soak: build ## the packet suites again and again for an hour
	TOMBOLO_SOAK=1h go test -timeout 90m -count=1 ./internal/scenario ./internal/differ ./linux/kernel ./control

generate: ## regenerate what is generated (needs npm, clang and libbpf's headers)
	go generate ./...

clean:
	rm -rf bin bench/out
