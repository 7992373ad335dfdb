# `make demo` shows the main job, `make test` runs every test. Both bring what they need (the scripts of tests/tools/).

ARGS ?=
PACK ?=
SEEDS ?= 1000
SECONDS ?= 60

SMALL = $${CARGO_TARGET_DIR:-target}/small

.PHONY: help demo library test test-rust test-c test-dotnet test-peers test-qemu test-languages lint natives package test-package bindings bench bench-dotnet bench-peers soak fuzz clean

help:
	@echo 'make demo [ARGS="--help"]   update a virtual device, in C#, through the library'
	@echo 'make library                the shared library alone: small, and without the virtual device'
	@echo 'make test                   every test; also test-rust test-c test-dotnet test-peers test-qemu lint'
	@echo 'make test-languages          one program per language over the C ABI (docs/BINDINGS.md)'
	@echo 'make natives [RIDS="linux-x64 win-x64"]   the shared library for other machines, checked and tested (docs/NATIVES.md)'
	@echo 'make package, test-package   the NuGet package out of these; and what its users do with it'
	@echo 'make bindings               write the C header, its data and the C# signatures anew'
	@echo 'make bench, bench-peers     our own times; those of other clients'
	@echo 'make soak SEEDS=n           n simulated updates under random faults'
	@echo 'make fuzz SECONDS=n         random bytes into everything that reads bytes'
	@echo 'make clean                  remove target/ and .cache/'

demo:
	@cargo build --quiet --features cli --bin smpfota
	@tests/dotnet/build.sh --without-tests
	@echo "at the desk: $${CARGO_TARGET_DIR:-target}/debug/smpfota --help"
	@$${CARGO_TARGET_DIR:-target}/dotnet/sample $(ARGS)

# Alone, without the Rust library beside it: only then does the linker know that nobody needs the Rust functions.
library:
	cargo rustc --profile small --no-default-features --lib --crate-type cdylib
	@ls -l $(SMALL)/libsmpfota.* $(SMALL)/smpfota.dll 2>/dev/null | awk '/(so|dylib|dll)$$/ { print $$5, "bytes in", $$NF }'

test:
	@tests/run

test-rust test-c test-dotnet test-peers test-qemu:
	@tests/run $(@:test-%=%)

# All of them; `make test` runs those that a bare machine has soon: Python, Node and C++.
test-languages:
	@tests/tools/languages.sh
	@tests/languages/run.sh

lint:
	@tests/run lint

natives:
	@tools/natives/setup.sh
	@.cache/cross/venv/bin/python tools/natives/build.py $(RIDS)

# PACK="--leave-out RID": see tools/package/pack.py; for both targets. REPOSITORY_URL in the environment goes into the package.
package:
	@tools/package/setup.sh
	@.cache/package/bin/python tools/package/pack.py $(PACK)

test-package:
	@tests/package/run.py

bindings:
	SMPFOTA_BLESS=1 cargo test --test bindings

bench: bench-dotnet
	cargo bench

# What the C# client allocates, into target/bench/dotnet.json.
bench-dotnet:
	@SMPFOTA_BENCH="$$(realpath -m "$${CARGO_TARGET_DIR:-target}")/bench/dotnet.json" tests/dotnet/run.sh --filter AllocationBench

bench-peers:
	@tests/peers/bench.sh

soak:
	cargo run --release --example soak -- --seeds $(SEEDS) --threads $$(nproc)

fuzz:
	fuzz/run --seconds $(SECONDS)

clean:
	rm -rf target .cache
