# orbstack-mcp: the commands that people and CI use. `make help` lists them.
SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
GO          ?= go
PREFIX      ?= /usr/local
VERSION     ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
export CGO_ENABLED ?= 0
# A compiler that collects less garbage is a twentieth quicker, and there is memory.
COMPILE     := GOGC=400 $(GO)
BUILD       := $(COMPILE) build -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)'
FUZZTIME    ?= 30s
SOAK        ?= 100000
# The linters are compiled for few runs: of their own code only what all of them stand
# on is optimized. Go's library is the one of all else.
LINTFLAGS   := '-gcflags=all=-N -l -dwarf=false' -gcflags=std= \
               $(foreach hot,golang.org/x/tools/... honnef.co/...,-gcflags=$(hot)=-dwarf=false)
LINT        := $(COMPILE) run $(LINTFLAGS) github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.PHONY: help build demo test cover fuzz lint vet-darwin checks soak bench docs install clean deps

help: ## list these commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

build: ## bin/orbstack-mcp, and bin/orbsim with its orbctl
	$(BUILD) -o bin/ ./cmd/...

demo: deps build ## watch a real client diagnose a broken network in the simulator
	$(BUILD) -o bin/demo ./internal/demo
	@bin/orbsim run demo -- bin/demo bin/orbstack-mcp

# Two packages at a time, and then the end-to-end tests by themselves: they wait for
# real packets. -parallel, since much of what tests do is waiting (ADR 14). What can
# be compiled before is, so that no compiler takes their time: `go list -export`
# compiles all, with the tests, and links nothing. `make lint` vets the tests too. CI
# compiles them without what a debugger needs (GCFLAGS).
RACE := CGO_ENABLED=1 $(GO) test -race $(GCFLAGS) -vet=off -timeout 60m
test: deps ## every test, with the race detector, against the simulator
	CGO_ENABLED=1 $(COMPILE) list -race $(GCFLAGS) -export -test ./... >/dev/null
	$(RACE) -p 2 -parallel 10 $$($(GO) list ./... | grep -v /internal/e2e$$)
	$(RACE) -parallel 8 ./internal/e2e

cover: deps ## prints the coverage of the rooms that matter; its data is in .cover/
	.ci/cover

fuzz: ## each fuzz target for FUZZTIME (30s)
	.ci/fuzz $(FUZZTIME)

lint: ## golangci-lint, shellcheck, go mod tidy
	$(GO) mod tidy -diff
	$(LINT) run ./...
	.ci/shellcheck

# Not optimized and not for a debugger: nobody runs it, and the compiler takes 40 % less.
vet-darwin: ## build and vet for both kinds of Mac
	for arch in arm64 amd64; do for verb in build vet; do GOOS=darwin GOARCH=$$arch $(COMPILE) $$verb -gcflags='all=-N -l -dwarf=false' ./...; done; done

checks: build ## programs of others hold the server to the specification (npm, ../shared/checks)
	.ci/checks

soak: deps build ## SOAK calls (100000) of a server whose OrbStack breaks at random; nothing may be left behind
	$(BUILD) -o bin/soak ./internal/soak
	bin/orbsim run internal/soak/world.yaml -- bin/soak -calls $(SOAK) bin/orbstack-mcp

bench: ## benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

docs: ## rewrite what is generated: schemas/*.json, tables of README.md and docs/tools.md
	$(GO) test ./schemas ./internal/house -update

# What is handed on holds no path of this folder. All else is built as Go builds by
# default, so that tests, lint and fuzz programs share what has been compiled.
install: ## install orbstack-mcp below PREFIX (/usr/local)
	$(BUILD) -trimpath -o bin/install/ ./cmd/orbstack-mcp
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 0755 bin/install/orbstack-mcp $(DESTDIR)$(PREFIX)/bin/orbstack-mcp

deps: ## Debian packages for tests and simulator: root gets them installed, others on Linux are told and get an error; nothing on a Mac
	@.ci/deps

clean: ## remove what was built
	rm -rf bin .cover
