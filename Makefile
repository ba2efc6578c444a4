# Every target sets itself up; when the lock file has not changed since, that costs nothing.
PYTHON ?= python3
STAMP := .venv/.locked
BIN := .venv/bin

.PHONY: setup demo dev test lint generate compile bench conformance fuzz chaos clean

setup: $(STAMP)

# uv comes from PyPI: into a venv of its own, or, where Debian's python3 has no venv module, into a plain folder.
$(STAMP): pyproject.toml uv.lock hatch_build.py
	@PYTHON=$(PYTHON) sh .ci/uv.sh sync --locked --compile-bytecode
	@$(BIN)/python -m compileall -q schemas compiler runtime service api cli || true  # a cold `tempor8` starts in half the time
	@touch $@

demo: setup
	$(BIN)/tempor8 demo

dev: setup
	$(BIN)/tempor8 dev

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/deptry tests bench --exclude '^build/' --extend-exclude '^$$' --ignore DEP002,DEP004  # undeclared only: "dev" is theirs
	$(BIN)/squawk migrations/*.sql

# what is written from declarations and compared in tests: schemas, the pages of diagnostics, the plans of our exports,
# the table of known differences
generate: setup
	$(BIN)/tempor8 schemas
	$(BIN)/python -m tests.golden
	$(BIN)/python -m compiler.report.pages
	$(BIN)/python -m tests.conformance.known
	$(BIN)/python -m tests.architecture.test_openapi

compile: setup
	$(BIN)/tempor8 compile n8n_exports --out build/plans --report build/report.html

bench: setup
	$(BIN)/python -m bench

conformance: setup
	@$(BIN)/python -m tests.conformance; local=$$?; $(BIN)/python -m tests.conformance --host temporal && exit $$local

fuzz: setup
	$(BIN)/python -m pytest tests/property --hypothesis-profile=fuzz

chaos: setup
	$(BIN)/python -m pytest tests/chaos -m chaos

clean:
	rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist runtime/expressions/vendor
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
