# One command for everything: `make demo` shows the engine at work, `make test` proves it. Only Python 3.11+ and make have to be there.
# The tests of a file share what it takes time to make; three files at once on two cores, for many tests wait for servers.

RUN := .venv/bin/python
PYTEST := $(RUN) -m pytest -q
INSTALLED := .venv/installed

unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

.DELETE_ON_ERROR:
.PHONY: demo test test-long bench lint format lock clean

demo: $(INSTALLED)
	@$(RUN) -m service demo

test: lint
	@$(PYTEST) -n 3 --dist loadfile --no-loadscope-reorder -m "not long"

test-long: $(INSTALLED)
	@$(PYTEST) -n 2 -rP -m long
	@$(PYTEST) -n 2 tests/test_laws.py --hypothesis-profile=long

bench: $(INSTALLED)
	@$(RUN) -m tests.bench

lint: $(INSTALLED)
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy

format: $(INSTALLED)
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

lock: $(INSTALLED)
	@scripts/lock

clean:
	rm -rf .venv .hypothesis .mypy_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements.lock pyproject.toml scripts/install
	@scripts/install
	@touch $@
