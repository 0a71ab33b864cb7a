# The course's commands. `make help` lists them; CONTRIBUTING.md says when to use which.
PYTHON ?= python3
PORT ?= 8888
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
# No part of torch comes from here but torch itself: its other needs are in the lock, which is installed before.
CPU_WHEELS := https://download.pytorch.org/whl/cpu

# The stamps: one for each thing installed. A stamp older than what it was made from is made again.
MADE := $(VENV)/.made
LEARNER := $(VENV)/.learner-installed
DEV := $(VENV)/.dev-installed

# What is installed in .venv knows the folder it was made in: a copy of the whole would open and change the notebooks of the first.
ifneq ($(filter-out clean help,$(MAKECMDGOALS)),)
MADE_IN := $(shell cat $(MADE) 2>/dev/null)
ifneq ($(MADE_IN),$(if $(MADE_IN),$(CURDIR)))
$(error $(VENV) was made in another folder, $(MADE_IN). Here make its own: make clean, then the same command again)
endif
endif

.DEFAULT_GOAL := help
.PHONY: help setup lab build test test-matrix format lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20
	@echo '  Variables: PYTHON=python3.12 (which Python makes .venv), PORT=8888 and ARGS="--no-browser" (for lab)'

setup: $(LEARNER) ## set up and open nothing: for a room of machines

lab: $(LEARNER) ## set up, then open the course in JupyterLab
	@$(BIN)/python -c 'import jupyterlab' 2>/dev/null || { echo \
		"$(VENV) was made with another Python, which has changed since. Make it anew: make clean, then make lab" >&2; exit 1; }
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/jupyter lab --port=$(PORT) --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb \
		$$(test "$$(id -u)" != 0 || echo --allow-root) $(ARGS)

build: $(DEV) ## make the notebooks again from notebooks/source, executed
	$(BIN)/lessons notebooks build

test: $(DEV) ## lint, unit tests, every notebook executed and compared, notebooks in step with their sources
	@$(BIN)/python scripts/run_tests.py

test-matrix: $(DEV) ## the compared cells again: one thread, all threads, AVX2 only, without Multi30k
	@$(BIN)/python scripts/run_tests.py --matrix

format: $(DEV) ## put code into the house's format
	$(BIN)/ruff format . && $(BIN)/ruff check --fix . && $(BIN)/ruff format .

lock: $(DEV) ## resolve requirements/*.txt again from pyproject.toml
	$(BIN)/python -m uv --version >/dev/null 2>&1 || $(PIP) install uv
	$(BIN)/python -m uv pip compile -q --upgrade pyproject.toml requirements/torch-needs.in requirements/build.in -o requirements/learner.new.txt
	$(BIN)/python -m uv pip compile -q --upgrade --extra dev -c requirements/learner.new.txt pyproject.toml requirements/torch-needs.in requirements/build.in -o requirements/dev.new.txt
	cd requirements && mv learner.new.txt learner.txt && mv dev.new.txt dev.txt

clean: ## remove .venv and what tests leave behind
	rm -rf $(VENV) build .pytest_cache .ruff_cache *.egg-info

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo \
		"The course needs Python 3.11 or newer; '$(PYTHON)' is `$(PYTHON) --version 2>&1 || true`. Name another one: make lab PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo \
		"$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu: sudo apt install python3-venv, then the same command again." >&2; exit 1; }
	@echo "Setting up .venv (once; a few minutes, most of it download) ..."
	@$(PYTHON) -m venv $(VENV)
	@echo "$(CURDIR)" >$@

# PyTorch's build for CPUs is a tenth of the CUDA one. Its index is asked where no NVIDIA GPU answers, and given up on within seconds.
define install_torch_and_package
	@{ ! nvidia-smi >/dev/null 2>&1 && $(PIP) install --retries 0 --timeout 5 --index-url $(CPU_WHEELS) -r requirements/torch.txt 2>/dev/null; } \
		|| $(PIP) install -c $(1) -r requirements/torch.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
endef

$(LEARNER): $(MADE) requirements/learner.txt requirements/torch.txt pyproject.toml settings/overrides.json
	@echo "Installing what the course needs ..."
	@$(PIP) install -r requirements/learner.txt
	$(call install_torch_and_package,requirements/learner.txt)
	@touch $@

# The dev lock holds the learner's, version for version. --no-deps: the lock is complete, and leaves out a parser that german-nouns names
# and a look-up never loads. nbgrader's buttons are switched off, so that JupyterLab stays the one a reader sees.
$(DEV): $(MADE) requirements/dev.txt requirements/torch.txt pyproject.toml settings/overrides.json
	@echo "Installing what the course and its tests need ..."
	@$(PIP) install --no-deps -r requirements/dev.txt
	$(call install_torch_and_package,requirements/dev.txt)
	@$(BIN)/jupyter labextension disable --level=sys_prefix @jupyter/nbgrader
	@touch $(LEARNER) $@
