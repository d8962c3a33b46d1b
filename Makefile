# Two commands matter: `make quickstart` fine-tunes a real model on real data, `make test` runs the whole suite.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
CONFIGS := $(wildcard configs/*.yaml)

export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM ?= false

.PHONY: quickstart test lint check bench clean help

help:
	@echo "make quickstart   install, fetch the demo model and data, fine-tune, show the result"
	@echo "make test         the whole test suite"
	@echo "make lint         ruff and mypy --strict"
	@echo "make check        lint, then test: what CI runs"
	@echo "make bench        benchmarks, variants interleaved: more than an hour of one core"

$(INSTALLED): pyproject.toml requirements.lock
	$(PYTHON) -c "import sys; sys.exit('Python 3.11 or later is needed, this is ' + sys.version.split()[0] if sys.version_info < (3, 11) else 0)"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev]'
	touch $(INSTALLED)

quickstart: $(INSTALLED)
	$(BIN)/hf-efficient assets fetch demo/minilm-l6 demo/movie-sentiment
	$(BIN)/accelerate launch --config_file accelerate_config.yaml scripts/finetune.py configs/quickstart.yaml

test: $(INSTALLED)
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test

bench: $(INSTALLED)
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/padding.py
	$(BIN)/python benchmarks/evaluation.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/time_to_accuracy.py
	$(BIN)/python benchmarks/padding_report.py
	$(BIN)/python benchmarks/prefix_cache.py
	$(BIN)/python benchmarks/image_views.py
	$(BIN)/python benchmarks/distillation.py
	$(BIN)/python benchmarks/active_scoring.py

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache build dist *.egg-info
