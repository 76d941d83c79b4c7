# Every verb works from a fresh clone with only python3 (3.11+, with venv) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PLUGINS := $(wildcard plugins/*)
SOURCES := src plugins tests

.PHONY: demo test check fmt lint types imports docs bench clean constraints

# Two steps, because an editable install cannot be hash-checked.
$(READY): .ci/constraints.txt pyproject.toml $(wildcard plugins/*/pyproject.toml)
	@echo "Setting up $(VENV) (once; about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .ci/constraints.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . $(addprefix -e ,$(PLUGINS))
	@touch $@

demo: $(READY)
	@$(BIN)/tallystick demo

test: $(READY)
	@$(BIN)/python -m pytest -n auto --maxprocesses=8 --dist loadfile --no-loadscope-reorder

check: lint types imports docs

fmt: $(READY)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

lint: $(READY)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/interrogate -c pyproject.toml --quiet --fail-under 100 tests $(wildcard plugins/*/tests)

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

docs: $(READY)
	$(BIN)/python -m pytest -q -p no:cacheprovider -n auto --maxprocesses=8 --dist loadfile tests/docs tests/architecture

# Ratios from one run; slow, so never part of `test`.
bench: $(READY)
	$(BIN)/python -m tests.benchmarks

# Names, versions and hashes only: no address of any registry. Needs uv.
constraints:
	$(PYTHON) .ci/requirements.py | uv pip compile - --universal --python-version 3.11 --generate-hashes \
	  --no-strip-extras --no-emit-index-url --no-annotate --no-header --quiet -o .ci/constraints.txt

clean:
	rm -rf $(VENV)
