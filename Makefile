# `make demo` tracks a real mouse; `make test` runs the tests. Both make .venv first; nothing else is needed.
PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif

.PHONY: demo test doctor lint coverage clean

demo: $(VENV)/installed
	$(BIN)/python demo/run.py

test: $(VENV)/installed
	$(BIN)/python -m pytest

doctor:  # also when the installation has failed
	$(firstword $(wildcard $(BIN)/python $(BIN)/python.exe) $(PYTHON)) doctor.py

lint: $(VENV)/installed
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/python -m pytest --quiet --doctest-modules dlc_common dlc_toolbox pose-tensorflow/deepercut

coverage: $(VENV)/installed
	$(BIN)/python -m pytest --cov --cov-report=term-missing:skip-covered

$(VENV)/installed: requirements.txt pyproject.toml
	$(PYTHON) -c "import sys; assert (3, 10) <= sys.version_info < (3, 14), 'Python 3.10 to 3.13 is needed: make PYTHON=python3.12 ...'"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --upgrade pip
	$(BIN)/python -m pip install -r requirements.txt -e ".[test]"
	touch $@

clean:
	rm -rf $(VENV)
