# Two commands are enough: `make nightly` and `make test`. Both set up everything they need.
PYTHON ?= python3.11
BIN := .venv/bin
SHELL := /bin/sh
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv/ready: requirements.txt pyproject.toml
	@echo "Setting up .venv ..."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch .venv/ready

.PHONY: setup
setup: .venv/ready ## Create the environment in .venv from the hashed lock.

var/worlds/bundled/world.json: | .venv/ready
	@$(BIN)/reinstate synthesize var/worlds/bundled

.PHONY: nightly
nightly: .venv/ready var/worlds/bundled/world.json ## Run every night that is due in the bundled portfolio.
	@$(BIN)/reinstate nightly --portfolio bundled

.PHONY: real-data
real-data: .venv/ready ## Import the public UCI file FILE=... and run its six nights.
	@test -f "$(FILE)" || { echo "make real-data FILE=path/to/the/uci/file (the README says where to get it)"; exit 2; }
	@REINSTATE_UCI_FILE="$(abspath $(FILE))" $(BIN)/python -m pytest -q -m real_data
	@test -f var/worlds/uci/world.json || $(BIN)/reinstate import-uci "$(FILE)" var/worlds/uci
	@$(BIN)/reinstate nightly --portfolio uci-cards

.PHONY: test
test: .venv/ready ## Check style, types and layers, then run the tests.
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q --numprocesses auto --maxprocesses 4 --dist loadgroup

.PHONY: campaign
campaign: .venv/ready ## Hold the core against the oracle on thousands of random policies, and let books stand still.
	@$(BIN)/python -m tests.decisioning.campaign --examples 3000 --seed 20261124
	@$(BIN)/python -m tests.decisioning.campaign --examples 100 --seed 20261124 --nights 400

.PHONY: crash-campaign
crash-campaign: .venv/ready ## Kill nights and commands thousands of times, and compare with those that nobody killed.
	@$(BIN)/python -m tests.crashes.campaign --plans 5000 --seed 20261124
	@$(BIN)/python -m tests.crashes.campaign --plans 500 --seed 20261124 --store postgresql --no-points

.PHONY: specifications
specifications: .venv/ready ## Write the policy manual's page of specifications from their cases.
	@$(BIN)/python -m tests.specifications.render

.PHONY: bench
bench: .venv/ready ## Measure speed and memory against DuckDB, side by side.
	@$(BIN)/python -m tests.bench.nightly

.PHONY: lock
lock: ## Compile requirements.txt anew from pyproject.toml (needs uv).
	@uv pip compile pyproject.toml --extra dev --group build --python-version 3.11 --universal --quiet \
	    --generate-hashes --no-emit-index-url --no-header --output-file requirements.txt

.PHONY: clean
clean: ## Remove the environment and everything that nights have written.
	rm -rf .venv var
