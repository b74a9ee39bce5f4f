# gongkai: one command for each thing a person does here.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup services run test fast check bench bench-cluster bench-models bench-national soak fuzz ocr-proof docs lock browser office clean
help:  ## what can be done here
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/.ready  ## create .venv with gongkai and all it needs, pinned by requirements.lock

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "gongkai needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "python3 -m venv failed; on Debian: apt-get install python3-venv"; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

lock:  ## pin the newest versions that fit pyproject.toml (needs uv)
	uv pip compile pyproject.toml --group dev --extra cluster --extra ocr --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras -q -o requirements.lock

check: setup  ## ruff, mypy strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fast: setup  ## the tests that need no server, dbt or browser
	$(BIN)/pytest -n 2 -m "not slow"

test: setup browser services office  ## all tests
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

run: setup  ## the demo: one night against the bundled publisher, summary, how to look further
	@$(BIN)/python -m tests.demo

bench: setup  ## what reading, archiving and the models cost on this machine
	@$(BIN)/python -m tests.bench
	@$(BIN)/python -m tests.bench_reader --report
	@$(BIN)/python -m tests.soak --hosts 20
	@$(BIN)/python -m tests.bench_site
	@$(BIN)/python -m tests.bench_models --report
	@$(BIN)/python -m tests.bench_national --report

soak: setup  ## a night over 20,000 pages of 500 hosts on this machine, one in twenty at fault
	@$(BIN)/python -m tests.soak

SIZE ?= 1000000
bench-models: setup  ## what the models cost on SIZE synthetic readings (a million: an hour)
	@$(BIN)/python -m tests.bench_models --size $(SIZE)

bench-national: SIZE = 100000
bench-national: setup  ## SIZE pages from their bytes to the tables, then a night of 5,000 new ones
	@$(BIN)/python -m tests.bench_national --size $(SIZE) --night 5000 --keep

fuzz: setup  ## 100,000 random pages rendered and read back; rates, and every wrong value
	$(BIN)/python -m tests.fuzz

ocr-proof: setup  ## scanned reports read back: share read, and every wrong value (20 minutes)
	$(BIN)/python -m tests.ocr_proof --write-docs

browser:  ## Debian's Chromium, for the tests of the operator's view
	@command -v chromium >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends chromium fonts-wqy-zenhei >/dev/null; \
	  else echo "the browser tests need Chromium; as root: apt-get install chromium fonts-wqy-zenhei"; exit 2; fi; }

services:  ## Debian's PostgreSQL and Redis, for the tests of a cluster
	@{ ls /usr/lib/postgresql/*/bin/postgres && command -v redis-server; } >/dev/null 2>&1 || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends postgresql redis-server >/dev/null; \
	  else echo "the tests of a cluster need PostgreSQL and Redis; as root: apt-get install postgresql redis-server"; exit 2; fi; }

office:  ## Debian's LibreOffice Writer, for the tests of old Word
	@command -v soffice >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends libreoffice-writer-nogui >/dev/null; \
	  else echo "the tests of old Word need LibreOffice; as root: apt-get install --no-install-recommends libreoffice-writer-nogui"; exit 2; fi; }

bench-cluster: setup  ## how much faster two Dask workers read than one
	@$(BIN)/python -m tests.bench_cluster

clean:  ## remove .venv and the demo warehouse
	rm -rf .venv warehouse/demo

docs: setup  ## the generated pages: data dictionary, command line, failure codes
	$(BIN)/python docs/generate.py
