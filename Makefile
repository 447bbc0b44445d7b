# Helper verbs. CMake is the build system; these set it up and call it.
.DEFAULT_GOAL := help
.PHONY: help demo speech test targets static bench bench-ops bench-models bench-language bench-peers bench-slower conformance fuzz random random-ops schedules build package fmt tidy clean setup-demo setup-test setup-bench setup-peers setup-bench-language
.NOTPARALLEL:
PYTHON := .venv/bin/python
export CCACHE_SLOPPINESS := pch_defines,time_macros

help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

demo: setup-demo package ## compile three networks and read the text of a picture (IMAGE=file: of yours)
	$(PYTHON) examples/ocr/demo.py $(IMAGE)

speech: setup-demo package ## compile a voice detector and find the speech in a sound (SOUND=file.wav: of yours)
	$(PYTHON) examples/speech/find_speech.py $(SOUND)

test: setup-test build ## build, then every test and lint (ARGS=... goes to pytest)
	@ninja -C build longtail_emulation
	scripts/test.sh $(ARGS)

bench: setup-bench package ## speed against other systems and against the limits of this machine
	$(PYTHON) bench/run.py $(ARGS)

static: setup-test package ## what the loops for other processors look like, with the cycles that llvm-mca estimates
	$(PYTHON) bench/static.py $(ARGS)

targets: setup-test package ## every real model on every target, on emulated processors (ARGS="model ...")
	@ninja -C build longtail_emulation
	$(PYTHON) test/targets/model_table.py --update $(ARGS)

bench-ops: setup-bench package ## speed of every operator, its share of the machine's limit
	$(PYTHON) bench/run.py --operators $(ARGS)

bench-models: setup-bench package ## speed of every model of the zoo
	$(PYTHON) bench/run.py --all $(ARGS)

bench-peers: setup-peers package ## with MNN, ncnn, PyTorch, IREE and TVM, too (ARGS=--operators, --all, ...)
	$(PYTHON) bench/run.py --peers $(ARGS)

bench-language: setup-bench-language package ## speed of the operators of examples/ops against Numba, PyTorch and ONNX Runtime
	$(PYTHON) bench/run.py --language $(ARGS)

bench-slower: ## what got slower between the last two runs of a benchmark on this kind of machine
	$(PYTHON) bench/slower.py $(ARGS)

conformance: setup-test package ## the 2,033 official ONNX backend tests, with a table per operator
	$(PYTHON) test/conformance/run.py $(ARGS)

fuzz: setup-test ## a campaign of a fuzz target, recorded in the ledger (ARGS="target seconds")
	nice -n 19 $(PYTHON) test/fuzz/campaign.py $(or $(ARGS),all 600)

random: setup-test package ## random models against two oracles (ARGS="count first-seed")
	PYTHONPATH=build/python $(PYTHON) test/random_models/random_campaign.py $(ARGS)

random-ops: setup-test package ## random operators of the language in all modes (ARGS="count first-seed")
	PYTHONPATH=build/python $(PYTHON) test/python/language/random_programs_campaign.py $(ARGS)

schedules: setup-test package ## drawn schedules of every class against the naive result (ARGS="200 seed")
	PYTHONPATH=build/python $(PYTHON) test/python/tuning/spaces.py $(ARGS)

build: setup-demo ## set up and compile everything
	@ninja -C build

package: setup-demo # only what Python needs: no tests, no developer tools
	@ninja -C build longtail_package

fmt: setup-test ## format all sources
	.venv/bin/ruff format python test bench scripts examples
	.venv/bin/ruff check --fix python test bench scripts examples
	find codegen compiler dialects passes python runtime test bench examples \
	  \( -name '*.cpp' -o -name '*.h' -o -name '*.hpp' -o -name '*.c' \) -print0 | xargs -0 clang-format-22 -i

tidy: setup-test build ## clang-tidy over all C++ sources (`make test` checks a part)
	scripts/tidy.sh

clean: ## remove what was built; downloads and the Python environment stay
	@find build -mindepth 1 -maxdepth 1 ! -name models -exec rm -rf {} + 2>/dev/null || true

setup-demo setup-test setup-bench setup-peers setup-bench-language: setup-%:
	@scripts/setup.sh $*
