# Every target installs what it misses (.ci/setup) and may be run again at any time.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
RELEASE := .build/release/sallyport

.PHONY: help setup build release demo test test-swift test-integration lint format bench fuzz clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install missing packages, the Python test environment and dbt's macro packages
	@.ci/setup

build: setup ## debug build, warnings are errors
	swift build --build-tests

release: setup ## the static-stdlib release binary, .build/release/sallyport
	@echo "make: building the release binary (first time: several minutes)"
	swift build -c release --product sallyport --static-swift-stdlib

demo: release ## a hardened worker runs Examples/harbor on a real Temporal server and a real PostgreSQL
	@Examples/demo/run

test: lint test-swift test-integration ## everything: lint, unit tests, tests against real peers

test-swift: build
	swift test --skip-build --no-parallel

test-integration: release
	.cache/venv/bin/python -m pytest -q Tests/Integration

lint: setup ## formatting and scripts
	swift format lint --strict --recursive --parallel Package.swift Sources Tests
	bash -n .ci/setup .ci/run Examples/demo/run certs-example/make-certs docker/make-root

format: ## rewrite the Swift sources in the house format
	swift format --in-place --recursive --parallel Package.swift Sources Tests

bench: release ## start-up time and idle memory of the release binary
	@.cache/venv/bin/python Benchmarks/startup.py

fuzz: setup ## libFuzzer, FUZZ_SECONDS (60) for each target
	@Tests/Fuzz/run $${FUZZ_SECONDS:-60}

clean: ## remove what was built and downloaded
	rm -rf .build .cache
