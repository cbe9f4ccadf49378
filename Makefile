# Firstline: the commands of this project. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
UV_VERSION := 0.13.9
UV := .tools/bin/uv
RUN := $(UV) run --frozen --no-sync
READY := .venv/.ready

# Nothing of ours phones home, and nothing unpickles a model.
export BENTOML_DO_NOT_TRACK := True
export MLFLOW_DISABLE_TELEMETRY := true
export MLFLOW_ALLOW_PICKLE_DESERIALIZATION := false
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false
export OTEL_SDK_DISABLED := true
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: help setup demo serve postgres notebooks test lint format drill clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(UV):
	@command -v python3 >/dev/null || { echo "python3 (3.11 or newer) is needed and was not found"; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; python3 is $$(python3 --version)"; exit 1; }
	@echo "setting up: the installer (uv $(UV_VERSION)) into .tools/"
	@python3 -m venv .tools && .tools/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(READY): uv.lock pyproject.toml | $(UV)
	@echo "setting up: the packages of uv.lock into .venv/ (about half a minute)"
	@$(UV) sync --quiet --frozen --compile-bytecode --python python3 --no-python-downloads
	@touch $@

setup: $(READY) ## install everything this project needs into .venv/

demo: $(READY) ## the whole loop once, on a simulated company, in under 12 minutes
	@$(RUN) firstline demo

serve: $(READY) ## start the scoring service on this machine, without keys (development mode)
	@$(RUN) firstline serve --development

postgres: $(READY) ## install a PostgreSQL server from Debian, so that the tests of the store run on it too
	@$(RUN) python -m pipelines.postgres

notebooks: $(READY) ## open the notebooks in JupyterLab
	@$(UV) run --frozen --group lab jupyter lab notebooks/

test: $(READY) ## the test suite
	@$(RUN) pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(READY) ## style, types, and notebooks without outputs
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy

format: $(READY) ## let ruff put the code in order
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .

drill: $(READY) ## what takes longer than a test may; writes docs/results.json
	@$(RUN) firstline drill

clean: ## remove what the pipeline and the service made; keeps data/ and .venv/
	rm -rf artifacts reports state notebooks/executed
