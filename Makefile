# Slipway's commands. `make run` and `make test` set up everything they need, the first time.
# ARGS are passed on: `make run ARGS="--port 9000"`, `make test ARGS="tests/unit -x"`.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-print-directory

VENV := .venv
PY := $(VENV)/bin/python
UV := $(VENV)/bin/uv
UV_VERSION := 0.13.8
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header pyproject.toml
CHROMIUM ?= /usr/bin/chromium
export CHROMIUM
# Trust what this machine trusts, as pip does.
export UV_SYSTEM_CERTS ?= true
# Tools want a cache even where nobody has a home.
ifeq ($(HOME),)
export UV_CACHE_DIR ?= $(CURDIR)/var/cache/uv
export PIP_NO_CACHE_DIR ?= 1
endif

# Each process has servers of its own; a file's tests stay in one process.
SIDE_BY_SIDE ?= -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

PRODUCTION := SECRET_KEY=checked-only-$$(printf '%064d' 1 | tr 01 xy)-AbCdEfGhIjKlMnOp0123456789 \
	DEBUG=False HTTPS=True PUBLIC_URL=https://slipway.example ALLOWED_HOSTS=slipway.example \
	DATABASE_URL=postgresql://slipway@db.invalid/slipway BROKER_URL=redis://broker.invalid/0

.PHONY: help run test check lint format types imports migrations deploy-check faults bench play reset \
	requirements setup chromium

help: ## Show these lines
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

run: $(VENV)/stamp-run ## Start everything on this machine; Ctrl-C stops it, the data stays
	@exec $(PY) manage.py up $(ARGS)

test: $(VENV)/stamp-dev chromium ## Run every test
	@exec $(PY) -m pytest $(SIDE_BY_SIDE) $(ARGS)

check: lint types imports migrations deploy-check test ## Everything a commit must pass

lint: $(VENV)/stamp-dev ## Format and lint, changing nothing
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/ruff check --quiet .

format: $(VENV)/stamp-dev ## Format, and fix what lint can fix
	@$(VENV)/bin/ruff check --quiet --fix . ; $(VENV)/bin/ruff format --quiet .

types: $(VENV)/stamp-dev ## Check the types (strict in every domain)
	@SECRET_KEY=types-only $(VENV)/bin/mypy

imports: $(VENV)/stamp-dev ## Check who imports whom
	@$(VENV)/bin/lint-imports --no-cache

migrations: $(VENV)/stamp-dev ## Fail when a model has no migration
	@$(PRODUCTION) $(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

deploy-check: $(VENV)/stamp-dev ## Django's own checks, with settings as in production
	@$(PRODUCTION) $(PY) manage.py check --deploy --fail-level WARNING

faults: $(VENV)/stamp-dev ## Kill workers and lose answers, for longer than `make test` does
	@exec $(PY) -m pytest tests/faults -m "slow or not slow" $(ARGS)

bench: $(VENV)/stamp-dev ## Measure the figures this project promises
	@exec $(PY) -m benchmarks $(ARGS)

play: $(VENV)/stamp-run ## Beside `make run`: launch the example portfolio and play its traffic
	@exec $(PY) manage.py play --scenario content-ai $(ARGS)

reset: $(VENV)/stamp-run ## Empty the data folder
	@$(PY) manage.py reset $(ARGS)

requirements: $(UV) ## Lock the dependencies anew from pyproject.toml
	@$(COMPILE) -o requirements/production.txt
	@$(COMPILE) --extra sandbox --extra embedded -o requirements/run.txt
	@$(COMPILE) --extra sandbox --extra embedded --extra dev -o requirements/dev.txt

setup: $(VENV)/stamp-dev ## Install what developing needs

$(UV):
	@found=; for candidate in $(PYTHON) python3 python3.11 python3.12 python3.13; do \
		if $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; \
		then found=$$candidate; break; fi; done; \
	if [ -z "$$found" ]; then \
		echo "Slipway needs Python 3.11, 3.12 or 3.13: install one, or say make PYTHON=/path/to/python3.11"; \
		exit 1; fi; \
	echo "Setting up in $(VENV) (once)"; \
	$$found -m venv $(VENV) || { \
		echo "Python's venv module is missing: on Debian and Ubuntu, apt-get install python3-venv"; exit 1; }; \
	$(PY) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# What developing needs includes what running needs: running after testing removes nothing.
$(VENV)/stamp-run: requirements/run.txt $(UV)
	@if [ -e $(VENV)/stamp-dev ]; then wanted=dev; else wanted=run; fi; \
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip sync --quiet --require-hashes requirements/$$wanted.txt
	@touch $@

$(VENV)/stamp-dev: requirements/dev.txt $(UV)
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(UV) pip sync --quiet --require-hashes requirements/dev.txt
	@touch $(VENV)/stamp-run $@

chromium:
	@if [ -x "$(CHROMIUM)" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium for the browser tests (once)"; \
		apt-get update -qq </dev/null && DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -qq --no-install-recommends chromium </dev/null >/dev/null && exit 0; fi; \
	echo "The browser tests need Chromium at $(CHROMIUM). Install it (sudo apt-get install chromium),"; \
	echo "or set CHROMIUM to one you have, or leave them out: $(PY) -m pytest -m 'not browser'"; \
	exit 1
