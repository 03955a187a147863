# Every target is one script, which does its own set-up; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help demo demo-outage test test-kube check bench faults fuzz

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

demo: ## a real Airflow behind the gate: one URL, one user, one password
	@scripts/demo.sh

demo-outage: ## the same, with the control plane killed under traffic
	@scripts/demo-outage.sh

test: ## everything, on a fresh machine too; .ci/run is the same
	@scripts/test.sh

test-kube: ## what we rely on of Kubernetes, at a real cluster: KUBECONFIG=FILE make test-kube
	@scripts/test-kube.sh

check: ## format, lints, dependencies, repository rules, Rust tests
	@scripts/check.sh

bench: ## one benchmark: make bench NAME=gate
	@scripts/bench.sh "$(NAME)"

faults: ## the table of faults, each row with the tests that answer it
	@scripts/faults.sh

fuzz: ## one fuzz target, ten minutes: make fuzz NAME=target [SECONDS=600], or NAME=all
	@scripts/fuzz.sh "$(NAME)" "$(SECONDS)"
