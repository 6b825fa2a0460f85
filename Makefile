# Every recipe only calls a program: variables are exported, and Python reads them. Nothing is interpolated.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-print-directory

VARIABLES := ENV NODE SSH_OPTIONS ENV_DIR JSON FOLLOW LINES SINCE GREP LOGIN RELEASE SOAK KEEP CONFIG DATA CONFIRM INSIST TO BACKUP POSITION REASON BENCH_DIR TELEGRAM
ENV_ORIGIN := $(origin ENV)
export ENV_ORIGIN GIVEN $(VARIABLES)
# What is misspelt would be left out in silence, and something else done than was meant.
GIVEN := $(foreach v,$(.VARIABLES),$(if $(findstring command line,$(origin $v)),$v))
UNKNOWN := $(filter-out $(VARIABLES) MAKEFLAGS MAKEOVERRIDES -*,$(GIVEN))
ifneq ($(UNKNOWN),)
$(info error: unknown variable $(UNKNOWN))
$(info hint: known are $(VARIABLES))
$(error nothing was done)
endif
# Their values go to the recipes as they were typed: make would expand a `$` in them.
$(foreach v,$(VARIABLES),$(if $(findstring command,$(origin $v)),$(eval override export $v := $$(value $v))))

.PHONY: help setup run env deploy status restart logs stop start test test-quick test-faults lint format format-check types shell workflows units check ci try try-down bench bench-service bench-shares history verify rollback plan remove backup restore rebuild redact doctor

help: ## This list
	@scripts/help.sh

setup: ## Set the checkout up: .venv as uv.lock says; what the machine lacks is installed or named
	@scripts/setup.sh

run: ## Run the service here, from this checkout (ENV=dev by default), with its data in data/ [TELEGRAM=1: its bot too]
	@scripts/run.sh

env: ## Write .env.$ENV from the template, with its port, paths and a new API token (ENV=)
	@scripts/deploy/env.sh

plan: ## What a deploy would change: steps, commits, configuration, units; nothing is touched (ENV=)
	@scripts/deploy/plan.sh

deploy: ## Put a release on the node: ENV=dev|staging|live [NODE= SSH_OPTIONS= JSON=1]
	@scripts/deploy/deploy.sh

rollback: ## Go back to the release before, or to a kept one (ENV=) [RELEASE=id or its beginning]
	@scripts/deploy/rollback.sh

status: ## What runs on the node: all environments, or one in detail (ENV=)
	@scripts/deploy/status.sh

doctor: ## Everything that a deploy needs, checked from both ends, and how to fix it [ENV=]
	@scripts/deploy/doctor.sh

history: ## Who changed what and when, from the node's hash-chained audit [ENV= LINES=]
	@scripts/deploy/history.sh

verify: ## The audit's chain, and each event log against every head in the audit [ENV=]
	@scripts/deploy/verify.sh

restart: ## Restart an environment cleanly; callers wait (ENV=dev by default)
	@scripts/deploy/restart.sh

logs: ## Follow the journal of an environment [ENV= FOLLOW=0 LINES= SINCE= GREP=]
	@scripts/deploy/logs.sh

stop: ## Stop an environment; it stays stopped over a reboot (ENV=dev by default)
	@scripts/deploy/stop.sh

start: ## Start an environment that was stopped (ENV=dev by default)
	@scripts/deploy/start.sh

backup: ## Fetch a verified copy of the event log while the service runs, into backups/ (ENV=) [TO=file]
	@scripts/deploy/backup.sh

restore: ## Put a backup in the place of the event log, which is kept; live asks for its name (ENV= BACKUP=)
	@scripts/deploy/restore.sh

rebuild: ## Build the read models anew out of the event log, while the service runs (ENV=)
	@scripts/deploy/rebuild.sh

redact: ## Replace the words of an event for good; live asks for its name (ENV= POSITION= REASON=)
	@scripts/deploy/redact.sh

remove: ## Take an environment off the node; its data stays, unless DATA=delete (ENV=) [CONFIRM=its name]
	@scripts/deploy/remove.sh

try: ## Boot a node1 of your own on this machine and deploy all three environments onto it [LOGIN=root]
	@scripts/try.sh up

try-down: ## End the node1 that `make try` booted, and remove it; what was downloaded stays for the next one
	@scripts/try.sh down

test: ## The tests, on a node1 too; a sample of the fault matrices
	@scripts/stage.sh test

test-quick: ## The tests that need no node and little time, in a minute
	@scripts/stage.sh test-quick

test-faults: ## The fault cases that `make test` leaves out
	@scripts/stage.sh test-faults

lint: ## Lint and format check
	@scripts/stage.sh lint format-check

format: ## Format the code, and fix what the linter can fix
	@scripts/stage.sh format

format-check: ## Check the format of the code
	@scripts/stage.sh format-check

types: ## Strict type check of both halves
	@scripts/stage.sh types

shell: ## Check every shell script
	@scripts/stage.sh shell

workflows: ## Check the workflows of GitHub
	@scripts/stage.sh workflows

units: ## Check the systemd units of all environments on a node1
	@scripts/stage.sh units

check: ## Every stage of CI but the tests; non-zero if one failed
	@scripts/stage.sh check

ci: ## Every stage of CI, tests included; non-zero if one failed
	@scripts/stage.sh ci

bench: ## Time deploys beside version 0.3.0 and a bare ssh
	@scripts/stage.sh bench

bench-shares: ## Time the answers of live on a node while dev takes all that it can get, beside a quiet dev
	@scripts/stage.sh bench-shares

bench-service: ## Time the event log and the service beside what the disk can do [BENCH_DIR=on the disk meant] [JSON=1]
	@scripts/stage.sh bench-service
