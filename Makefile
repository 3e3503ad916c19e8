# Everything here sets itself up: python3 (3.11+) with pip, make and nothing else; as root or not.
#   make serve    the service on 127.0.0.1:8000, with its own Postgres unless DATABASE_URL names one
#   make test     the tests; `make test ARGS=tests/domain` those that need no database
#   make demo     the stories, against the running service
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
PY := .venv/bin/python
export PYTHON
export PYTHONPATH := .
ARGS ?=
PROCESSES ?= 2

.PHONY: help serve worker migrate demo doctor test lint format contracts messages lock bench bench-short bench-beside bench-flat bench-tenants verify-million deliveries faults fuzz lives midnight mutants soak histories recovery failover odd-policies many-rows large-pages compare-answers move-tenant docs-assets site clean run-env dev-env gates-env site-env

help:
	@sed -n 's/^#   //p' Makefile
	@echo "also: worker migrate doctor lint format contracts messages lock bench bench-short bench-beside bench-flat bench-tenants verify-million deliveries faults fuzz lives midnight mutants soak histories recovery failover odd-policies many-rows large-pages compare-answers move-tenant docs-assets site clean"

run-env:
	@scripts/bootstrap.sh run
dev-env:
	@scripts/bootstrap.sh dev
gates-env:
	@scripts/bootstrap.sh gates
site-env:
	@scripts/bootstrap.sh site

# The service dies with make (kill -9 of make would otherwise leave it running, holding port and data folder).
serve: run-env
	@RETAINER_DIE_WITH_PARENT=1 RETAINER_DEVELOPMENT=$${RETAINER_DEVELOPMENT:-true} exec $(PY) -m app.cli serve $(ARGS)
worker migrate doctor demo: run-env
	@exec $(PY) -m app.cli $@ $(ARGS)

# All tests run in two processes, a file of tests in one of them; what ARGS chooses runs in one.
test: dev-env
	@exec $(PY) -m pytest $(or $(ARGS),--numprocesses $(PROCESSES) --dist loadfile)
lint: dev-env
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports
format: dev-env
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .
contracts: dev-env
	$(PY) -m app.commands.contracts $(ARGS)
	@$(PY) -m scripts.reference $(ARGS)

# The catalogues of app/locale: brings them up to date with the texts in the code, and compiles them.
messages: dev-env
	@$(PY) -m scripts.messages $(ARGS)

# By hand; their results are kept under docs/. (-P: `scripts/` is not where imports are looked for.)
bench deliveries faults fuzz lives midnight mutants soak histories recovery: dev-env
	$(PY) -P scripts/$@.py $(ARGS)

# What CI runs: the main job's CPU beside its references, in under two minutes, compared with bench/ratios.json.
bench-short: dev-env
	@exec $(PY) -m bench --short $(ARGS)

# The work beside the calls, every verb as one account grows, and many tenants beside one: see docs/performance.md.
bench-beside: dev-env
	$(PY) -m bench.beside $(or $(ARGS),inbound import clock simulate webhooks memory --count 1000)
bench-flat: dev-env
	nice $(PY) -m bench.flat $(ARGS)
bench-tenants: dev-env
	$(PY) -m bench.tenants $(ARGS)

# A ledger of a million customers, made and recomputed: about an hour, and 40 GB of disk. ARGS=100000 for fewer.
verify-million: dev-env
	$(PY) -m bench.beside audit --count $(or $(ARGS),1000000)

# A tenant from one Postgres server to another, see docs/scale.md: ARGS="acme --from URL --to URL --address https://..."
move-tenant: run-env
	@exec $(PY) -m scripts.move_tenant $(ARGS)

# The same calls against an older checkout (OLD=folder): every kind of difference, and whether CHANGELOG tells of it.
compare-answers: dev-env
	$(PY) -m scripts.compare_answers $(OLD) $(ARGS)

# Odd but valid policies, published and lived under: RETAINER_ODD_DOCUMENTS and RETAINER_ODD_SEED say how many, and which.
odd-policies: dev-env
	@RETAINER_ODD_DOCUMENTS=$${RETAINER_ODD_DOCUMENTS:-300} exec $(PY) -m pytest tests/policies/test_odd_lives.py -q $(ARGS)

# An export of as many rows of the ledger, with the memory that it takes counted.
many-rows: dev-env
	@RETAINER_MANY_ROWS=$${RETAINER_MANY_ROWS:-1000000} exec $(PY) -m pytest tests/reports/test_exports.py -q -k many_rows $(ARGS)

# The board of 100,000 open clocks and what is owed to 100,000 customers, with their times, on a quiet machine.
large-pages: dev-env
	@RETAINER_EXACT_TIMES=1 RETAINER_MANY_CLOCKS=$${RETAINER_MANY_CLOCKS:-100000} exec $(PY) -m pytest -q -s tests/scale/test_board.py tests/scale/test_reports.py $(ARGS)

# The failover of the tests with its exact times, on a quiet machine.
failover: dev-env
	@RETAINER_EXACT_TIMES=1 exec $(PY) -m pytest tests/packaging/test_failover.py $(ARGS)

# For maintainers: uv resolves for every platform and writes hashes; its own lock format would name hosts.
COMPILE := ../.venv-lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header $(UPGRADE)
lock:
	@[ -x .venv-lock/bin/python ] || { $(PYTHON) -m venv --without-pip .venv-lock && $(PYTHON) -m pip --python .venv-lock/bin/python install -q uv; }
	cd requirements && $(COMPILE) run.in -o run.lock
	cd requirements && $(COMPILE) -c run.lock embedded.in -o embedded.lock
	cd requirements && $(COMPILE) -c run.lock otel.in -o otel.lock
	cd requirements && $(COMPILE) -c run.lock -c embedded.lock -c otel.lock dev.in -o dev.lock
	cd requirements && $(COMPILE) gates.in -o gates.lock
	cd requirements && $(COMPILE) clients.in -o clients.lock
	cd requirements && $(COMPILE) site.in -o site.lock
	@! grep -n '://' requirements/*.lock

# All pages as one site with search: build/site.
site: dev-env site-env
	@exec $(PY) scripts/site.py

# Swagger UI and GraphiQL, so that the docs pages ask nobody. Needs npm; the result is committed.
docs-assets:
	scripts/vendor_docs.sh

clean:
	rm -rf .venv .venv-gates .venv-clients .venv-node .venv-site .venv-lock .venv*.lock .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
