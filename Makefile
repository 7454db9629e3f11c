# make demo   set up, deliver the data, run the pipeline as its owners would over half a year
# make test   set up, then every gate: lint, types, architecture, tests
# make soak   the same tests with the long suites whole: kills, writers, faults of the disk, tampering, faults for `lineage diff`, the story
# make fuzz   the property tests at random, with many more examples; SEED=n repeats a run, TESTS=path runs fewer
# make mutants  change one line at a time in a copy: do the nearest tests notice? SEED=n repeats a run
# make ui     open the Dagster UI on http://127.0.0.1:3000
# make check  does Dagster load the code location? (with its own commands)
# make fmt    correct style and layout
# make lint, make types, make architecture   one gate alone
# make bench  measure, against DVC, MLflow and others
# make lock   resolve requirements.lock again
# make clean  remove the environment, the catalog and the model files
.DEFAULT_GOAL := help
.PHONY: help setup demo ui test soak fuzz mutants lint types architecture fmt check browser postgresql bubblewrap lock bench clean

SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
export DAGSTER_HOME := $(CURDIR)
export DAGSTER_DISABLE_TELEMETRY := 1
export DVC_NO_ANALYTICS := 1
export PATH := $(CURDIR)/$(BIN):$(PATH)
# What a user has set for other work: other modules, another repository (as in a hook), packages beside the environment.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONWARNINGS PYTHONOPTIMIZE MYPYPATH PYTEST_ADDOPTS
unexport GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_PREFIX PIP_USER PIP_TARGET PIP_PREFIX

help:
	@sed -n 's/^# make/make/p' Makefile

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	@echo "Setting up .venv (once, a minute or two) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; say which one: make PYTHON=python3.11 …" >&2; exit 2; }
	@$(PYTHON) -m venv .venv || \
	  { echo "No .venv could be made; if it is for want of python3-venv: apt-get install python3-venv" >&2; exit 2; }
	@# --no-deps: the lock file is complete, and older releases of pip cannot match extras to it.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip check >/dev/null
	@touch $@

demo: setup
	@$(BIN)/python -m lineage_pipelines.flights.story

ui: setup
	@$(BIN)/dagster dev --workspace workspace.yaml --host 127.0.0.1 --port $${PORT:-3000}

XDIST := --numprocesses auto --maxprocesses 4 --dist worksteal

test: setup browser postgresql bubblewrap lint types architecture
	@$(BIN)/pytest $(XDIST)

soak: setup browser postgresql bubblewrap
	@$(BIN)/pytest $(XDIST) --soak

SEED ?= $(shell date +%s)
TESTS ?= lineage_pipelines_tests
fuzz: setup browser postgresql bubblewrap
	@echo "make fuzz SEED=$(SEED) repeats this run"
	@$(BIN)/pytest $(XDIST) -m hypothesis --hypothesis-profile fuzz --hypothesis-seed $(SEED) $(TESTS)

mutants: setup
	@$(BIN)/python -m lineage_pipelines_tests.mutants --seed $(SEED)

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: setup
	@$(BIN)/mypy

architecture: setup
	@$(BIN)/lint-imports

check: setup
	@$(BIN)/dagster definitions validate --workspace workspace.yaml
	@$(BIN)/dg check defs

fmt: setup
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# The browser test needs Chromium; on Debian it is installed when it is missing and we are root.
browser:
	@command -v chromium >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing Chromium …"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	  else echo "Chromium is needed for the browser test: apt-get install chromium" >&2; exit 2; fi; }

# The tests start a server of their own; Debian's package brings the programs, and must not start one itself.
postgresql:
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing PostgreSQL …"; \
	    apt-get update -qq && mkdir -p /etc/postgresql-common && \
	    { [ -e /etc/postgresql-common/createcluster.conf ] || \
	      echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf; } && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null; \
	  else echo "PostgreSQL's server is needed for the tests: apt-get install postgresql" >&2; exit 2; fi; }

# What confines past code that is run again; on Debian it is installed when it is missing and we are root.
bubblewrap:
	@command -v bwrap >/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing bubblewrap …"; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq bubblewrap >/dev/null; \
	  else echo "bubblewrap is needed for the tests of the sandbox: apt-get install bubblewrap" >&2; exit 2; fi; }

# Needs uv (it is in the environment). No index is named in the result.
lock: setup
	@$(BIN)/uv pip compile pyproject.toml --group flights --group dev --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --quiet --output-file requirements.lock

bench: setup
	@for b in load snapshot cli listing verifying commit capture importing queries; do $(BIN)/python -m benchmarks.$$b; done

clean:
	rm -rf .venv .lineage .dagster .mypy_cache .ruff_cache .pytest_cache .hypothesis .artifacts
