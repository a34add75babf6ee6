# Two commands for a newcomer: `make demo` and `make test`. All need only Python 3.11 to 3.13, make and a package index.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
UI     := include/guestlist/web/ui
# credentials that tests and pages make up
MADE_UP := made-up|sandbox|hunter2|^(wrong|canary|secret-key|pk_1|k3y)$$|^s3cr3t|\.generated$$

# what aims at the parts whose branches are counted
COVERING := $(addprefix tests/,model identity pipeline destinations contract runtime property erasure/test_chain.py)

.PHONY: demo up cluster test quick coverage mutation check audit format web bench kill wheel lock clean help
.DEFAULT_GOAL := help

help: ## show these lines
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

$(READY): requirements.txt pyproject.toml Makefile
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"Guestlist needs Python 3.11 to 3.13; this is {v[0]}.{v[1]}. Try: make PYTHON=python3.12 ...")'
	@echo "Making the environment in $(VENV) (once, one to two minutes) ..."
	@$(PYTHON) -m venv $(VENV)
	@# the lock is complete and hashed, so nothing is resolved: --no-deps
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps --no-index --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY) ## one segment to every platform in the sandbox, through Airflow, twice, and proved
	@$(BIN)/python -m guestlist.cli.demo

up: $(READY) ## Airflow's UI with the sandbox, on loopback, until Ctrl-C
	@$(BIN)/python -m guestlist.cli.up

cluster: $(READY) ## what docker-compose.yaml says as plain processes on loopback, with the sandbox, until Ctrl-C
	@$(BIN)/python -m guestlist.cli.cluster

.env: .env.example $(READY) ## secrets for docker compose, made once
	@$(BIN)/python -m guestlist.cli.cluster.dotenv

test: $(READY) ## the whole suite, on all cores
	@$(BIN)/pytest -n auto

quick: $(READY) ## the tests that run in seconds
	@$(BIN)/pytest -m "not slow"

coverage: $(READY) ## branch coverage of the rules, the platforms and the driver; fails below 95 % (a quarter of an hour)
	@$(BIN)/pytest -n auto --cov --cov-report= $(COVERING)
	@$(BIN)/coverage json -q -o - | $(BIN)/python .ci/coverage_table.py

mutation: $(READY) ## deliberate mistakes in plan, driver and recipes: how many the tests notice; fails below 80 % (40 minutes)
	@.ci/mutation

check: $(READY) ## lint, format, types, layering, no credentials
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pytest tests/architecture
	@# no look for high entropy: the hashes of made-up people are everywhere
	@git ls-files -z -- ':!requirements.txt' ':!tests/vectors' | xargs -0 $(BIN)/detect-secrets-hook --exclude-secrets '$(MADE_UP)' \
		--disable-plugin HexHighEntropyString --disable-plugin Base64HighEntropyString

audit: $(READY) ## known vulnerabilities of what is locked (asks the package index)
	@$(PYTHON) -m venv $(VENV)-audit
	@$(VENV)-audit/bin/pip install -qq --disable-pip-version-check pip-audit
	@$(VENV)-audit/bin/pip-audit --require-hashes --disable-pip -r requirements.txt

format: $(READY) ## rewrite files in the house's format
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

web: $(READY) ## the script of the Audiences pages, from its sources and the API's types (needs Node 20)
	@$(BIN)/python -c 'import json; from guestlist.web.app import app; print(json.dumps(app.openapi()))' > $(UI)/openapi.json
	@cd $(UI) && npm ci --silent
	@cd $(UI) && for step in types check build; do npm run --silent $$step || exit 1; done

bench: $(READY) ## every promise of speed beside its goal and the references (about three quarters of an hour)
	@$(BIN)/python -m benchmarks

kill: $(READY) ## 500 random kill-and-restart sequences (a quarter of an hour), then kill -9 at every boundary at every door (hours)
	@GUESTLIST_KILLS=500 GUESTLIST_KILL_STEP=1 $(BIN)/pytest -n auto tests/kill

wheel: $(READY) ## the package for an Airflow that is there already, in dist/
	@$(BIN)/pip wheel -qq --disable-pip-version-check --no-deps --no-index --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl

lock: ## compile pyproject.toml and requirements.in into requirements.txt (needs uv)
	uv pip compile pyproject.toml requirements.in --all-extras --output-file requirements.txt --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --quiet

clean: ## remove the environment and everything that was made
	rm -rf $(VENV) $(VENV)-audit $(VENV)-mutation .mutation dist .guestlist .airflow .mypy_cache .ruff_cache .hypothesis .coverage
