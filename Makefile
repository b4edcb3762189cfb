# Everything a person or a CI runner calls. Each target sets up what it needs on a fresh Debian or
# Ubuntu machine that has Rust and a C compiler; `tests/stack/stack install` does the installing.

SHELL := /bin/bash
.DEFAULT_GOAL := help

.PHONY: help demo test image bench audit clean-stack

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

demo: ## Back up a local sample project, verify it, and show what came of it
	@tests/scripts/demo

test: ## Everything: format, lints, licenses, docs, unit tests, and the stories on a real stack
	@tests/scripts/test

image: ## Build the image without a Docker daemon and run it as people and GitHub's runner do (a release build; some GB)
	@tests/scripts/image

bench: ## Measure backup and restore against curl, COPY, pg_dump and a .range() script; writes docs/performance.md
	@benches/run

audit: ## Ask the RustSec database about known vulnerabilities (needs the network)
	@tests/scripts/deny advisories

clean-stack: ## Remove what the stack installed into target/stack (packages, prepared databases)
	@rm -rf target/stack
