# Nothing but make, a shell and a Python (3.11 or newer) is assumed: the scripts fetch the rest, pinned by hash.
# Each target does again only what its inputs ask for.

SETUP := scripts/find-python -m
IN_VENV := .venv/bin/python -m
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: run test lint types dashboard bench chaos fuzz mutants screenshots lock wheel clean help

run: ## Start the daemon with its dashboard (ARGS="--listen 127.0.0.1:9000" adds options)
	@$(SETUP) scripts.venv runtime
	@$(SETUP) scripts.dashboard build
	@exec .venv/bin/mission-control run $(ARGS)

test: ## Run everything: lint, types, layers, all tests, the real gateway, a real browser
	@$(SETUP) scripts.venv dev
	@$(IN_VENV) scripts.check test

lint: ## Check style and layering, in Python and TypeScript
	@$(SETUP) scripts.venv dev
	@$(IN_VENV) scripts.check lint

types: ## Check the types, in Python and TypeScript
	@$(SETUP) scripts.venv dev
	@$(IN_VENV) scripts.check types

dashboard: ## Build the dashboard into the Python package
	@$(SETUP) scripts.dashboard build

bench: ## Measure latency and throughput under load (ARGS="mailbox": the actor runtime; "dashboard": the page)
	@$(SETUP) scripts.venv dev
	@$(IN_VENV) benchmarks $(ARGS)

chaos: ## Let everything go wrong at once for a minute, and count what that cost (ARGS="--seconds 600 --seed 7")
	@$(SETUP) scripts.venv dev
	@$(IN_VENV) tests.chaos $(ARGS)

fuzz: ## Say to it what nobody would say, for minutes or hours (ARGS="--target clawdbot --seconds 600 --seed 7")
	@$(SETUP) scripts.venv dev
	@$(IN_VENV) tests.fuzz $(ARGS)

mutants: ## Break the actor runtime in all ways at hand, and list what no test notices; takes an hour (ARGS="mailbox")
	@$(SETUP) scripts.venv dev
	@$(IN_VENV) scripts.mutants $(ARGS)

screenshots: ## Take the pictures in docs/images anew; takes some minutes
	@$(SETUP) scripts.venv dev
	@$(SETUP) scripts.dashboard build
	@$(IN_VENV) scripts.screenshot

lock: ## Resolve the dependencies anew and write requirements/*.txt
	@$(SETUP) scripts.lock

wheel: ## Build the wheel, dashboard included, into dist/
	@$(SETUP) scripts.venv dev
	@$(SETUP) scripts.dashboard build
	@$(IN_VENV) build --wheel --no-isolation

clean: ## Remove everything that was built or fetched
	rm -rf .venv .cache dist build web/node_modules web/.next web/out web/lib/dist src/mission_control/dashboard
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
