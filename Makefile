# Everything a contributor does is a target here. `make test` needs nothing but Python, make, git and npm.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLAUDE_VERSION := 2.1.197
CLAUDE := .cache/claude-cli/node_modules/.bin/claude
JOBS ?= auto

.PHONY: help setup claude lint types check unit test format lock clean

help:
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.ready ## virtual environment with the locked dependencies

$(VENV)/.ready: requirements/dev.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements/dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

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

unit: setup claude ## the tests alone
	$(BIN)/pytest -n $(JOBS) --dist loadgroup

test: check claude ## everything CI does: set-up, lint, types, tests with coverage
	$(BIN)/pytest -n $(JOBS) --dist loadgroup --cov --cov-report=term:skip-covered

format: setup ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## choose the newest allowed dependencies and pin them with hashes
	$(BIN)/pip-compile --quiet --upgrade --allow-unsafe --strip-extras --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate \
	  --extra demo --extra chart --output-file requirements/dev.lock pyproject.toml requirements/dev.in

clean: ## remove what the other targets made, but the caches
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .coverage*

bench: setup claude ## measure speed and size, and keep the figures in benchmarks/results.md
	$(BIN)/python -m benchmarks
