PYTHON ?= python3
PORT ?= 8080
BUILD ?= build
SECONDS ?= 60
MINUTES ?= 30
LOAD ?= 0.7

VENV := .venv
BIN := $(VENV)/bin
PACKAGES := cds_service fhir_mappings cards
# Pins are kept unless UPGRADE=1 is given.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)
# Coverage doubles what a test costs, and what the slow kinds run besides is mostly in processes of its own.
PYTEST = $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadgroup
# The locks are complete, so pip must not resolve anew: an old pip then asks for versions that are not pinned.
# It says much that does not matter when it succeeds: of that, a line now and then tells how far it is. All of it is
# shown when it fails.
PIP = $(BIN)/python -u -m pip --disable-pip-version-check --no-input
install = rm -f $(VENV)/pip.failed; \
	{ $(PIP) install --progress-bar off $(1) 2>&1 || touch $(VENV)/pip.failed; } | tee $(VENV)/pip.log | { n=0; \
	while read -r said; do case "$$said" in \
		"Collecting "*) n=$$((n + 1)); [ $$((n % 20)) -ne 0 ] || echo "  $$n packages found" ;; \
		"Installing collected "*) [ $$n -lt 20 ] || echo "  writing $$n packages into $(VENV)" ;; \
	esac; done; }; \
	[ ! -e $(VENV)/pip.failed ] || { cat $(VENV)/pip.log >&2; exit 1; }

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test spark lint types cost bench format docs pictures fuzz soak lock sbom audit clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.run ## Start the service on 127.0.0.1:8080 (PORT=… for another) and show a demo card
	@exec $(BIN)/lumbar-cds serve --host 127.0.0.1 --port $(PORT) --try acute-low-back-pain

test: lint types cost ## Run every check: lint, types, tests (COVERAGE=1 with branch coverage, as CI does)
	@echo "pytest: the quick kinds$(if $(COVERAGE), with branch coverage)"
	@$(PYTEST) -m "not slow" $(if $(COVERAGE),--cov --cov-report term)
	@echo "pytest: the slow kinds (browser, processes, databases)"
	@$(PYTEST) -m slow

spark: $(VENV)/.spark ## Install Spark too (434 MB; needs Java), so that the tests try the replay on it

lint: $(VENV)/.dev ## Check code style and the Dockerfile
	@echo "ruff"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "make: 'make format' puts this right" >&2; exit 1; }
	@echo "hadolint"
	@$(BIN)/hadolint Dockerfile

types: $(VENV)/.dev ## Check types
	@echo "mypy --strict"
	@$(BIN)/mypy --strict --no-error-summary

format: $(VENV)/.dev ## Format the code and apply the safe lint fixes
	@$(BIN)/ruff check --quiet --fix --exit-zero .
	@$(BIN)/ruff format .

docs: $(VENV)/.dev ## Write what is generated: criteria, scenarios, gallery, docs/clients.md's tables, README's card
	@$(BIN)/lumbar-cds criteria --output docs/criteria.md
	@$(BIN)/python -m tests.spec.document cds_service/pages/scenarios/scenarios.json
	@$(BIN)/python -m tests.docs.readme_card
	@$(BIN)/python -m tests.docs.clients_page
	@$(BIN)/python -m tests.spec.gallery cds_service/pages/criteria/gallery.json
	@$(BIN)/python -m tests.spec.smallest_patients cds_service/pages/review/patients.json
	@echo "what is generated is up to date"

pictures: $(VENV)/.dev ## Take the README's pictures anew (needs Chromium)
	@$(BIN)/python -m tests.web.pictures

fuzz: $(VENV)/.dev ## Try bad input for SECONDS (60) for each target, always other (TARGETS="words dates" for some)
	@$(BIN)/python -m tests.fuzz.run --seconds $(SECONDS) $(TARGETS)

cost: $(VENV)/.dev ## Count the instructions of a call, and fail where one has become dearer (needs valgrind)
	@echo "instructions of a call"
	@$(BIN)/python -m benchmarks.instructions --check

bench: $(VENV)/.dev $(if $(HEALTHCHAIN),build/healthchain) ## Measure everything and write docs/performance.md (HEALTHCHAIN=1: beside HealthChain)
	@$(BIN)/python -m benchmarks

# The server that it is served by is a choice of its users; with this one it is fastest.
build/healthchain:
	@$(PYTHON) -m venv $@
	@$@/bin/pip install --quiet --disable-pip-version-check healthchain==0.16.1 'uvicorn[standard]'

soak: $(VENV)/.dev ## Keep a service at LOAD (0.7) of what it can answer for MINUTES (30), and watch what grows
	@$(BIN)/python -m benchmarks.soak --minutes $(MINUTES) --load $(LOAD)

lock: $(VENV)/.dev ## Write the lock files anew from pyproject.toml (UPGRADE=1: newest versions)
	@$(COMPILE) --group build --output-file requirements.lock pyproject.toml
	@$(COMPILE) --group dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml
	@$(COMPILE) --group dev --extra spark --constraint requirements-dev.lock --output-file requirements-spark.lock \
		pyproject.toml
	@echo "requirements.lock, requirements-dev.lock and requirements-spark.lock are up to date"

sbom: $(VENV)/.dev ## List what the lock installs: build/sbom.cdx.json (CycloneDX) and build/licences.md
	@mkdir -p $(BUILD)
	@$(BIN)/python -W ignore::UserWarning -m cyclonedx_py requirements --pyproject pyproject.toml \
		--output-reproducible --output-file $(BUILD)/sbom.cdx.json requirements.lock
	@$(BIN)/pip-licenses --python $(BIN)/python --from mixed --with-urls --format markdown \
		--packages $$(sed -n 's/^\([A-Za-z0-9_.-]*\).*==.*/\1/p' requirements.lock) >$(BUILD)/licences.md
	@echo "$(BUILD)/sbom.cdx.json and $(BUILD)/licences.md are up to date"

audit: $(VENV)/.dev ## Ask whether a known hole is in what the lock installs (needs a network)
	@$(BIN)/uvx pip-audit==2.10.1 --require-hashes --disable-pip --requirement requirements.lock

clean: ## Remove the environment and everything that tools leave behind
	@rm -rf $(VENV) build dist htmlcov .coverage .coverage.* coverage.xml .hypothesis
	@rm -rf .mypy_cache .pytest_cache .ruff_cache
	@find $(PACKAGES) tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# The stamps hold the time of the last complete installation; an interrupted one leaves none.
$(VENV)/.created:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) not found; PYTHON=/path/to/python3 names another" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "make: Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) --version 2>&1); PYTHON=/path/to/python3 names another" >&2; \
		exit 1; }
	@echo "Creating $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.created requirements.lock pyproject.toml
	@echo "Installing requirements.lock"
	@$(call install,--require-hashes --no-deps --requirement requirements.lock)
	@echo "Installing lumbar-mri-cds"
	@$(call install,--no-build-isolation --no-deps --editable .)
	@touch $@

# The development lock contains the other one, so both stamps are set.
$(VENV)/.dev: $(VENV)/.created requirements-dev.lock pyproject.toml
	@echo "Installing requirements-dev.lock"
	@$(call install,--require-hashes --no-deps --requirement requirements-dev.lock)
	@echo "Installing lumbar-mri-cds"
	@$(call install,--no-build-isolation --no-deps --editable .)
	@touch $(VENV)/.run $@

# The third lock contains the second.
$(VENV)/.spark: $(VENV)/.dev requirements-spark.lock
	@command -v java >/dev/null || { echo "make: Spark needs Java; on Debian: apt-get install default-jre-headless" >&2; exit 1; }
	@echo "Installing requirements-spark.lock"
	@$(call install,--require-hashes --no-deps --requirement requirements-spark.lock)
	@touch $@
