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

setup:
	@.ci/setup
