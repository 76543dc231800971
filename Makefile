# Everything a contributor does is a target here. `make test` needs nothing but Python, make, git and npm.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLAUDE_VERSION := 2.1.197
CLAUDE := .cache/claude-cli/node_modules/.bin/claude
# One more than the cores of CI: many tests wait for a chat that takes one message a second.
JOBS ?= 3

.PHONY: help setup demo browser pictures gallery claude check unit test format lock clean

help:
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.ready ## virtual environment with the locked dependencies

$(VENV)/.ready: requirements/dev.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $(VENV)/.runnable $@

# Just enough to run it: a newcomer should see the demo within a minute.
$(VENV)/.runnable: requirements/run.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/run.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

demo: $(VENV)/.runnable ## the whole product in a browser on this machine: no account, no token
	@$(BIN)/samobot demo

browser: ## headless Chromium for the tests of the demo's page, where this is root on Debian
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
	    chromium fonts-noto-color-emoji fonts-roboto-unhinted >/dev/null \
	    || echo "Chromium could not be installed: the browser tests will be skipped"; \
	else echo "Chromium is not here: the browser tests will be skipped (apt-get install chromium)"; fi

pictures: setup browser ## the README's screenshots, anew from the real chat
	$(BIN)/python -m tests.browser.pictures docs/pictures

gallery: setup browser ## every kind of message at a phone's width, for a look: into .cache/gallery
	$(BIN)/python -m tests.browser.gallery .cache/gallery

claude: ## the real Claude CLI at the pinned version, into a cache that git ignores
	@if ! command -v npm >/dev/null; then \
	  echo "npm is not here: the tests with the real Claude CLI will be skipped"; \
	elif [ "$$($(CLAUDE) --version 2>/dev/null | cut -d' ' -f1)" != "$(CLAUDE_VERSION)" ]; then \
	  mkdir -p .cache/claude-cli && npm install --prefix .cache/claude-cli --no-save --no-audit --no-fund \
	    --loglevel=error @anthropic-ai/claude-code@$(CLAUDE_VERSION); \
	fi

check: setup ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

unit: setup claude browser ## the tests alone
	$(BIN)/pytest -n $(JOBS) --dist loadgroup

test: check claude browser ## everything CI does: set-up, lint, types, tests with coverage
	$(BIN)/pytest -n $(JOBS) --dist loadgroup --cov --cov-report=term:skip-covered || { \
	  test $$? -eq 1 || exit 1; \
	  echo "What failed beside other tests on a full machine is run once more by itself; name what passes now:"; \
	  $(BIN)/pytest --last-failed --last-failed-no-failures none; }

format: setup ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## choose the newest allowed dependencies and pin them with hashes
	$(BIN)/pip-compile --quiet --upgrade --allow-unsafe --strip-extras --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate \
	  --extra demo --extra chart --output-file requirements/dev.lock pyproject.toml requirements/dev.in
	$(BIN)/pip-compile --quiet --allow-unsafe --strip-extras --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate \
	  --constraint requirements/dev.lock --extra demo --output-file requirements/run.lock pyproject.toml requirements/run.in

clean: ## remove what the other targets made, but the caches
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .coverage*

bench: setup claude ## measure speed and size, and keep the figures in benchmarks/results.md
	$(BIN)/python -m benchmarks

SEED ?=
FAULTS ?= 300
chaos: setup ## whole journeys with at least 300 faults; SEED=7 plays one again
	$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED),--faults $(FAULTS) --write)

FUZZ_EXAMPLES ?= 3000
fuzz: setup ## the parsers' properties for longer than CI has time
	FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(BIN)/pytest -n $(JOBS) --timeout 3600 tests/fuzz
