# All a newcomer types: `make demo` or `make test`. Needs Python 3.11+ with pip and venv; the rest goes into .venv.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo test lint format fuzz spark memory bench bench-large bench-growth wheel lock clean check-python

CANDIDATES := python3 python3.14 python3.13 python3.12 python3.11 python
IS_NEW := -c 'import sys; print("yes" if sys.version_info >= (3, 11) else "")' 2>/dev/null
PYTHON ?= $(firstword $(foreach name,$(CANDIDATES),$(if $(shell $(name) $(IS_NEW)),$(name))))
LOCK := requirements-dev.lock
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
STAMP := .venv/.installed

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /make \1\t/'

demo: $(STAMP) ## make logs of an invented attack in demo/, ingest them and print what a hunt finds
	@chmod -R u+w demo 2>/dev/null || true; rm -rf demo
	$(BIN)/wmiwh demo demo
	$(BIN)/wmiwh hunt -w demo/warehouse

test: $(STAMP) ## run the tests
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

lint: $(STAMP) ## ruff, mypy, sqlfluff and the import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --processes 0 --disable-progress-bar sql
	$(BIN)/lint-imports

format: $(STAMP) ## rewrite the sources as `make lint` wants them, where a tool can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

fuzz: $(STAMP) ## damage logs at random for five minutes and read them (WMIWH_FUZZ=seconds, WMIWH_FUZZ_SEED=n)
	WMIWH_FUZZ=$${WMIWH_FUZZ:-300} $(BIN)/python -m pytest -n 0 -x -rP tests/fuzz

spark: $(STAMP) ## run every view on Spark and on DuckDB and compare the rows (some ten minutes; needs Java)
	$(PIP) install --constraint $(LOCK) --group spark
	$(BIN)/python -m pytest -n 0 tests/spark

memory: $(STAMP) ## peak memory of ingest for 2 GB EVTX, 2 GB JSON lines and a zip of 5,000 EVTX
	$(BIN)/python bench/memory.py

bench: $(STAMP) ## ingest against plain parsing of the same logs, 500 MB each (BENCH=--keep notes it in the history)
	$(BIN)/python bench/ingest.py $(BENCH)

bench-large: $(STAMP) ## hunts in 100,000,000 events with 4 GB for DuckDB: time and memory (ROWS=n for fewer)
	$(BIN)/python -m bench.hunts $(or $(ROWS),100000000)

bench-growth: $(STAMP) ## time of ingest and of each view at 1, 4 and 16 times 250,000 events (UNIT=n)
	$(BIN)/python -m bench.growth $(or $(UNIT),250000)

wheel: $(STAMP) ## build dist/*.whl
	rm -rf dist
	$(BIN)/python -m build --wheel --no-isolation

lock: check-python ## write requirements-dev.lock anew from the newest versions that pyproject.toml allows
	rm -rf .venv-lock
	$(PYTHON) -m venv .venv-lock
	$(subst .venv/,.venv-lock/,$(PIP)) install --upgrade pip
	$(subst .venv/,.venv-lock/,$(PIP)) install --group dev .
	{ echo '# Versions that the tests ran with, for `pip install --constraint`; made by `make lock`.'; \
	  $(subst .venv/,.venv-lock/,$(PIP)) freeze --all --exclude wmiwarehouse --exclude setuptools; } > $(LOCK)
	rm -rf .venv-lock

clean: ## remove everything that make made
	@chmod -R u+w demo 2>/dev/null || true
	rm -rf .venv .venv-lock dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

check-python:
	@test -n '$(PYTHON)' || { echo 'wmiwarehouse needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo 'wmiwarehouse needs Python 3.11 or newer, and $(PYTHON) is '"$$($(PYTHON) -V 2>/dev/null || echo no Python)" >&2; exit 1; }

$(STAMP): pyproject.toml $(LOCK) | check-python
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install --constraint $(LOCK) --upgrade pip
	$(PIP) install --constraint $(LOCK) --group dev
	$(PIP) install --constraint $(LOCK) --no-build-isolation --editable .
	$(BIN)/python -m compileall -q wmiwarehouse
	@touch $@
