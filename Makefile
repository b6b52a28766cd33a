# Everything a fresh Debian or macOS machine with Python 3.11+, git and make needs. Plain make 3.81 is enough.

PORT    ?= 8000
WORKERS ?= auto
ARGS    ?=
UPGRADE ?=
SEEDS   ?= 2000
SEED    ?=
KIND    ?=
ORDERS  ?= 500
SECONDS ?= 15
FAULTS  ?=
STORES  ?=
PYTHON  ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
             if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; \
             then echo $$python; break; fi; done)

VENV    := .venv
BIN     := $(VENV)/bin
PIP     := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
HASHED  := $(PIP) --require-hashes --only-binary :all:
RUN_SET := $(VENV)/.run-set
DEV_SET := $(VENV)/.dev-set

# Commands start three times as fast with compiled modules, whatever the caller's environment says.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help install run test check simulate rig format constraints clean

help:
	@echo 'make run [PORT=8000]   install, then the demo in the foreground'
	@echo 'make install           only $(BIN)/todoke'
	@echo 'make test [ARGS=...]   all tests; ARGS go to pytest, WORKERS=n sets how many run at once'
	@echo 'make check             format, lint, types, imports, tests'
	@echo 'make rig               break real processes on every database and broker; see tests/rig/README.md'
	@echo 'make simulate          the delivery core through SEEDS=2000 bad days; SEED=n replays one and shows it'
	@echo 'make format            rewrite the code as `make check` wants it'
	@echo 'make constraints       pin again after a change of pyproject.toml; UPGRADE=--upgrade takes newer releases'
	@echo 'make clean             remove the environment and the caches; never the data'

install: $(RUN_SET)

run: install
	@$(BIN)/todoke demo --port $(PORT)

test: $(DEV_SET)
	$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 8 $(ARGS)

check: $(DEV_SET)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) --no-print-directory test

rig: $(DEV_SET)
	$(BIN)/python -m tests.rig --orders $(ORDERS) --seconds $(SECONDS) $(if $(FAULTS),--faults $(FAULTS)) \
	  $(if $(STORES),--stores $(STORES)) $(ARGS)

# Ends with one JSON line; fails when a promise was broken. See tests/simulator/README.md.
simulate: $(DEV_SET)
	@$(BIN)/python -m tests.simulator $(if $(SEED),--seed $(SEED),--seeds $(SEEDS)) $(if $(KIND),--kind $(KIND))

format: $(DEV_SET)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The second file holds only what the first does not. Neither holds an address: the hashes say what is meant.
COMPILE = $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
          --only-binary :all: --no-emit-index-url --no-emit-find-links --no-emit-build-options --no-annotate \
          --custom-compile-command 'make constraints' $(UPGRADE)

constraints: $(DEV_SET)
	$(COMPILE) --extra fast --extra postgres --extra redis --extra rabbitmq --extra sftp --extra build -o constraints.txt
	$(COMPILE) --extra test --extra dev --constraints constraints.txt -o constraints-dev.txt \
	  $$(sed -n 's/^\([A-Za-z0-9._-]*\).*==.*/--no-emit-package \1/p' constraints.txt)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(RUN_SET): constraints.txt pyproject.toml
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(MAKE) --no-print-directory venv
	@echo 'Installing (the first time takes about a minute) ...'
	@$(HASHED) -r constraints.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_SET): constraints-dev.txt $(RUN_SET)
	@echo 'Installing what the tests need ...'
	@$(HASHED) -r constraints.txt -r constraints-dev.txt
	@touch $@

.PHONY: venv
venv:
	@if [ -z '$(PYTHON)' ] || ! $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then \
	  echo 'Todoke needs Python 3.11 or newer; found: $(or $(PYTHON),none on the PATH).' >&2; \
	  echo 'Install one, or name it: make run PYTHON=/path/to/python3' >&2; exit 1; fi
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo '$(PYTHON) cannot make virtual environments. On Debian: sudo apt-get install python3-venv' >&2; exit 1; fi
	@$(PYTHON) -m venv --clear $(VENV)
