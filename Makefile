# Every target sets up what it needs by itself. `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help install demo demo-services test check format bench docs lock readme clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 16

install: $(STAMP)  ## make .venv from the lock file, with Headrace in it

$(STAMP): requirements/dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Headrace needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.11") if sys.version_info < (3, 11) else None'
	@echo "Installing what requirements/dev.lock names: some minutes, in which pip says nothing."
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement requirements/dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	$(BIN)/python scripts/check_machine.py
	$(BIN)/python -m compileall -q src
	@touch $(STAMP)

demo: install  ## flights from raw tables to a served, explained and priced prediction
	@$(BIN)/python examples/flights/demo.py

demo-services: install  ## the same on a real Postgres and a real S3-protocol server, started for it
	@$(BIN)/python scripts/demo_services.py

# In the order of the folders, for those that take long come first there; else pytest-xdist gives out files of few tests last, laws of minutes among them.
test: install  ## run the tests
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered -q
	$(BIN)/python scripts/check_coverage.py

check: install  ## format, lint, types, layers, tests: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory test

format: install  ## mend what formatting and lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install  ## speed and memory, each against its peer in one run
	$(BIN)/python -m benchmarks

docs: install  ## build the documentation into site/, its reference pages from the code
	$(BIN)/python scripts/write_reference.py
	$(BIN)/mkdocs build --quiet --strict

readme: install  ## run the examples and write their real output into README and docs
	$(BIN)/python scripts/write_readme.py

lock: install  ## bring the lock file up to date with pyproject.toml
	$(BIN)/pip install --quiet "uv>=0.9,<1"
	$(BIN)/uv pip compile pyproject.toml --group dev --override requirements/overrides.txt --generate-hashes --universal --no-emit-index-url --no-header --quiet --output-file requirements/dev.lock

clean:  ## remove what the other targets made
	rm -rf .venv site .demo .bench .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
