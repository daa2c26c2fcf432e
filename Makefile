# Counterfoil. `make` lists the targets. Everything is set up in .venv beside this file; nothing else on the machine
# changes, except Debian packages that are missing and that root may install.
#
#   PYTHON=/path/to/python3.12 make run     chooses the interpreter (3.11 or later) when .venv is made
#   PIP_FLAGS= make run                     lets pip build from source where a platform has no wheel
#   WORKERS=1 make test                     runs the tests one after another
#   ARGS=tests/loyalty make test            runs some of them

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?=
# Wheels only: no code of a package runs while it is installed, and no compiler is needed.
PIP_FLAGS ?= --only-binary=:all:
WORKERS ?= 2
ARGS ?=
# `make lock UPGRADE=--upgrade` takes the newest versions, `UPGRADE="--upgrade-package aiohttp"` one of them.
UPGRADE ?=

VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --no-input
PIP_INSTALL := $(PIP) install --quiet $(PIP_FLAGS)
PACKAGES := kiosk loyalty printers sync
# command=Debian package, for each program that the tests start. Debian keeps PostgreSQL's server beside the PATH.
TEST_PROGRAMS := chromium=chromium postgres=postgresql
BESIDE_PATH := /usr/lib/postgresql/*/bin
# With this file Debian's package brings the programs and sets up no server of its own on port 5432.
NO_CLUSTER := /etc/postgresql-common/createcluster.d/counterfoil.conf

# A stamp in .venv stands for a finished step, so a second `make run` starts at once. .venv does not survive a move of
# this folder or an upgrade that takes its Python away: the first stamp names the folder, and Python is asked for a word.
MADE := $(VENV)/.made
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development
VENV_WORKS = $(shell [ "$$(cat $(MADE) 2>/dev/null)" = "$(CURDIR)" ] && $(VENV)/bin/python -c "" 2>/dev/null && echo yes)

.PHONY: help run test bench campaigns simulate lint format lock programs always

help: ## lists these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r target what; do
	printf '  make %-9s %s\n' "$$target" "$$what"
	done

run: $(RUNTIME) ## sets up and starts the demonstration shop on this machine
	@exec $(VENV)/bin/counterfoil demo $(ARGS)

test: $(DEVELOPMENT) programs ## sets up and runs every check and every test
	@$(MAKE) lint
	# One file stays in one worker, because servers are started once per file. pytest prints the last line.
	exec $(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

bench: $(RUNTIME) ## measures sales and scans beside the limits of this machine
	@$(VENV)/bin/counterfoil bench sales
	$(VENV)/bin/counterfoil bench scan
	$(VENV)/bin/counterfoil bench push

campaigns: $(RUNTIME) ## takes the real coupons of a year to its real baskets
	@exec $(VENV)/bin/counterfoil campaigns

simulate: $(DEVELOPMENT) ## tries 10,000 universes of faults, every planted bug, 1,000 power cuts, 300 universes on the real SQL
	@$(VENV)/bin/counterfoil simulate --universes 10000 --planted --workers $(WORKERS)
	$(VENV)/bin/python -m tests.kiosk.faults.power_cuts 1000
	$(VENV)/bin/python -m tests.simulation.real_universe 20 --postgres
	exec $(VENV)/bin/python -m tests.simulation.real_universe 300

lint: $(DEVELOPMENT) ## style, format and types
	@echo "ruff check"
	$(VENV)/bin/ruff check .
	echo "ruff format --check"
	$(VENV)/bin/ruff format --check .
	echo "mypy --strict"
	$(VENV)/bin/mypy $(foreach package,$(PACKAGES),-p $(package))

format: $(DEVELOPMENT) ## puts the sources into the house format
	@$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

# One lock serves every Python from 3.11 and every platform (markers inside), with the hashes of all published files.
# The build backend is locked too, because the project itself is installed without build isolation. The runtime lock is
# held to the versions of the development lock, so both may be installed into one .venv.
lock: $(MADE) ## computes both lock files from pyproject.toml
	@[ -x $(VENV)/bin/uv ] || $(PIP_INSTALL) uv
	compile() {
	    printf 'hatchling\neditables\n' | $(VENV)/bin/uv --no-config pip compile --quiet --universal \
	        --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
	        --custom-compile-command "make lock" $(UPGRADE) "$$@" pyproject.toml -
	}
	compile --all-extras --output-file requirements-dev.lock
	compile --extra cjk --extra hub --constraint requirements-dev.lock --output-file requirements.lock
	grep -c '^[a-z]' requirements.lock requirements-dev.lock

$(RUNTIME): $(MADE) requirements.lock pyproject.toml
	@echo "installing what the service needs (once, about a minute)"
	$(PIP_INSTALL) --require-hashes --requirement requirements.lock
	$(call install_project)
	touch $@

$(DEVELOPMENT): $(MADE) requirements-dev.lock pyproject.toml
	@echo "installing what the tests need (once, about two minutes)"
	$(PIP_INSTALL) --require-hashes --requirement requirements-dev.lock
	$(call install_project)
	touch $@

# Editable, without dependencies (the lock had them) and without a build environment of its own: nothing is fetched.
install_project = $(PIP) install --quiet --no-index --no-deps --no-build-isolation --editable .

$(MADE): $(if $(VENV_WORKS),,always)
	@# sets python to the first interpreter that is new enough and can make an environment; false when there is none
	find_python() {
	    for python in $${1:-python3.11 python3 python3.12 python3.13 python3.14 /usr/bin/python3}; do
	        "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
	        "$$python" -c 'import venv; from ensurepip import version' 2>/dev/null && return
	    done
	    return 1
	}
	if ! find_python "$(PYTHON)"; then
	    if [ -n "$(PYTHON)" ]; then
	        echo "$(PYTHON) cannot be used: Python 3.11 or later with venv and ensurepip is needed." >&2; exit 1
	    fi
	    $(call install_debian,python3 python3-venv)
	    find_python "" || { echo "Python 3.11 or later was not found. Name one: PYTHON=... make run" >&2; exit 1; }
	fi
	echo "making $(VENV) with $$("$$python" --version)"
	clear=
	# The stamp of another folder, or a Python that no longer starts: what is installed there cannot be trusted.
	if [ -e $(MADE) ]; then clear=--clear; fi
	"$$python" -m venv $$clear $(VENV)
	printf '%s' "$(CURDIR)" > $@

programs: # what the tests start besides Python
	@missing=
	beside=$$(echo $(BESIDE_PATH))
	for program in $(TEST_PROGRAMS); do
	    (PATH="$$PATH:$${beside// /:}"; command -v "$${program%%=*}") > /dev/null || missing="$$missing $${program##*=}"
	done
	[ -z "$$missing" ] || { $(call install_debian,$$missing); } || {
	    # A developer may go on: the tests that need the program say so. CI may not.
	    [ "$${CI:-}" != true ]
	}

# $(1): Debian packages. Root gets them installed; anybody else, or another system, is told what is missing.
define install_debian
if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
    echo "installing from Debian:" $(1)
    export DEBIAN_FRONTEND=noninteractive
    case "$(1)" in *postgresql*)
        mkdir -p $(dir $(NO_CLUSTER)) && echo "create_main_cluster = false" > $(NO_CLUSTER)
        trap 'rm -f $(NO_CLUSTER)' EXIT;;
    esac
    apt-get update -qq < /dev/null && apt-get install -y -qq --no-install-recommends $(1) < /dev/null > /dev/null
else
    echo "missing on this machine:" $(1)"; as root: apt-get install" $(1) >&2
    false
fi
endef
