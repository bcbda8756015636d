# Every target installs what it misses (.ci/setup) and may be run again at any time.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
RELEASE := .build/release/sallyport

.PHONY: help setup build release demo test test-swift test-integration conformance packages lint format bench soak fuzz clean

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
	.cache/venv/bin/python -m pytest -q -n 2 Tests/Differential
	.cache/venv/bin/python -m pytest -n 2 --dist loadscope Tests/Conformance --fast

conformance: release ## dbt's public adapter tests drive `sallyport dbt`; DBT_ADAPTERS_TESTS=FOLDER adds functional tests
	@Tests/Conformance/run

packages: release ## integration projects of well-known packages, by dbt and by `sallyport dbt`; PACKAGES=FOLDER holds the checkouts
	@test -n "$(PACKAGES)" || { echo "make: say where the checkouts are: make packages PACKAGES=FOLDER (see Tests/README.md)" >&2; exit 2; }
	@Tests/Packages/run "$(PACKAGES)"

lint: setup ## formatting and scripts
	swift format lint --strict --recursive --parallel Package.swift Sources Tests Benchmarks
	python3 Tests/cases.py --check
	python3 Tests/Conformance/exceptions.py --check
	bash -n .ci/setup .ci/run Examples/demo/run certs-example/make-certs docker/make-root Tests/Conformance/run Tests/Packages/run

format: ## rewrite the Swift sources in the house format
	swift format --in-place --recursive --parallel Package.swift Sources Tests Benchmarks

bench: release ## start-up, idle memory, dbt projects beside dbt-core and psql, and the transport beside grpc-swift and grpcio
	@.cache/venv/bin/python Benchmarks/startup.py
	@.cache/venv/bin/python Benchmarks/dbt.py
	swift build --package-path Benchmarks/Transport -c release --static-swift-stdlib
	@.cache/venv/bin/python Benchmarks/transport.py

soak: release ## SOAK_MINUTES (20) against a real server, through terminators, with random faults
	@.cache/venv/bin/python Tests/Integration/soak.py $${SOAK_MINUTES:-20}

fuzz: setup ## libFuzzer, FUZZ_SECONDS (60) for each target
	@Tests/Fuzz/run $${FUZZ_SECONDS:-60}

clean: ## remove what was built and downloaded
	rm -rf .build .cache
