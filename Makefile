# What a fresh Debian machine with only Rust lacks is installed by these targets themselves.
.PHONY: demo test bench fuzz setup

CARGO ?= cargo

demo: setup ## Builds, syncs docs/examples into an embedded store, shows the keys, follows the files
	$(CARGO) run --quiet --release --bin romulusd -- \
	    --manifests docs/examples --etcd memory --svc-selector type=external

test: setup ## Everything CI runs
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --all-features --no-deps --quiet
	$(CARGO) test --workspace --all-features

FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= annotations json_settings manifests plan_laws predicates routes

fuzz: setup ## Each fuzz target for FUZZ_SECONDS; docs/fuzzing.md
	@.ci/setup-fuzz
	$(CARGO) run --quiet --manifest-path fuzz/seeds/Cargo.toml -- fuzz/corpus
	set -e; for target in $(FUZZ_TARGETS); do \
	    $(CARGO) fuzz run -s none $$target -- -max_total_time=$(FUZZ_SECONDS) \
	        -dict=fuzz/words.dict -timeout=25 -print_final_stats=1; \
	done

setup:
	@.ci/setup
