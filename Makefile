# What a fresh Debian machine with only Rust lacks is installed by these targets themselves.
.PHONY: demo test deny chaos fuzz bench setup

CARGO ?= cargo

demo: setup ## Builds, syncs docs/examples into an embedded store, shows the keys, follows the files
	$(CARGO) run --quiet --release --bin romulusd -- \
	    --manifests docs/examples --etcd memory --svc-selector type=external

test: setup ## Everything CI runs
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features -- -D warnings
	$(CARGO) clippy --quiet --manifest-path fuzz/Cargo.toml --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --all-features --no-deps --quiet
	$(CARGO) test --workspace --all-features

deny: ## Licences, duplicates and sources of what is depended on; advisories where there is a network
	@.ci/deny

CHAOS_ROUNDS ?= 100

chaos: setup ## Everything fails at random; docs/reliability.md. CHAOS_SEED=n repeats a run
	CHAOS_ROUNDS=$(CHAOS_ROUNDS) CHAOS_SEED=$${CHAOS_SEED:-$$(date +%s)} \
	    $(CARGO) test -p romulusd --all-features --test chaos -- --nocapture

FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= annotations json_settings manifests plan_laws predicates routes

fuzz: setup ## Each fuzz target for FUZZ_SECONDS; docs/fuzzing.md
	@.ci/setup-fuzz
	$(CARGO) run --quiet --manifest-path fuzz/seeds/Cargo.toml -- fuzz/corpus
	set -e; for target in $(FUZZ_TARGETS); do \
	    $(CARGO) fuzz run -s none $$target -- -max_total_time=$(FUZZ_SECONDS) \
	        -dict=fuzz/words.dict -timeout=25 -print_final_stats=1; \
	done

bench: setup ## How fast, how large: ratios to target/bench.json; docs/performance.md
	@.ci/setup-bench
	$(CARGO) build --quiet --release --bin romulusctl
	$(CARGO) bench -p romulusd --bench whole -- --json $(CURDIR)/target/bench.json
	$(CARGO) bench -p romulus-core --bench engine
	$(CARGO) bench -p romulus-core --bench instructions

setup:
	@.ci/setup
