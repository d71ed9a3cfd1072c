# Two commands set everything up: `make demo` to see it, `make test` to check it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WORKSPACE ?= demo
PORT ?= 8866

.PHONY: demo lab test docs release environment clean help
help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /	/' | expand -t 14

demo: $(VENV)/.core  ## make the example workspace, run a report, serve the dashboards
	$(BIN)/journey demo $(WORKSPACE) --port $(PORT)

lab: $(VENV)/.lab  ## open JupyterLab on the notebooks with the example workspace
	$(BIN)/journey demo $(WORKSPACE) --once
	JOURNEY_WORKSPACE=$(abspath $(WORKSPACE)) $(BIN)/jupyter lab notebooks

test: $(VENV)/.test  ## install what is missing (a browser too) and run every check
	$(BIN)/python tests/support/browser.py
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy > $(VENV)/types.txt & types=$$!; $(BIN)/pytest -n 3 --dist loadfile --durations 25 && wait $$types && failed=0 || failed=1; \
	cat $(VENV)/types.txt; exit $$failed
	JOURNEY_WORKSPACE= XDG_DATA_HOME=$(abspath $(VENV))/share-test $(BIN)/pytest --nbval-lax notebooks -n 2 --dist loadfile -p no:cacheprovider

docs: $(VENV)/.test  ## make the documentation as a site, in site/
	$(BIN)/python -m sphinx -q -W -b html docs site

release: $(VENV)/.test  ## make wheel, sdist and bill of materials in dist/, and ask what is known to be vulnerable
	$(BIN)/python tests/support/release.py

environment: $(VENV)/.test  ## make environment.yml anew from pyproject.toml
	$(BIN)/python tests/support/environment.py > environment.yml

clean:  ## remove what the other targets made
	rm -rf $(VENV) $(WORKSPACE) dist site

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; found " + sys.version.split()[0] + ". Set PYTHON=python3.12, say.")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(VENV)/bin/python requirements.lock pyproject.toml
	@echo "Installing (about two minutes the first time) ..."
	@$(PIP) install -c requirements.lock -e .
	@touch $@

$(VENV)/.lab: $(VENV)/.core
	@$(PIP) install -c requirements.lock -e '.[lab]'
	@touch $@

$(VENV)/.test: $(VENV)/bin/python requirements.lock pyproject.toml
	@echo "Installing (about two minutes the first time) ..."
	@$(PIP) install -c requirements.lock -e '.[test]'
	@touch $@ $(VENV)/.core $(VENV)/.lab
