# One command each. `make run` needs Python 3.11 with its venv module, and make; nothing else.
PYTHON ?= python3
PY := .venv/bin/python
JOBS ?= logical

.PHONY: run test check chaos bench lock screenshots install install-dev

# exec: the process that make waits for is the supervisor itself, so that a signal to make reaches it.
run: install
	@COUNTERSIGN_STOP_WITH_PARENT=1 exec $(PY) manage.py up

test: install-dev
	@exec $(PY) -m pytest -n $(JOBS) --dist loadgroup --durations=12

# All of tests/faults, and every file elsewhere that has a part of its own for this.
chaos: install-dev
	@exec $(PY) -m pytest tests/faults $$(grep -rl "mark\.chaos" --include="test_*.py" tests | grep -v "^tests/faults/") \
		-m "chaos or not chaos"

check: install-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(PY) manage.py draw_states --check
	.venv/bin/djade --check --target-version 5.2 $$(git ls-files 'templates/*.html')
	$(PY) -m pytest -q tests/architecture

bench: install-dev
	@exec $(PY) -m tests.bench

screenshots: install-dev
	@exec $(PY) -m tests.screenshots

install:
	@exec $(PYTHON) config/bootstrap.py run

install-dev:
	@exec $(PYTHON) config/bootstrap.py dev

# For maintainers: resolve anew, a week behind the indexes. No address of any index may get into these files.
LOCK := .venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header --no-annotate
lock: install-dev
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) dev.in -o dev.txt
	! grep -l "://" requirements.txt dev.txt bootstrap.txt
