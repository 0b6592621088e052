# The commands a person types. PYTHON names the interpreter: make check PYTHON=python3.12
PYTHON ?= python3
# each interpreter has an environment of its own; python3 has .venv
VENV := .venv$(addprefix -,$(filter-out python3,$(notdir $(PYTHON))))
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# made up by the machine, as many as HYPOTHESIS_PROFILE says: dev, ci or night
STATEFUL := tests/stateful
# choose or start their databases themselves
STARTS_ITS_OWN := tests/journeys/test_benchmarks.py tests/journeys/test_chaos.py tests/journeys/test_database_away.py tests/journeys/test_leader.py
ON_POSTGRES := tests/database tests/api tests/journeys tests/stateful/test_queue.py $(addprefix --ignore=,$(STARTS_ITS_OWN))
# as many at once as there are cores; the slow ones start whole services, and have the machine to themselves
FAST := -m "not slow" -n auto --dist worksteal
.DEFAULT_GOAL := help
.PHONY: help demo up test check fast on-postgres soak night chaos coverage lint docs bench install clean

help: ## Show these commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

demo: $(VENV)/installed ## Start a service of its own, run real jobs through it, show what came of them
	@$(BIN)/scale demo

up: $(VENV)/installed ## Start the service to stay, with its data in SCALE_HOME (~/.scale)
	@$(BIN)/scale up

test: lint coverage on-postgres ## Format, lint, types, import contracts, and every test on both databases
	$(BIN)/pytest $(FAST) --ignore=tests/unit
	$(BIN)/pytest -m slow --ignore=tests/unit

check: lint fast ## The fast half: all of that on SQLite, without the tests that start whole services

fast: $(VENV)/installed-dev ## The fast tests alone
	$(BIN)/pytest $(FAST)

on-postgres: $(VENV)/installed-dev ## Whatever uses a database, on a PostgreSQL that is started for it
	$(BIN)/python -m tests.clusters.postgres -- $(BIN)/pytest $(FAST) $(ON_POSTGRES)
	$(BIN)/python -m tests.clusters.postgres -- $(BIN)/pytest -m slow $(ON_POSTGRES)

soak: $(VENV)/installed-dev ## Tell SEEDS=100000 stories of a scheduler in a bad world, or one of them again: SEED=1234
	$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),100000))

night: $(VENV)/installed-dev ## Let the machine look for a story that breaks a part of us, for hours: 20,000 examples
	HYPOTHESIS_PROFILE=night $(BIN)/pytest --timeout=0 $(STATEFUL)

chaos: $(VENV)/installed-dev ## Kill everything at random while 2,000 jobs run, on each database; nothing may be lost or run twice
	$(BIN)/python benchmarks/chaos.py
	$(BIN)/python benchmarks/chaos.py --sqlite

coverage: $(VENV)/installed-dev ## Every unit test; fail where a line or branch of the pure files is not tested
	HYPOTHESIS_PROFILE=dev $(BIN)/coverage run -m pytest -q tests/unit tests/stateful tests/contracts/test_instant_engine.py
	@$(BIN)/coverage json --quiet -o - | $(BIN)/python -m tests.pure

lint: $(VENV)/installed-dev ## Format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/installed-dev ## Write the pages of docs that are made from the code
	$(BIN)/python -m scale.cli.reference docs/reference
	$(BIN)/python -m scale.cli.rest_reference docs
	$(BIN)/python -m scale.cli.drawing docs

bench: $(VENV)/installed ## Measure how fast it is, half an hour long, into docs/reference/performance.md; one of it: ONLY=latency
	$(BIN)/python benchmarks/all.py $(ONLY)

install: $(VENV)/installed ## Make the environment and install Scale into it

clean: ## Remove what these commands made here
	rm -rf .venv .venv-* benchmarks/.peers build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo 'Scale needs Python 3.11 or newer. Name one: make $(or $(firstword $(MAKECMDGOALS)),demo) PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo '$(PYTHON) has no venv module. On Debian and Ubuntu: apt-get install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml | $(BIN)/python
	$(PIP) --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml | $(BIN)/python
	$(PIP) --editable '.[dev]'
	@touch $(VENV)/installed $@
