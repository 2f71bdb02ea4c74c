# Everything runs in .venv; each target makes it first if need be.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SYSTEM := build/.system-packages
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test thorough release docs screenshots bench pins lowest clean

demo: $(READY) ## of each assignment: release it, grade a class, show gradebook and report
	$(BIN)/autograder demo

test: $(READY) $(SYSTEM) ## all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

thorough: $(READY) $(SYSTEM) ## all tests, each with all that there is to try (an hour)
	THOROUGH=1 $(BIN)/python -m pytest

release: $(READY) ## generate assignments/ from solutions/
	for assignment in $(notdir $(wildcard solutions/*)); do $(BIN)/nbgrader generate_assignment $$assignment --force || exit 1; done

docs: $(READY) ## the API reference, in build/docs/api
	$(BIN)/python docs/make_api.py

screenshots: $(READY) $(SYSTEM) ## the pictures of pages in docs/, from a small class
	$(BIN)/python -m docs.make_screenshots

bench: $(READY) ## speed, each figure beside its bar
	status=0; for what in mlsysim measure examiner grading report; do $(BIN)/python benchmarks/bench_$$what.py || status=1; done; exit $$status

# uv resolves, for every system and for the lowest versions; it is needed for nothing else.
UV := build/uv/bin/uv
RESOLVE := $(UV) pip compile --quiet --no-annotate --no-header --no-config
HANDED_OUT := autograder/data/bundle
PIN := $(RESOLVE) --universal --python-version 3.11.0 --generate-hashes --no-emit-index-url

$(UV):
	$(PYTHON) -m venv build/uv
	build/uv/bin/pip install -qq uv

pins: $(UV) ## choose new versions for everything that is installed or handed out (needs a package index)
	$(PIN) --upgrade --all-extras pyproject.toml --output-file requirements.txt
	$(PIN) --constraint requirements.txt $(HANDED_OUT)/notebooks.in $(HANDED_OUT)/check.in --output-file $(HANDED_OUT)/requirements.txt

# Tests that use each dependency.
LOWEST := build/lowest
TOUCHED := measure recordings published plots compression draws wire inert markdown_cells drawings student_pages check magics checks_in_a_browser grading_elsewhere api_reference jupyterlab distributions internals

lowest: $(UV) $(SYSTEM) ## tests with the lowest versions that pyproject.toml allows (needs a package index)
	$(UV) venv --quiet --allow-existing --no-config --python $(PYTHON) $(LOWEST)
	$(RESOLVE) --resolution lowest-direct --upgrade --all-extras --constraint tests/lowest.txt pyproject.toml --output-file $(LOWEST)/versions.txt
	$(UV) pip sync --quiet --no-config --python $(LOWEST)/bin/python $(LOWEST)/versions.txt
	$(UV) pip install --quiet --no-config --python $(LOWEST)/bin/python --no-deps --no-build-isolation pip --editable .
	PATH="$(CURDIR)/$(LOWEST)/bin:$$PATH" $(LOWEST)/bin/python -m pytest $(TOUCHED:%=tests/test_%.py)

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --requirement requirements.txt
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# A browser and a database server, which some tests start; where they cannot be installed those tests say so and are skipped.
$(SYSTEM): tests/system-packages.txt
	mkdir -p $(dir $@)
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && ! dpkg -s $$(cat $<) >/dev/null 2>&1; then \
		apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends -y $$(cat $<) >/dev/null; fi
	touch $@

clean:
	rm -rf $(VENV) build
