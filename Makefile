# make app    the dashboard, on 127.0.0.1 (PORT=8501; DATA=folder of a data set)
# make test   set-up, then every fast test; make test-slow runs the slow ones
# make setup  the environment in .venv; done again only when the requirements change
# make lint   ruff and mypy; make bench the speed of the pages and of inference

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := app

PYTHON ?= python3
PORT ?= 8501
DATA ?=
PY := .venv/bin/python
RUNTIME := .venv/.runtime-installed
ALL := .venv/.dev-installed

.PHONY: app setup test test-slow bench lint

# Only the runtime: what the dashboard needs.
$(RUNTIME): requirements.txt
	test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install --disable-pip-version-check --quiet --upgrade pip
	$(PY) -m pip install --disable-pip-version-check --quiet -r requirements.txt
	touch $@

# The runtime and what tests and checks need.
$(ALL): requirements.txt requirements-ray.txt requirements-dev.txt
	test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install --disable-pip-version-check --quiet --upgrade pip
	$(PY) -m pip install --disable-pip-version-check --quiet -r requirements-dev.txt
	touch $(RUNTIME) $@

setup: $(ALL)

# The server starts at once; what the data set lacks (a model, features) is built while the page shows how far it is.
app: $(RUNTIME)
	$(if $(DATA),VITRINE_DATA="$(DATA)") VITRINE_PREPARE=1 \
	exec $(PY) -m streamlit run pages/ui/server.py --server.port "$(PORT)"

test: $(ALL)
	$(PY) -m pytest

test-slow: $(ALL)
	$(PY) -m pytest -m slow

bench: $(ALL)
	$(PY) -m benchmarks

lint: $(ALL)
	$(PY) -m ruff check .
	$(PY) -m mypy
