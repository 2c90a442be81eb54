# Settings: make run APP_PORT=9000 HOLDFAST_DATA=/var/tmp/holdfast
APP_PORT ?= 8000
HOLDFAST_DATA ?= .holdfast
# As in BENCH_OPTIONS='--seconds 5 --only http,pgbench'; holdfast-bench --help tells them all. Without any, the figures and
# the curve go where they are kept.
BENCH_OPTIONS ?= --json crates/bench/figures/figures.json --svg crates/bench/figures/curve.svg
# As in SECONDS=600 SEED=7; without a seed one is drawn and told. More with CHAOS_OPTIONS: holdfast-chaos --help.
SECONDS ?= 60
SEED ?=
CHAOS_OPTIONS ?=

bin := $(or $(CARGO_TARGET_DIR),target)/release
debug := $(or $(CARGO_TARGET_DIR),target)/debug
stack := deploy/local-stack run
# Version 2, a plugin of docker's, or else 1.29, which has to be told to build as docker does.
compose = DOCKER_BUILDKIT=1 COMPOSE_DOCKER_CLI_BUILD=1 $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)

.PHONY: help
help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## serve everything at http://localhost:APP_PORT (8000), with servers and data of its own in HOLDFAST_DATA (.holdfast)
	cargo build --release -p holdfast
	@$(stack) "$(HOLDFAST_DATA)" -- sh -c '"$$0" migrate && HTTP_PORT=$(APP_PORT) exec "$$0" run --greet' "$(bin)/holdfast"

.PHONY: up
up: ## serve everything at http://localhost:8000, each service in a container of its own; settings in .env
	$(compose) up --build --detach

.PHONY: down
down: ## stop what `make up` has started; the data stays
	$(compose) down

.PHONY: test
test: ## run all tests, with servers of their own
	cargo build --workspace --all-targets
	$(stack) --throwaway --fast "$(HOLDFAST_DATA)" -- cargo test --workspace

.PHONY: chaos
chaos: ## break processes, servers and lines for SECONDS (60), drawn from SEED, and hold what clients were told against the log
	cargo build --workspace --bins --test structure
	$(stack) --throwaway --fast "$(HOLDFAST_DATA)" -- "$(debug)/holdfast-chaos" --seconds $(SECONDS) $(addprefix --seed ,$(SEED)) $(CHAOS_OPTIONS)

.PHONY: bench
bench: ## measure the release build, with a durable PostgreSQL
	cargo build --release -p holdfast -p holdfast-booking-api -p holdfast-validator -p holdfast-notifier -p holdfast-bench
	$(stack) --throwaway "$(HOLDFAST_DATA)" -- "$(bin)/holdfast-bench" $(BENCH_OPTIONS)

.PHONY: lint
lint: ## check form, lints, scripts and deploy/
	@cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 || rustup component add rustfmt clippy \
		|| { echo "make lint needs rustfmt and clippy, and could not install them" >&2; exit 1; }
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	deploy/check --fetch "$(HOLDFAST_DATA)"

.PHONY: fmt
fmt: ## put everything into form
	cargo fmt --all

.PHONY: clean-data
clean-data: ## remove the data of `make run`; asks nothing, and refuses while it is in use
	@test -f "$(HOLDFAST_DATA)/lock" || { echo "$(HOLDFAST_DATA) holds no data of ours"; exit 1; }
	@flock -n "$(HOLDFAST_DATA)/lock" rm -rf -- "$(HOLDFAST_DATA)" || { echo "$(HOLDFAST_DATA) is in use"; exit 1; }
