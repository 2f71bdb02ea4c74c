# Everything runs in .venv; each target makes it first if need be.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SYSTEM := build/.system-packages
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test release docs bench pins clean

demo: $(READY) ## release the assignment, grade a class, show gradebook and report
	$(BIN)/autograder demo

test: $(READY) $(SYSTEM) ## all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

release: $(READY) ## generate assignments/ and the exam for self-study from solutions/
	$(BIN)/nbgrader generate_assignment quantization --force
	$(BIN)/autograder exam

docs: $(READY) ## the API reference, in build/docs/api
	$(BIN)/python docs/make_api.py

bench: $(READY) ## speed, each figure beside its bar
	status=0; for what in mlsysim examiner grading; do $(BIN)/python benchmarks/bench_$$what.py || status=1; done; exit $$status

# uv resolves for every system; it is needed for nothing else.
UV := build/uv/bin/uv pip compile --quiet --universal --python-version 3.11.0 --generate-hashes --no-annotate --no-header --no-config --no-emit-index-url

pins: ## choose new versions for everything that is installed or handed out (needs a package index)
	test -x build/uv/bin/uv || { $(PYTHON) -m venv build/uv && build/uv/bin/pip install -qq uv; }
	$(UV) --upgrade --all-extras pyproject.toml --output-file requirements.txt
	for who in students self-learners; do \
		$(UV) --constraint requirements.txt autograder/data/bundle/$$who.in --output-file autograder/data/bundle/$$who.txt; done

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
