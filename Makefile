SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run dev test check bench bench-page eval load soak deploy-check backup restore lock clean prepared-for-tests \
	audit check-python check-page check-contracts test-page unit-test-page test-python test-stock test-databricks test-clients test-open-webui

# The newest Python up to 3.13, also one that pyenv has installed without choosing it; its shims for
# other versions do not count. From 3.12 on coverage costs half of what it does before.
ifndef PYTHON
PYTHON := $(shell for python in python3.13 $(wildcard $(HOME)/.pyenv/versions/3.13.*/bin/python3.13) \
	python3.12 $(wildcard $(HOME)/.pyenv/versions/3.12.*/bin/python3.12) python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo $$python; exit; }; done; echo python3)
endif
VENV := .venv/bin
# Some containers set it. Every process would compile what it imports anew: half of each start.
unexport PYTHONDONTWRITEBYTECODE
# Twice the cores of a small machine: half of what the tests do is waiting. Half a gigabyte each.
PYTEST_WORKERS ?= 4
# Files in the order of pyproject.toml, the long ones first; xdist itself would begin with those of
# many tests, which are the short ones.
SHARED_OUT := -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder
PYTEST := $(VENV)/python -m pytest
UV = $(PYTHON) scripts/uv.py
STARTED := CITESTREAM_STARTED_AT=$$(date +%s)

define no_python
missing: Python 3.11 or newer\n   type: sudo apt-get update && sudo apt-get install -y python3 python3-venv\n
endef
preflight = command -v $(PYTHON) >/dev/null || { printf '$(strip $(no_python))' >&2; exit 1; }; \
	$(PYTHON) scripts/preflight.py

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## install what is missing and serve page and API on http://localhost:8000
	@$(preflight) run
	@export $(STARTED); $(PYTHON) scripts/prepare.py run && exec $(VENV)/python -m app.main

dev: ## API with reload, page with hot reload on http://localhost:3000
	@$(preflight) dev
	@$(PYTHON) scripts/prepare.py dev && exec $(PYTHON) scripts/dev.py

prepared-for-tests:
	@$(preflight) test
	@$(PYTHON) scripts/prepare.py test
	@$(PYTHON) scripts/system_packages.py

# Checks of the page beside those of Python. Browser journeys and Python's tests start servers and
# take both cores, so they run one after the other.
BESIDE = $(VENV)/python scripts/side_by_side.py

test: prepared-for-tests test-page test-python ## install what is missing, then run every test

test-page: unit-test-page
	npm --prefix frontend run e2e

unit-test-page:
	npm --prefix frontend test

test-python:
	$(PYTEST) $(SHARED_OUT)

check-python:
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/python -m mypy
	$(VENV)/lint-imports --no-logo
	$(VENV)/deptry .
	$(VENV)/deptry . --exclude '\.venv.*' --exclude frontend --ignore DEP002,DEP004
	$(VENV)/deptry clients/python --config clients/python/pyproject.toml

check-page:
	npm --prefix frontend run budget
	npm --prefix frontend run gen -- --check
	npm --prefix frontend run lint
	npm --prefix frontend run typecheck

# Their packages contradict those of .venv, so they have environments of their own.
test-databricks: ## the databricks extra, against a workspace of our own
	@$(PYTHON) scripts/prepare.py databricks
	.venv-databricks/bin/python -m pytest tests/databricks -q -o filterwarnings=default

test-clients: prepared-for-tests ## clients of Node and of pages, with packages of their own
	npm --prefix tests/node_clients ci --ignore-scripts
	$(PYTEST) tests/node_clients -q

# What is proved of streams, aborts, transcripts and promises, on stock LangChain, openai and httpx.
test-stock: prepared-for-tests ## streaming and model tests with LLM_FAST_PATH=off
	LLM_FAST_PATH=off $(PYTEST) $(SHARED_OUT) tests/stream tests/contract tests/clients \
		tests/unit/llm tests/unit/graph

# Two gigabytes, which nobody needs but this test. It wants Python 3.11 or 3.12.
test-open-webui: prepared-for-tests ## the real Open WebUI and its page, pointed at /v1
	@$(PYTHON) scripts/prepare.py open-webui
	$(PYTEST) tests/open_webui -q

# Where Python counts lines by itself (3.12 and newer), that costs next to nothing.
COVERAGE = $(shell $(VENV)/python -c 'import sys; print("COVERAGE_CORE=sysmon" * (sys.version_info >= (3, 12)))') \
	$(PYTEST) $(SHARED_OUT) --cov --cov-report=term

check-contracts:
	$(VENV)/python -m app.contracts --check
	$(VENV)/python -m scripts.client_models --check

# pytest comes last, so that its closing line is the last one on the screen.
check: prepared-for-tests ## what CI runs: format, lint, types, rules, contracts, tests
	@$(BESIDE) 'the page' '$(MAKE) --no-print-directory check-page unit-test-page' \
		'$(MAKE) --no-print-directory check-python check-contracts'
	npm --prefix frontend run e2e
	$(COVERAGE)

bench: prepared-for-tests ## speed beside the baseline; recorded in docs/measurements.md
	$(VENV)/python -m bench.speed

bench-page: prepared-for-tests ## the page under a long answer and a long conversation; recorded in docs/measurements.md
	node bench/page.mjs --times 3 --write docs/measurements.md
	node bench/page.mjs --hostile --write docs/measurements.md
	node bench/long_conversation.mjs --write docs/measurements.md

eval: prepared-for-tests ## retrieval quality [DATA=folder]; recorded in docs/measurements.md
	$(VENV)/python -m bench.retrieval $(if $(DATA),'$(DATA)') $(ARGS)

# How many, how often, how long: RATE in questions a second, ratios from 0 to 1.
LOAD := $(if $(URL),--url '$(URL)') $(if $(TOKEN),--token '$(TOKEN)') \
	$(if $(SESSIONS),--sessions $(SESSIONS)) $(if $(RATE),--rate $(RATE)) \
	$(if $(DURATION),--duration $(DURATION)) $(if $(STOPS),--stop-ratio $(STOPS)) \
	$(if $(RECONNECTS),--reconnect-ratio $(RECONNECTS)) $(ARGS)

load: prepared-for-tests ## many sessions at once, also against URL=… [SESSIONS= RATE= DURATION=]
	PYTHONPATH=clients/python $(VENV)/python -m bench.load $(LOAD)
	$(if $(URL),,$(PYTEST) tests/load -m load -q -s --timeout=600)

soak: prepared-for-tests ## long fault runs [SOAK_S=3600 SOAK_RATE=10]; recorded in docs/measurements.md
	$(PYTEST) tests/load/test_soak_mixed.py -m soak -q -s --timeout=14400
	$(PYTEST) tests/stream tests/integration tests/load -m soak -q -s --timeout=14400 \
		--deselect tests/load/test_soak_mixed.py

deploy-check: prepared-for-tests ## compose, Kubernetes and the image, as far as that goes without Docker
	$(VENV)/python scripts/deploy_check.py $(ARGS)

backup: ## database and files into one file: make backup FILE=….tar
	@test -n '$(FILE)' || { echo 'type: make backup FILE=citestream.tar'; exit 2; }
	$(VENV)/python scripts/backup.py save '$(FILE)'

restore: ## the same back, into an empty database: make restore FILE=….tar
	@test -n '$(FILE)' || { echo 'type: make restore FILE=citestream.tar'; exit 2; }
	$(VENV)/python scripts/backup.py restore '$(FILE)' $(ARGS)

# Names, versions and hashes only: where packages come from is each machine's own business.
LOCK := pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate $(UPGRADE)
lock: ## resolve the dependencies of pyproject.toml anew [UPGRADE=--upgrade]
	@$(PYTHON) scripts/prepare.py lock
	$(UV) $(LOCK) --no-deps requirements-uv.in -o requirements-uv.lock
	$(UV) $(LOCK) pyproject.toml -o requirements.lock
	$(UV) $(LOCK) pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock
	$(UV) $(LOCK) pyproject.toml --extra tracing -c requirements.lock -o requirements-tracing.lock
	$(UV) $(LOCK) --no-deps requirements-model.in -o requirements-model.lock
	$(UV) $(LOCK) pyproject.toml --extra dev --extra databricks -c requirements-dev.lock \
		--override requirements-databricks-overrides.in -o requirements-databricks.lock
	$(UV) $(LOCK) requirements-open-webui.in \
		--override requirements-open-webui-overrides.in -o requirements-open-webui.lock
	$(UV) $(LOCK) requirements-audit.in -o requirements-audit.lock

audit: ## known vulnerabilities of what the lock files name; asks PyPI and npm
	@$(PYTHON) scripts/prepare.py audit
	@$(PYTHON) scripts/audit.py $(ARGS)

clean: ## remove what can be made again; the library in .data stays
	rm -rf .venv .prepare .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis \
		.coverage .coverage.* htmlcov frontend/node_modules frontend/dist frontend/coverage \
		frontend/test-results
