# Everything a newcomer, a developer and CI run. `make help` lists it.
PYTHON ?= python3
PORT ?= 8000
BENCH ?=
TORTURE ?=

BIN := .venv/bin
FLASK := $(BIN)/flask --app app
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard locales/*/LC_MESSAGES/messages.po))
EXTRACT := $(BIN)/pybabel -q extract --no-wrap --add-location=file --sort-by-file --project=Pakan --version=0.1 \
	--msgid-bugs-address="the issue tracker of the project" --copyright-holder="The Pakan authors"

.DEFAULT_GOAL := help
.PHONY: help run test check bench torture setup catalogues words diagrams lock clean

help: ## List these commands
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup ## Set everything up, make a small synthetic register, and serve on http://127.0.0.1:8000 (PORT=...)
	@exec $(FLASK) serve --demo --port $(PORT)

test: .venv/dev catalogues ## Set up and run every test
	$(BIN)/python -m pytest

check: .venv/dev catalogues ## Style, types, the rooms of the house, the conversations and their catalogues
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(FLASK) flows check

bench: .venv/dev catalogues ## Measure a hop against bare Flask on this machine (BENCH="--quick" for a smoke run)
	$(BIN)/python -m bench $(BENCH)

torture: .venv/dev catalogues ## Kill senders thousands of times, and see that nothing is lost or sent twice (TORTURE="--help")
	$(BIN)/python -m bench.torture $(TORTURE)

setup: .venv/run catalogues ## Virtual environment, locked packages, compiled catalogues

.venv/bin/python:
	@bin/venv $(PYTHON)

.venv/run: requirements.txt .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt .venv/run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

catalogues: $(CATALOGUES) ## Compile the wording of every language

%.mo: %.po .venv/run
	@$(BIN)/pybabel -q compile -i $< -o $@ -l $(word 2,$(subst /, ,$<))

words: .venv/dev ## After a change of wording: collect it, and bring every catalogue up to date
	$(EXTRACT) -o locales/messages.pot flows gateway
	@for language in en lo lo_Latn; do $(BIN)/pybabel -q update --no-fuzzy-matching --no-wrap \
		--ignore-pot-creation-date -i locales/messages.pot -d locales -l $$language; done
	@echo "Now fill in what is empty: make check names it."

diagrams: .venv/dev catalogues ## Draw the conversations again (needs Graphviz)
	$(FLASK) flows diagram > docs/conversation.mmd
	$(FLASK) flows diagram --svg docs

lock: .venv/dev ## Pin and hash the newest packages that requirements*.in allow
	$(BIN)/uv pip compile -q --no-header --no-emit-index-url --generate-hashes --universal \
		--python-version 3.11 --upgrade requirements.in -o requirements.txt
	$(BIN)/uv pip compile -q --no-header --no-emit-index-url --generate-hashes --universal \
		--python-version 3.11 --upgrade requirements-dev.in -c requirements.txt -o requirements-dev.txt

clean: ## Forget everything that was made here, the synthetic register too
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache $(CATALOGUES)
