# Everything a contributor or CI runs. Nothing is built inside the tree: builds, tools and clients live below
# DAYPASS_CACHE.
export DAYPASS_CACHE ?= $(HOME)/.cache/daypass
export CARGO_TARGET_DIR ?= $(DAYPASS_CACHE)/target
# Test data from outside the project, read in place by `make corpora`.
DAYPASS_VECTORS ?= ../shared/vectors

.PHONY: help deps demo test corpora differential lint fuzz audit bench

help:
	@echo 'make demo     a token becomes credentials that the AWS CLI uses; needs only a Rust toolchain'
	@echo 'make test     every test, with real identity providers, clients and Redis'
	@echo 'make lint     format, clippy, documentation, dependencies, file lengths'
	@echo 'make corpora  public test vectors, from DAYPASS_VECTORS ($(DAYPASS_VECTORS))'
	@echo 'make differential  policy decisions beside those of a simulator from npm; takes minutes'
	@echo 'make fuzz     ten seconds of fuzzing a target'
	@echo 'make audit    known vulnerabilities in dependencies'
	@echo 'make bench    comparisons in one run'
	@echo 'make deps     installs what these need and is missing'

deps:
	@.ci/deps test lint

demo:
	@.ci/deps demo
	@examples/demo/run

test:
	@.ci/deps test
	@.ci/test

corpora:
	@test -d "$(DAYPASS_VECTORS)" || { echo "no test vectors at $(DAYPASS_VECTORS): set DAYPASS_VECTORS to their folder" >&2; exit 1; }
	@DAYPASS_VECTORS="$$(realpath $(DAYPASS_VECTORS))" .ci/corpora

differential:
	@.ci/deps differential
	@.ci/differential

lint:
	@.ci/deps lint
	cargo fmt --check
	cargo clippy --quiet --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --quiet --workspace --no-deps --document-private-items
	$(DAYPASS_CACHE)/tools/bin/cargo-deny --log-level error check bans licenses sources
	@.ci/lengths

fuzz:
	@.ci/deps fuzz
	@.ci/fuzz

audit:
	@.ci/deps lint
	$(DAYPASS_CACHE)/tools/bin/cargo-deny check advisories

bench:
	@if [ -x bench/run ]; then bench/run; else echo 'nothing to compare yet: bench/ is not there'; fi
