# Every recipe only calls a program: variables are exported, and Python reads them. Nothing is interpolated.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:
MAKEFLAGS += --no-print-directory

VARIABLES := ENV NODE SSH_OPTIONS ENV_DIR JSON FOLLOW LINES SINCE GREP LOGIN VERB RELEASE FROM SOAK WATCH WAIT KEEP CONFIG DATA CONFIRM OVERRIDE INSIST TO BACKUP POSITION REASON BENCH_DIR SWITCHES TELEGRAM
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

.PHONY: help setup run env deploy status restart logs stop start test test-quick test-faults lint format format-check types shell workflows units check ci try try-down bench bench-pages bench-service bench-shares bench-switch history verify promote rollback plan remove backup restore rebuild redact doctor cancel

help: ## List every target
	@scripts/help.sh

setup: ## Install dependencies into .venv; name missing tools
	@scripts/setup.sh

run: ## Run the service in this checkout [ENV=dev TELEGRAM=1]
	@scripts/run.sh

env: ## Write a first .env.$ENV with a new API token (ENV=)
	@scripts/deploy/env.sh

plan: ## Show what a deploy, or VERB=, would change and why (ENV=)
	@scripts/deploy/plan.sh

deploy: ## Deploy: ENV=dev|staging|live [NODE= SSH_OPTIONS= JSON=1]
	@scripts/deploy/deploy.sh

promote: ## Deploy what runs in FROM=staging, its very code (ENV=live)
	@scripts/deploy/promote.sh

rollback: ## Go back to an earlier release (ENV=) [RELEASE= CONFIG=]
	@scripts/deploy/rollback.sh

status: ## Show all environments in a table, or one in detail [ENV=]
	@scripts/deploy/status.sh

doctor: ## Check everything that a deploy needs, with hints [ENV=]
	@scripts/deploy/doctor.sh

history: ## Show the hash-chained audit of all changes [ENV= LINES=]
	@scripts/deploy/history.sh

verify: ## Verify the audit, and each event log against it [ENV=]
	@scripts/deploy/verify.sh

restart: ## Restart an environment with no downtime (default ENV=dev)
	@scripts/deploy/restart.sh

logs: ## Follow the journal [ENV= FOLLOW=0 LINES= SINCE= GREP=]
	@scripts/deploy/logs.sh

cancel: ## Cancel a change before its switch (ENV=)
	@scripts/deploy/cancel.sh

stop: ## Stop an environment, also over a reboot (default ENV=dev)
	@scripts/deploy/stop.sh

start: ## Start a stopped environment (default ENV=dev)
	@scripts/deploy/start.sh

backup: ## Fetch a verified copy of the event log (ENV=) [TO=file]
	@scripts/deploy/backup.sh

restore: ## Replace the event log with a backup (ENV= BACKUP=)
	@scripts/deploy/restore.sh

rebuild: ## Rebuild the read models from the event log (ENV=)
	@scripts/deploy/rebuild.sh

redact: ## Replace an event's words for good (ENV= POSITION= REASON=)
	@scripts/deploy/redact.sh

remove: ## Remove an environment, not its data (ENV=) [DATA=delete]
	@scripts/deploy/remove.sh

try: ## Boot a node1 here and deploy all environments [LOGIN=root]
	@scripts/try.sh up

try-down: ## Remove the node1 of `make try`; downloads stay
	@scripts/try.sh down

test: ## Run the tests, on a node1 too; a sample of the fault cases
	@scripts/stage.sh test

test-quick: ## Run the quick tests that need no node, in a minute
	@scripts/stage.sh test-quick

test-faults: ## Run the fault cases that `make test` leaves out
	@scripts/stage.sh test-faults

lint: ## Lint and format check
	@scripts/stage.sh lint format-check

format: ## Format the code, and fix what the linter can fix
	@scripts/stage.sh format

format-check: ## Check the format of the code
	@scripts/stage.sh format-check

types: ## Check types, strictly
	@scripts/stage.sh types

shell: ## Check every shell script
	@scripts/stage.sh shell

workflows: ## Check the workflows of GitHub
	@scripts/stage.sh workflows

units: ## Check the systemd units of all environments on a node1
	@scripts/stage.sh units

check: ## Run every stage of CI but the tests
	@scripts/stage.sh check

ci: ## Run every stage of CI, tests included
	@scripts/stage.sh ci

bench: ## Time deploys beside version 0.3.0 and a bare ssh
	@scripts/stage.sh bench

bench-shares: ## Time live on a node while dev takes all that it can get
	@scripts/stage.sh bench-shares

bench-switch: ## Time the answers under load in each switch [SWITCHES=20]
	@scripts/stage.sh bench-switch

bench-pages: ## Time the pages over a log of a million events
	@scripts/stage.sh bench-pages

bench-service: ## Time event log and service beside the disk [BENCH_DIR=]
	@scripts/stage.sh bench-service
