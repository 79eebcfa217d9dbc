# Everything a developer and CI run. `make` lists the targets; each one installs the tools that it needs into .tools/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

export PATH := $(CURDIR)/.tools/bin:$(PATH)

# The binary that the conformance part and the demo run.
export DASHBOARD_STORE := $(abspath $(or $(CARGO_TARGET_DIR),target))/debug/dashboard-store

##@ Use
.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@ / {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: ## Start the service on its embedded PostgreSQL (ARGS="--grpc-addr 127.0.0.1:50052" for more)
	cargo run --locked -- serve $(ARGS)

.PHONY: demo
demo: ## A tour of the service with real calls: history, templates, search, files, share links, the audit log
	scripts/install-tools.sh grpcurl
	cargo build --locked
	scripts/demo.sh

##@ Test
.PHONY: test
test: test-rust test-conformance ## Run every test; PG_VERSION=18 runs them on that PostgreSQL

.PHONY: test-rust
test-rust: ## Unit and integration tests, on a PostgreSQL that the run starts itself
	cargo test --locked

.PHONY: canary
canary: ## The same, then searches all that came out of it for the secrets that the tests have made
	scripts/canary.sh

.PHONY: plans
plans: ## Check on 100,000 dashboards that every statement uses its index and reads what it needs; prints what each read
	cargo test --locked --test it plans:: -- --include-ignored --nocapture --test-threads=1

.PHONY: faults
faults: ## Many clients while everything fails: N operations (10000), SEED=… to have a run again
	FAULTS_OPERATIONS=$(or $(N),10000) FAULTS_SEED=$(SEED) \
	  cargo test --locked --test it -- --exact --nocapture histories::nothing_is_lost_doubled_or_made_up_whatever_fails

.PHONY: test-conformance
test-conformance: ## Foreign clients (grpcurl, grpc-health-probe, golang-migrate) against the binary
	scripts/install-tools.sh grpcurl grpc-health-probe migrate pyyaml
	cargo build --locked
	tests/conformance/run_all.sh

.PHONY: fuzz
fuzz: ## Fuzz what reads foreign bytes, FUZZ_SECONDS=300 for each target; takes a nightly Rust
	scripts/install-tools.sh cargo-fuzz
	scripts/fuzz.sh

.PHONY: coverage
coverage: ## How many lines of src/ the Rust tests reach, by file; fails below 85 %
	scripts/install-tools.sh cargo-llvm-cov
	scripts/coverage.sh 85

##@ Measure
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
BENCH := $(TARGET)/release/bench-load run --service $(TARGET)/release/dashboard-store --results $(TARGET)/bench/results.json

.PHONY: bench
bench: build-bench ## Rates, CPU and latencies beside pgbench and an echo, ratios and goals; 20 minutes on a machine that does nothing else
	$(BENCH)

.PHONY: bench-quick
bench-quick: build-bench ## The same in about three minutes, less exact
	$(BENCH) --warm-up 500 --measure 1000 --imported 1000 --events 100000

.PHONY: instructions
instructions: build-bench ## Instructions for a Get under callgrind, beside the goals and the baseline, which RECORD=1 records anew; takes valgrind
	taskset --cpu-list 0 $(TARGET)/release/bench-load instructions --service $(TARGET)/release/dashboard-store \
	  --results $(TARGET)/bench/results.json --baseline benches/instructions.json $(if $(RECORD),--record)

.PHONY: build-bench
build-bench:
	cargo build --release --locked --features bench --bins

##@ Check
.PHONY: check
check: check-format check-migrations check-proto check-clippy check-docs check-dependencies ## Everything below, the quick ones first

.PHONY: check-format
check-format: ## rustfmt
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check

.PHONY: check-migrations
check-migrations: ## Names, numbers and schema_version rows of migrations/; released ones unchanged
	scripts/check-migrations.sh

.PHONY: check-proto
check-proto: ## buf: lint, format, and no breaking change of the contract
	scripts/install-tools.sh buf
	buf lint
	buf format --diff --exit-code proto
	scripts/check-proto-breaking.sh

.PHONY: check-clippy
check-clippy: ## clippy, where a warning is an error
	cargo clippy --locked --all-targets --all-features -- -D warnings

.PHONY: check-docs
check-docs: ## rustdoc, where a warning is an error
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

.PHONY: check-dependencies
check-dependencies: ## Unused crates, licences, bans and sources of crates
	scripts/install-tools.sh cargo-machete cargo-deny
	cargo machete
	cargo deny --locked check --hide-inclusion-graph bans licenses sources

.PHONY: advisories
advisories: ## Known vulnerabilities of crates; fetches the RustSec database, so it is not part of check
	scripts/install-tools.sh cargo-deny
	cargo deny --locked check advisories

##@ Change
.PHONY: fmt
fmt: ## Format Rust and proto files
	scripts/install-tools.sh buf
	cargo fmt --all
	cargo fmt --manifest-path fuzz/Cargo.toml
	buf format --write proto

.PHONY: tools
tools: ## Install every pinned tool into .tools/
	scripts/install-tools.sh

.PHONY: clean
clean: ## Remove what was built and the tools; data directories stay
	cargo clean
	rm -rf .tools
