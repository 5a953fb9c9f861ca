SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo up down test

help: ## this text
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## start the demo shop and Signalbox; Ctrl-C stops everything
	@exec demo/ctl demo

up: ## the same in the background
	@demo/ctl up

down: ## stop what `make up` started
	@demo/ctl down

test: ## all checks, against real servers that are installed first
	demo/ctl install
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
	command -v cargo-deny > /dev/null || cargo install cargo-deny --locked
	cargo deny check bans licenses sources
	cargo test
