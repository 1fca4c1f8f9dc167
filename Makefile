# `make demo` tracks a real mouse; `make test` runs the tests, `make test-all` the long ones too. Each makes .venv first.
PYTHON ?= python3
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif

# How many processes, tests/conftest.py says.
IN_PARALLEL := -n auto --dist worksteal

.PHONY: demo test test-all doctor lint coverage clean

# Keeps memory between iterations on Linux instead of giving it back each time: about 8 % of the training's CPU time.
demo: export MALLOC_TOP_PAD_ = 67108864
demo: export MALLOC_TRIM_THRESHOLD_ = 1000000000
demo: export MALLOC_MMAP_THRESHOLD_ = 33554432
demo: $(VENV)/installed
	$(BIN)/python demo/run.py

# The tests start many Pythons, each of which would compile the libraries anew where the environment forbids to keep them.
test test-all coverage: export PYTHONDONTWRITEBYTECODE =

test: $(VENV)/installed
	$(BIN)/python -m pytest $(IN_PARALLEL) -m "not campaign"

test-all: $(VENV)/installed
	$(BIN)/python -m pytest $(IN_PARALLEL)

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
