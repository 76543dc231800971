# Everything a contributor does is a target here. `make test` needs nothing but Python, make, git and npm.
# Empty: requirements/setup.sh finds one that fits.
PYTHON ?=
export PYTHON
# Hundreds of tests start the program: each would compile it anew.
unexport PYTHONDONTWRITEBYTECODE
VENV := .venv
BIN := $(VENV)/bin
SETUP := sh requirements/setup.sh
CLAUDE_VERSION := 2.1.197
CLAUDE := .cache/claude-cli/node_modules/.bin/claude
NEWEST_CLAUDE := .cache/claude-cli-newest/node_modules/.bin/claude
CODEX_VERSION := 0.171.0
CODEX := .cache/codex-cli/node_modules/.bin/codex
OLDEST_PIP := .cache/oldest-pip
# Twice the cores of CI: many tests wait, for example for a chat that takes one message a second.
JOBS ?= 4
DIST ?= loadgroup
# Two at once would find the other's lock, and fail.
APT_INSTALL = mkdir -p .cache && flock .cache/apt.lock sh -c 'apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$$@"' apt-get
PYTEST = $(BIN)/pytest -n $(JOBS) --dist $(DIST)

.PHONY: help setup demo browser fence pictures gallery claude oldest-pip tools check fast unit test coverage format lock upgrade release clean \
  newest trace bench chaos fuzz eval eval-plumbing eval-tools

help:
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

# The script returns at once when .venv is complete, and repairs it when it is not.
setup: ## virtual environment with the locked dependencies
	@$(SETUP) requirements/dev.lock

# Just enough to run it: a newcomer should see the demo within a minute.
demo: ## the whole product in a browser on this machine: no account, no token
	@$(SETUP) requirements/run.lock
	@$(BIN)/samobot demo

browser: ## headless Chromium for the tests of the demo's page, where this is root on Debian
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  $(APT_INSTALL) chromium fonts-noto-color-emoji fonts-roboto-unhinted >/dev/null \
	    || echo "Chromium could not be installed: the browser tests will be skipped"; \
	else echo "Chromium is not here: the browser tests will be skipped (apt-get install chromium)"; fi

fence: ## bubblewrap for the tests of the fence, where this is root on Debian
	@if command -v bwrap >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  $(APT_INSTALL) bubblewrap >/dev/null || echo "bubblewrap could not be installed: the tests of the fence will be skipped"; \
	else echo "bubblewrap is not here: the tests of the fence will be skipped (apt-get install bubblewrap)"; fi

pictures: setup browser ## the README's screenshots, anew from the real chat
	$(BIN)/python -m tests.browser.pictures docs/pictures

gallery: setup browser ## every kind of message at a phone's width, for a look: into .cache/gallery
	$(BIN)/python -m tests.browser.gallery .cache/gallery

claude: ## the real Claude CLI, the pinned and the newest version, and Codex, into caches that git ignores
	@if ! command -v npm >/dev/null; then \
	  echo "npm is not here: the tests with the real Claude CLI will be skipped"; \
	elif [ "$$($(CLAUDE) --version 2>/dev/null | cut -d' ' -f1)" != "$(CLAUDE_VERSION)" ]; then \
	  mkdir -p .cache/claude-cli && npm install --prefix .cache/claude-cli --no-save --no-audit --no-fund \
	    --loglevel=error @anthropic-ai/claude-code@$(CLAUDE_VERSION); \
	fi
	@# By its version: on an older Node npm takes an older one for "latest" without saying so.
	@if command -v npm >/dev/null && newest=$$(npm view @anthropic-ai/claude-code version 2>/dev/null) && \
	  [ -n "$$newest" ] && [ "$$($(NEWEST_CLAUDE) --version 2>/dev/null | cut -d' ' -f1)" != "$$newest" ]; then \
	  mkdir -p .cache/claude-cli-newest && npm install --prefix .cache/claude-cli-newest --no-save --no-audit --no-fund \
	    --loglevel=error @anthropic-ai/claude-code@$$newest; \
	fi
	@if command -v npm >/dev/null && [ "$$($(CODEX) --version 2>/dev/null | cut -d' ' -f2)" != "$(CODEX_VERSION)" ]; then \
	  mkdir -p .cache/codex-cli && npm install --prefix .cache/codex-cli --no-save --no-audit --no-fund \
	    --loglevel=error @openai/codex@$(CODEX_VERSION) \
	    || echo "Codex could not be fetched: the tests with the real Codex CLI will be skipped"; \
	fi

oldest-pip: setup ## the pip of Python 3.11.0, for the tests of the set-up
	@[ -e $(OLDEST_PIP)/pip-22.3-*.whl ] || $(BIN)/pip download --quiet --no-deps --require-hashes \
	  --dest $(OLDEST_PIP) --requirement requirements/oldest-pip.lock

# inspect-ai brings eighty packages: a virtual environment of its own keeps them out of everything else.
EVAL := .cache/eval
eval-tools: setup ## inspect-ai, for `make eval` and its test, into a cache that git ignores
	@cmp -s requirements/eval.lock $(EVAL)/installed.lock || { \
	  rm -rf $(EVAL) && $(BIN)/python -m venv --without-pip $(EVAL) \
	  && $(BIN)/pip --python $(EVAL) install --quiet --no-compile --no-deps --require-hashes --requirement requirements/eval.lock \
	  && cp requirements/eval.lock $(EVAL)/installed.lock; } \
	  || { rm -rf $(EVAL); echo "inspect-ai could not be installed: its test will be skipped"; }

# EVAL_ARGS: for example "--task bug-durations --epochs 1 --baseline"; see `$(EVAL)/bin/python -m evals --help`.
eval: eval-tools ## try the tasks in evals/ with the real model of the user's Claude CLI: costs money
	$(EVAL)/bin/python -m evals --samobot "$(CURDIR)/$(BIN)/samobot" $(EVAL_ARGS)

check: setup ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# As many as CI has cores: these tests do not wait, and each worker spends seconds on collecting. Handed out in chunks:
# one by one, 9,000 tests keep a third process busy. In the folders that it ignores every test is slow.
fast: JOBS = 2
fast: DIST = worksteal
fast: setup ## the quick tests: no npm, no browser, no whole journeys
	$(PYTEST) --hypothesis-profile fast -m "not slow and not real_cli and not browser and not chaos" \
	  --ignore tests/browser --ignore tests/chaos --ignore tests/fuzz

tools: claude browser fence oldest-pip eval-tools ## what the tests need beside Python

unit: setup tools ## all tests, without lint
	$(PYTEST) -m "not newest_cli"
	@$(MAKE) --no-print-directory newest

# Its version is not pinned: what fails here and not with the oldest one may be a change of the CLI.
newest: setup claude ## the tests with the newest Claude CLI alone, with its version
	@echo "The newest Claude CLI: $$($(NEWEST_CLAUDE) --version 2>/dev/null || echo missing)"
	$(PYTEST) -m newest_cli tests/claude tests/e2e tests/plugin

# The set-up and the types take a core while the network is waited for.
test: ## everything CI does: set-up, lint, types, all tests
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target check tools
	$(PYTEST) -m "not newest_cli"
	@$(MAKE) --no-print-directory newest

# A target of its own: nothing depends on the figure, and it takes up to twice as long.
coverage: setup tools ## all tests, with which lines and branches they reach
	$(PYTEST) --cov --cov-report=term:skip-covered

format: setup ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Extras stay in the locks: some pips look for an extra's packages past a lock that leaves them out. A constraint may
# not have extras, so the small locks follow dev.lock without them.
COMPILE = $(BIN)/pip-compile --quiet --allow-unsafe --no-strip-extras --generate-hashes --no-emit-index-url \
  --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate
COMPILE_PART = $(COMPILE) --constraint .cache/constraints.txt

lock: setup ## pin what pyproject.toml and requirements/*.in name; what is pinned stays as it is
	$(COMPILE) $(UPGRADE) --extra demo --extra chart --extra hosts --output-file requirements/dev.lock \
	  pyproject.toml requirements/dev.in
	mkdir -p .cache && sed 's/\[[^]]*\]==/==/' requirements/dev.lock >.cache/constraints.txt
	$(COMPILE_PART) --extra demo --output-file requirements/run.lock pyproject.toml requirements/run.in
	$(COMPILE_PART) --output-file requirements/installer.lock requirements/installer.in
	$(COMPILE_PART) $(UPGRADE) --output-file requirements/release.lock requirements/release.in
	$(COMPILE) $(UPGRADE) --output-file requirements/eval.lock requirements/eval.in

upgrade: ## pin the newest releases that are allowed
	$(MAKE) lock UPGRADE=--upgrade

TAG ?=
RELEASE := .cache/release
release: ## build and check the packages; TAG=v1.2.3 must name this version, and the changelog must have it
	@$(SETUP) requirements/run.lock
	@[ -z "$(TAG)" ] || { \
	  version=$$($(BIN)/python -c 'import samobot; print(samobot.__version__)'); \
	  [ "$(TAG)" = "v$$version" ] || { echo "$(TAG) is not the version, which is $$version"; exit 1; }; \
	  grep "^## $$version" CHANGELOG.md | grep -qv unreleased || { echo "CHANGELOG.md has no date for it"; exit 1; }; }
	$(BIN)/python -m venv --clear --without-pip $(RELEASE)
	$(BIN)/pip --python $(RELEASE) install --quiet --no-deps --require-hashes --requirement requirements/release.lock
	rm -rf dist
	$(RELEASE)/bin/python -m build --no-isolation
	$(RELEASE)/bin/python -m twine check --strict dist/*

clean: ## remove what the other targets made, but the caches
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .coverage*

trace: setup ## which way five ordinary events take through the bot: modules, calls, parses, transactions
	$(BIN)/python -m benchmarks.trace

bench: setup claude ## measure speed and size, and keep the figures in benchmarks/results.md
	$(BIN)/python -m benchmarks

eval-plumbing: setup claude ## models and settings that go wrong, with the oldest and the newest Claude CLI
	$(PYTEST) tests/e2e/test_plumbing.py tests/e2e/test_user_settings.py tests/plugin/test_with_claude.py

SEED ?=
FAULTS ?= 300
chaos: setup ## whole journeys with at least 300 faults; SEED=7 plays one again
	$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED),--faults $(FAULTS) --write)
	$(if $(SEED),,$(BIN)/python -m tests.chaos.machines)

FUZZ_EXAMPLES ?= 3000
fuzz: setup ## the parsers' properties for longer than CI has time
	FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(PYTEST) --timeout 3600 tests/fuzz tests/session/test_baseline.py
